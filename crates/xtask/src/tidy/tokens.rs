//! Walking a source as tokens: comments are gone, strings are one literal, and what stands inside a
//! macro call is seen like everything else.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// One word of a source: an identifier, a literal or a piece of punctuation, with its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) text: String,
    pub(super) line: usize,
    pub(super) kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Identifier,
    Literal,
    Mark,
}

/// A source cut into words, documentation comments left out. Empty where it is not Rust: the
/// compiler will say so.
pub(super) fn words(source: &str) -> Vec<Word> {
    let mut words = Vec::new();
    if let Ok(stream) = source.parse::<TokenStream>() {
        collect(stream, &mut words);
    }
    words
}

fn collect(stream: TokenStream, words: &mut Vec<Word>) {
    for tree in stream {
        let line = tree.span().start().line;
        match tree {
            TokenTree::Ident(name) => {
                words.push(Word { text: name.to_string(), line, kind: Kind::Identifier });
            }
            TokenTree::Literal(value) => {
                words.push(Word { text: value.to_string(), line, kind: Kind::Literal });
            }
            TokenTree::Punct(mark) => words.push(mark_of(mark.as_char(), line)),
            TokenTree::Group(group) => {
                let (open, close) = brackets(group.delimiter());
                if open == '[' && is_documentation(&group.stream()) {
                    continue;
                }
                words.push(mark_of(open, line));
                let end = group.span_close().start().line;
                collect(group.stream(), words);
                words.push(mark_of(close, end));
            }
        }
    }
}

fn mark_of(mark: char, line: usize) -> Word {
    Word { text: mark.to_string(), line, kind: Kind::Mark }
}

fn brackets(delimiter: Delimiter) -> (char, char) {
    match delimiter {
        Delimiter::Parenthesis => ('(', ')'),
        Delimiter::Brace => ('{', '}'),
        Delimiter::Bracket => ('[', ']'),
        Delimiter::None => (' ', ' '),
    }
}

fn is_documentation(attribute: &TokenStream) -> bool {
    matches!(attribute.clone().into_iter().next(), Some(TokenTree::Ident(name)) if name == "doc")
}

/// The lines at which `pattern` (words in a row) begins.
pub(super) fn find(words: &[Word], pattern: &[&str]) -> Vec<usize> {
    let windows = words.windows(pattern.len());
    let found =
        windows.filter(|window| window.iter().zip(pattern).all(|(word, wanted)| word.text == *wanted));
    found.map(|window| window[0].line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_gone_and_macro_arguments_are_seen() {
        let source = "/// todo!()\nfn a() {\n  // todo!()\n  let s = \"todo!()\";\n  foo!(todo!());\n}";
        assert_eq!(find(&words(source), &["todo", "!"]), [5]);
    }
}
