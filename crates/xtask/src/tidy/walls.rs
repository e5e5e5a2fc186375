//! Walls: no file and no function grows beyond what a reader can hold.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

use super::Violation;
use crate::Tree;

/// Lines of a file, tests included.
const FILE_LINES_MAX: usize = 800;
/// Lines of a function from its signature to its closing brace; a closure counts with its function.
const FUNCTION_LINES_MAX: usize = 70;

pub(super) fn files(tree: &Tree) -> Vec<Violation> {
    let long = tree.sources().filter(|(_, text)| text.lines().count() > FILE_LINES_MAX);
    long.map(|(path, text)| {
        let message = format!("{} lines, the wall is {FILE_LINES_MAX}", text.lines().count());
        Violation::new(path, FILE_LINES_MAX + 1, message, "split it by what it is about: `foo.rs` + `foo/`")
    })
    .collect()
}

pub(super) fn functions(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, text) in tree.sources() {
        let Ok(stream) = text.parse::<TokenStream>() else { continue };
        measure(stream, &mut |name, line, lines| {
            if lines > FUNCTION_LINES_MAX {
                let message =
                    format!("function `{name}` has {lines} lines, the wall is {FUNCTION_LINES_MAX}");
                violations.push(Violation::new(path, line, message, "give its parts names of their own"));
            }
        });
    }
    violations
}

/// Tells `found` the name, the line and the length of every function with a body, wherever it
/// stands: tokens are read, not items, because tests also live inside macro calls.
fn measure(stream: TokenStream, found: &mut impl FnMut(&str, usize, usize)) {
    let mut open: Option<(String, usize)> = None;
    let mut after_fn: Option<usize> = None;
    for tree in stream {
        match tree {
            TokenTree::Ident(word) if word == "fn" => after_fn = Some(word.span().start().line),
            TokenTree::Ident(word) => {
                if let Some(line) = after_fn.take() {
                    open = Some((word.to_string(), line));
                }
            }
            // `fn(u8) -> u8` is a type; `;` ends a signature without a body.
            TokenTree::Punct(mark) if mark.as_char() == ';' => open = None,
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            TokenTree::Group(group) => {
                after_fn = None;
                if group.delimiter() == Delimiter::Brace
                    && let Some((name, line)) = open.take()
                {
                    found(&name, line, last_line(&group) + 1 - line);
                }
                measure(group.stream(), found);
            }
        }
    }
}

fn last_line(group: &Group) -> usize {
    group.span_close().end().line
}

#[cfg(test)]
mod tests {
    use super::super::messages;
    use super::*;

    fn function_of(lines: usize) -> String {
        format!("fn long(f: fn(u8)) {{\n{}}}\n", "    call();\n".repeat(lines - 2))
    }

    #[test]
    fn a_file_beyond_the_wall_is_reported() {
        let tree = Tree::of(&[("a.rs", &"\n".repeat(801)), ("b.rs", &"\n".repeat(800))]);
        assert_eq!(messages(&files(&tree)).lines().count(), 1);
        assert!(messages(&files(&tree)).starts_with("a.rs:801: 801 lines"));
    }

    #[test]
    fn a_function_beyond_the_wall_is_reported_at_its_signature() {
        let tree = Tree::of(&[("a.rs", &format!("\nmod m {{\n{}}}", function_of(71)))]);
        assert!(messages(&functions(&tree)).starts_with("a.rs:3: function `long` has 71 lines"));
        assert_eq!(functions(&Tree::of(&[("a.rs", &function_of(70))])), []);
    }

    #[test]
    fn a_function_inside_a_macro_call_is_measured_too() {
        let tree = Tree::of(&[("a.rs", &format!("proptest! {{\n{}}}", function_of(90)))]);
        assert!(messages(&functions(&tree)).contains("`long` has 90 lines"));
    }

    #[test]
    fn a_signature_without_a_body_and_a_function_type_have_no_length() {
        let source =
            format!("trait T {{ fn a(&self); }}\nstruct S {{ f: fn(u8) }}\nmod m {{ {} }}", "\n".repeat(99));
        assert_eq!(functions(&Tree::of(&[("a.rs", &source)])), []);
    }
}
