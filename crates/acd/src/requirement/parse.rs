//! Requirements as text: `billing >= 7 and (english >= 3 or korean) and not trainee`.

use std::fmt;

use super::{Comparison, DEPTH_MAX, LEVEL_MAX, Requirement, TERMS_MAX, TEXT_MAX};
use crate::SkillId;

/// What is wrong with the text of a requirement, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// Byte offset in the text.
    pub position: usize,
    /// The same in characters, counted from 1 as people do.
    pub character: usize,
    /// What is wrong there.
    pub problem: ParseProblem,
}

/// What is wrong with the text of a requirement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParseProblem {
    /// The text is longer than [`TEXT_MAX`].
    TooLong,
    /// A skill, `not` or `(` should stand here.
    SkillExpected {
        /// What stands there; `None` at the end of the text.
        found: Option<String>,
    },
    /// A level from 0 to [`LEVEL_MAX`] should stand here.
    LevelExpected {
        /// What stands there; `None` at the end of the text.
        found: Option<String>,
    },
    /// `and`, `or` or the end should stand here.
    OperatorExpected {
        /// What stands there.
        found: String,
    },
    /// No `)` closes the `(` at the position.
    Unclosed,
    /// No skill of this name is defined.
    UnknownSkill {
        /// The name.
        name: String,
    },
    /// A character that means nothing here.
    StrayCharacter {
        /// Which.
        found: char,
    },
    /// More than [`TERMS_MAX`] comparisons.
    TooLarge,
    /// Nested deeper than [`DEPTH_MAX`].
    TooDeep,
}

impl std::error::Error for ParseError {}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.character;
        match &self.problem {
            ParseProblem::TooLong => write!(f, "the requirement is longer than {TEXT_MAX} bytes"),
            ParseProblem::SkillExpected { found: Some(found) } => {
                write!(f, "a skill, `not` or `(` should stand at character {at}, not `{found}`")
            }
            ParseProblem::SkillExpected { found: None } => {
                write!(f, "the requirement ends where a skill, `not` or `(` should follow")
            }
            ParseProblem::LevelExpected { found: Some(found) } => {
                write!(f, "a level from 0 to {LEVEL_MAX} should stand at character {at}, not `{found}`")
            }
            ParseProblem::LevelExpected { found: None } => {
                write!(f, "the requirement ends where a level from 0 to {LEVEL_MAX} should follow")
            }
            ParseProblem::OperatorExpected { found } => {
                write!(f, "`and`, `or` or the end should stand at character {at}, not `{found}`")
            }
            ParseProblem::Unclosed => write!(f, "no `)` closes the `(` at character {at}"),
            ParseProblem::UnknownSkill { name } => {
                write!(f, "no agent has a skill called `{name}` (character {at})")
            }
            ParseProblem::StrayCharacter { found } => write!(f, "`{found}` at character {at} means nothing"),
            ParseProblem::TooLarge => write!(f, "the requirement has more than {TERMS_MAX} comparisons"),
            ParseProblem::TooDeep => write!(f, "the requirement is nested deeper than {DEPTH_MAX}"),
        }
    }
}

/// Reads a requirement.
///
/// ```text
/// either  = all ("or" all)*
/// all     = single ("and" single)*
/// single  = "not" single | "(" either ")" | skill [ (">=" | ">" | "<=" | "<" | "=" | "==" | "!=") level ]
/// skill   = a word of letters, digits, `_`, `-`, `.` that begins with a letter or `_`, or "any text in quotes"
/// ```
///
/// A skill alone means `skill >= 1`. `and`, `or` and `not` are written in any case; a skill so called is put in
/// quotes. An empty text is the requirement that everybody meets. `resolve` gives the id of a skill's name.
pub fn parse(
    text: &str,
    mut resolve: impl FnMut(&str) -> Option<SkillId>,
) -> Result<Requirement, ParseError> {
    if text.len() > TEXT_MAX {
        // Of a text of that size nobody counts characters.
        let (position, character) = (TEXT_MAX, TEXT_MAX + 1);
        return Err(ParseError { position, character, problem: ParseProblem::TooLong });
    }
    read(text, &mut resolve).map_err(|Wrong { position, problem }| {
        let character = 1 + text.char_indices().take_while(|&(start, _)| start < position).count();
        ParseError { position, character, problem }
    })
}

/// What is wrong, and at which byte.
struct Wrong {
    position: usize,
    problem: ParseProblem,
}

