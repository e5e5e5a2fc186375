//! What a requirement asks for, checked by the distributor's own reader.

use acd::{Settings, SkillId, requirement};

use super::reader::Section;
use super::report::{Kind, Span};

/// Checks a requirement and notes the skills that it names.
pub(super) fn check(section: &Section<'_>, key: &str, text: &str, span: Span) {
    let mut names = Vec::new();
    let bounds = Settings::default();
    let (terms_max, depth_max) =
        (bounds.requirement_terms_max as usize, bounds.requirement_depth_max as usize);
    // The text begins after its quotation mark.
    let inside = |position: usize| (span.start + 1 + position).min(span.end)..span.end;
    match requirement::parse(text, |name| note(name, &mut names)).map(|requirement| requirement.size()) {
        Err(error) => {
            let remedy = "write it as in \"billing >= 7 and (english >= 3 or korean)\"";
            section.error(inside(error.position), format!("`{key}`: {error}; {remedy}"));
        }
        Ok(size) if size.terms > terms_max => {
            let wrong = format!("`{key}` has {} comparisons; {terms_max} are the most", size.terms);
            section.error(inside(0), wrong);
        }
        Ok(size) if size.depth > depth_max => {
            let wrong = format!("`{key}` is nested {} deep; {depth_max} is the most", size.depth);
            section.error(inside(0), wrong);
        }
        Ok(_) => {}
    }
    for name in names {
        let place = inside(text.find(&name).unwrap_or(0));
        section.report().mention(Kind::Skill, &name, place, section.label());
    }
}

/// The skills that a requirement names, each once.
pub(super) fn skills(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    // A text that is wrong was refused when the file was read.
    let _ = requirement::parse(text, |name| note(name, &mut names));
    names
}

fn note(name: &str, names: &mut Vec<String>) -> Option<SkillId> {
    if !names.iter().any(|known| known == name) {
        names.push(name.to_owned());
    }
    Some(SkillId(0))
}
