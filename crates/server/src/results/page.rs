//! The frame of every report for people: one HTML file that needs nothing else, in English and Korean, light and dark.
//!
//! Both languages stand in the file, and the style shows one of them; the script only chooses, so that the page
//! is whole without it.

pub(crate) mod chart;

use super::words::Words;
use chart::Chart;

const STYLE: &str = include_str!("page/report.css");
const SCRIPT: &str = include_str!("page/report.js");

/// A page in both languages around its content: `file` is its name, `head` the quiet line below it.
pub(crate) fn frame(file: &str, head: &str, content: &str) -> String {
    let file = escaped(file);
    let other = "<button id=\"language\" type=\"button\"><span class=\"en\" lang=\"ko\">한국어</span><span \
     class=\"ko\" lang=\"en\">English</span></button>";
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\">\n<title>Cordboard: \
         {file}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<header><h1>Cordboard \
         <small>{file}</small></h1>{other}</header>\n<p \
         class=\"quiet\">{head}</p>\n<main>\n{content}</main>\n<script>\n{SCRIPT}</script>\n</body>\n</html>\n"
    )
}

/// A table; headings and rows are HTML.
pub(crate) fn grid(headings: &[String], rows: &str) -> String {
    let head: String = headings.iter().map(|heading| format!("<th scope=\"col\">{heading}</th>")).collect();
    format!(
        "<div class=\"scroll\" \
         tabindex=\"0\"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )
}

/// Charts side by side.
pub(crate) fn drawn(charts: &[Chart]) -> String {
    let charts: String = charts.iter().map(Chart::drawn).collect();
    format!("<div class=\"charts\">{charts}</div>")
}

/// A section below its title; both are HTML.
pub(crate) fn titled(title: &str, content: &str) -> String {
    format!("<section><h2>{title}</h2>{content}</section>")
}

/// What is shown when the reader asks for it.
pub(crate) fn folded(title: Words, content: &str) -> String {
    format!("<details><summary>{}</summary>{content}</details>", spoken(title))
}

/// Words in both languages, of which the style shows one.
pub(crate) fn spoken(words: Words) -> String {
    both(words.en, words.ko)
}

/// Text in both languages; it must be escaped.
pub(crate) fn both(en: &str, ko: &str) -> String {
    if en == ko {
        return en.to_owned();
    }
    format!("<span class=\"en\">{en}</span><span class=\"ko\" lang=\"ko\">{ko}</span>")
}

/// Text of the user, as HTML shows it.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