fn read(text: &str, resolve: &mut dyn FnMut(&str) -> Option<SkillId>) -> Result<Requirement, Wrong> {
    let tokens = tokens(text)?;
    if tokens.is_empty() {
        return Ok(Requirement::anyone());
    }
    let mut parser = Parser { text, tokens: &tokens, next: 0, terms: 0, depth: 0, resolve };
    let requirement = parser.either()?;
    match parser.peek() {
        None => Ok(requirement),
        Some(token) => {
            let found = parser.text_of(token).to_owned();
            Err(Wrong { position: token.start, problem: ParseProblem::OperatorExpected { found } })
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Open,
    Close,
    And,
    Or,
    Not,
    Comparison(Comparison),
    Name,
    QuotedName,
    Number,
}

#[derive(Clone, Copy)]
struct Token {
    kind: Kind,
    start: usize,
    end: usize,
}

fn tokens(text: &str) -> Result<Vec<Token>, Wrong> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let start = text.len() - rest.len();
        let (kind, length) = token(rest, first)
            .ok_or(Wrong { position: start, problem: ParseProblem::StrayCharacter { found: first } })?;
        tokens.push(Token { kind, start, end: start + length });
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

/// The kind and length in bytes of the token at the beginning of `rest`.
fn token(rest: &str, first: char) -> Option<(Kind, usize)> {
    const SYMBOLS: [(&str, Kind); 10] = [
        ("(", Kind::Open),
        (")", Kind::Close),
        (">=", Kind::Comparison(Comparison::AtLeast)),
        ("<=", Kind::Comparison(Comparison::AtMost)),
        ("!=", Kind::Comparison(Comparison::NotEqual)),
        ("==", Kind::Comparison(Comparison::Equal)),
        (">", Kind::Comparison(Comparison::MoreThan)),
        ("<", Kind::Comparison(Comparison::LessThan)),
        ("=", Kind::Comparison(Comparison::Equal)),
        ("\"", Kind::QuotedName),
    ];
    if let Some((symbol, kind)) = SYMBOLS.iter().find(|(symbol, _)| rest.starts_with(symbol)) {
        if *kind == Kind::QuotedName {
            let closing = rest[1..].find('"')?;
            return Some((Kind::QuotedName, closing + 2));
        }
        return Some((*kind, symbol.len()));
    }
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
    let word = &rest[..length];
    if first.is_ascii_digit() {
        return Some((Kind::Number, length));
    }
    if !(first.is_alphabetic() || first == '_') {
        return None;
    }
    let kind = match word.to_ascii_lowercase().as_str() {
        "and" => Kind::And,
        "or" => Kind::Or,
        "not" => Kind::Not,
        _ => Kind::Name,
    };
    Some((kind, length))
}

struct Parser<'a> {
    text: &'a str,
    tokens: &'a [Token],
    next: usize,
    terms: usize,
    depth: usize,
    resolve: &'a mut dyn FnMut(&str) -> Option<SkillId>,
}

impl Parser<'_> {
    fn peek(&self) -> Option<Token> {
        self.tokens.get(self.next).copied()
    }

    fn text_of(&self, token: Token) -> &str {
        &self.text[token.start..token.end]
    }

    fn takes(&mut self, kind: Kind) -> bool {
        let found = self.peek().is_some_and(|token| token.kind == kind);
        self.next += usize::from(found);
        found
    }

    fn either(&mut self) -> Result<Requirement, Wrong> {
        let mut parts = vec![self.all()?];
        while self.takes(Kind::Or) {
            parts.push(self.all()?);
        }
        Ok(single_or(parts, Requirement::Any))
    }

    fn all(&mut self) -> Result<Requirement, Wrong> {
        let mut parts = vec![self.single()?];
        while self.takes(Kind::And) {
            parts.push(self.single()?);
        }
        Ok(single_or(parts, Requirement::All))
    }

    fn single(&mut self) -> Result<Requirement, Wrong> {
        let Some(token) = self.peek() else {
            return Err(self.at_end(ParseProblem::SkillExpected { found: None }));
        };
        self.next += 1;
        match token.kind {
            Kind::Not => {
                self.enter(token)?;
                let inner = self.single()?;
                self.depth -= 1;
                Ok(Requirement::Not(Box::new(inner)))
            }
            Kind::Open => {
                self.enter(token)?;
                let inner = self.either()?;
                self.depth -= 1;
                if self.takes(Kind::Close) {
                    return Ok(inner);
                }
                match self.peek() {
                    None => Err(Wrong { position: token.start, problem: ParseProblem::Unclosed }),
                    Some(other) => {
                        let found = self.text_of(other).to_owned();
                        let problem = ParseProblem::OperatorExpected { found };
                        Err(Wrong { position: other.start, problem })
                    }
                }
            }
            Kind::Name | Kind::QuotedName => self.comparison(token),
            Kind::Close | Kind::And | Kind::Or | Kind::Comparison(_) | Kind::Number => {
                let found = Some(self.text_of(token).to_owned());
                Err(Wrong { position: token.start, problem: ParseProblem::SkillExpected { found } })
            }
        }
    }

    fn comparison(&mut self, token: Token) -> Result<Requirement, Wrong> {
        self.terms += 1;
        if self.terms > TERMS_MAX {
            return Err(Wrong { position: token.start, problem: ParseProblem::TooLarge });
        }
        let name = self.text[token.start..token.end].trim_matches('"');
        let Some(skill) = (self.resolve)(name) else {
            let problem = ParseProblem::UnknownSkill { name: name.to_owned() };
            return Err(Wrong { position: token.start, problem });
        };
        let Some(Token { kind: Kind::Comparison(comparison), .. }) = self.peek() else {
            return Ok(Requirement::at_least(skill, 1));
        };
        self.next += 1;
        Ok(Requirement::Skill { skill, comparison, level: self.level()? })
    }

    fn level(&mut self) -> Result<u8, Wrong> {
        let Some(token) = self.peek() else {
            return Err(self.at_end(ParseProblem::LevelExpected { found: None }));
        };
        self.next += 1;
        let text = self.text_of(token);
        match text.parse::<u8>() {
            Ok(level) if level <= LEVEL_MAX => Ok(level),
            Ok(_) | Err(_) => {
                let found = Some(text.to_owned());
                Err(Wrong { position: token.start, problem: ParseProblem::LevelExpected { found } })
            }
        }
    }

    fn enter(&mut self, token: Token) -> Result<(), Wrong> {
        self.depth += 1;
        if self.depth >= DEPTH_MAX {
            return Err(Wrong { position: token.start, problem: ParseProblem::TooDeep });
        }
        Ok(())
    }

    fn at_end(&self, problem: ParseProblem) -> Wrong {
        Wrong { position: self.text.len(), problem }
    }
}

fn single_or(mut parts: Vec<Requirement>, join: fn(Vec<Requirement>) -> Requirement) -> Requirement {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            join(parts)
        }
        None => join(parts),
    }
}
