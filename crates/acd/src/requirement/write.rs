//! Requirements back to text.

use super::{Comparison, Requirement};
use crate::SkillId;

/// What joins requirements, from the loosest to the closest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Join {
    Or,
    And,
    Not,
}

impl Requirement {
    /// As [`super::parse()`] reads it, with `name` for each skill: what was read from a text comes back as the same
    /// requirement. Lists that no text is read as, those of one and empty ones inside, are written as what they mean.
    pub fn text(&self, name: impl Fn(SkillId) -> String) -> String {
        let mut text = String::new();
        if *self != Requirement::anyone() {
            self.write(Join::Or, &name, &mut text);
        }
        text
    }

    /// In parentheses where it is bound less closely than `within`.
    fn write(&self, within: Join, name: &dyn Fn(SkillId) -> String, text: &mut String) {
        let (parts, join, word) = match self {
            Requirement::Skill { skill, comparison, level } => {
                return write_comparison(&name(*skill), *comparison, *level, text);
            }
            Requirement::Not(part) => {
                text.push_str("not ");
                return part.write(Join::Not, name, text);
            }
            Requirement::All(parts) => (parts, Join::And, " and "),
            Requirement::Any(parts) => (parts, Join::Or, " or "),
        };
        match parts.as_slice() {
            [] => text.push_str(if join == Join::And { "(anybody)" } else { "(nobody)" }),
            [only] => only.write(within, name, text),
            [first, rest @ ..] => {
                let is_closed = join < within;
                text.push_str(if is_closed { "(" } else { "" });
                first.write(join.next(), name, text);
                for part in rest {
                    text.push_str(word);
                    part.write(join.next(), name, text);
                }
                text.push_str(if is_closed { ")" } else { "" });
            }
        }
    }
}

impl Join {
    /// How close the parts must be bound by themselves: an `or` inside of an `or` was written in parentheses.
    fn next(self) -> Join {
        match self {
            Join::Or => Join::And,
            Join::And | Join::Not => Join::Not,
        }
    }
}

fn write_comparison(name: &str, comparison: Comparison, level: u8, text: &mut String) {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    let begins = name.chars().next().is_some_and(|first| first.is_alphabetic() || first == '_');
    let is_operator = ["and", "or", "not"].iter().any(|word| name.eq_ignore_ascii_case(word));
    let is_plain = begins && name.chars().all(is_part) && !is_operator;
    let quote = if is_plain { "" } else { "\"" };
    text.push_str(&format!("{quote}{name}{quote}"));
    let sign = match (comparison, level) {
        (Comparison::AtLeast, 1) => return,
        (Comparison::AtLeast, _) => ">=",
        (Comparison::MoreThan, _) => ">",
        (Comparison::AtMost, _) => "<=",
        (Comparison::LessThan, _) => "<",
        (Comparison::Equal, _) => "=",
        (Comparison::NotEqual, _) => "!=",
    };
    text.push_str(&format!(" {sign} {level}"));
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    const NAMES: [&str; 5] = ["billing", "english", "한국어", "first line", "or"];

    fn read(text: &str) -> Requirement {
        let skill = |name: &str| Some(SkillId(NAMES.iter().position(|&known| known == name)? as u32));
        parse(text, skill).expect("the text is right")
    }

    fn written(requirement: &Requirement) -> String {
        requirement.text(|skill| NAMES[skill.0 as usize].to_owned())
    }

    #[test]
    fn what_was_read_is_written_as_a_person_writes_it() {
        for text in [
            "",
            "billing",
            "billing >= 7 and (english >= 3 or 한국어) and not billing > 9",
            "billing <= 2 or english != 4 and 한국어 < 3",
            "\"first line\" = 0 and \"or\"",
            "not (billing or english)",
            "(billing and english) and 한국어",
            "(billing or english) or 한국어",
            "not not billing = 3",
        ] {
            assert_eq!(written(&read(text)), text);
        }
        assert_eq!(written(&read("((billing)) AND english>=1")), "billing and english");
    }

    #[test]
    fn every_requirement_that_was_read_comes_back() {
        // Every way to join three skills, twice nested.
        let joined = |a: &str, b: &str| {
            [format!("{a} and {b}"), format!("({a}) or ({b})"), format!("not ({a}) and {b}")]
        };
        let inner: Vec<String> =
            joined("billing > 3", "english").into_iter().chain(["\"or\"".to_owned()]).collect();
        for a in &inner {
            for b in &inner {
                for text in joined(&format!("({a})"), &format!("({b})")) {
                    let requirement = read(&text);
                    assert_eq!(read(&written(&requirement)), requirement, "{text}");
                }
            }
        }
    }

    #[test]
    fn what_no_text_says_is_written_as_what_it_means() {
        let one = Requirement::Any(vec![Requirement::at_least(SkillId(0), 2)]);
        let nobody = Requirement::All(vec![one, Requirement::Any(Vec::new())]);
        assert_eq!(written(&nobody), "billing >= 2 and (nobody)");
        assert_eq!(written(&Requirement::anyone()), "");
    }
}
