//! The wallboard page: three files of our own, nothing from elsewhere.

use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};

const PAGE: &str = include_str!("page/wallboard.html");
const STYLE: &str = include_str!("page/wallboard.css");
const SCRIPT: &str = include_str!("page/wallboard.js");
const ICON: &str = include_str!("page/wallboard.svg");
/// Where the page says which language it is in.
const LANGUAGE_MARK: &str = "{lang}";

/// The page, in the reader's language.
pub(super) async fn wallboard(headers: HeaderMap) -> Response {
    let accepted =
        headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let page = PAGE.replace(LANGUAGE_MARK, language(accepted));
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::VARY, "Accept-Language")], page)
        .into_response()
}

pub(super) async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLE).into_response()
}

pub(super) async fn script() -> Response {
    ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], SCRIPT).into_response()
}

pub(super) async fn icon() -> Response {
    ([(header::CONTENT_TYPE, "image/svg+xml")], ICON).into_response()
}

/// Korean where the reader likes it better than English (RFC 9110 §12.5.4), else English.
fn language(accepted: &str) -> &'static str {
    let (mut best, mut best_weight) = ("en", 0);
    for range in accepted.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let primary =
            parts.next().unwrap_or_default().split('-').next().unwrap_or_default().to_ascii_lowercase();
        let weight = parts.find_map(|part| part.strip_prefix("q=")).map_or(1_000, thousandths);
        let known = match primary.as_str() {
            "ko" => "ko",
            "en" => "en",
            _ => continue,
        };
        if weight > best_weight {
            (best, best_weight) = (known, weight);
        }
    }
    best
}

/// `0.8` as 800; nonsense is 0.
fn thousandths(quality: &str) -> u16 {
    let quality: f32 = quality.trim().parse().unwrap_or(0.0);
    // The cast saturates and turns no-number into 0.
    (quality * 1_000.0) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reader_s_language_is_taken_by_weight() {
        assert_eq!(language("ko-KR,ko;q=0.9,en-US;q=0.8,en;q=0.7"), "ko");
        assert_eq!(language("en-US,en;q=0.9,ko;q=0.8"), "en");
        assert_eq!(language("en;q=0.2, ko;q=0.3"), "ko");
        assert_eq!(language("de, fr;q=0.5"), "en");
        assert_eq!(language("ko;q=0"), "en");
        assert_eq!(language("ko;q=NaN,;;,"), "en");
        assert_eq!(language(""), "en");
    }

    /// The names of the words between two marks of the script.
    fn words(from: &str, to: &str) -> std::collections::BTreeSet<String> {
        let (_, rest) = SCRIPT.split_once(from).expect("the language begins");
        let (block, _) = rest.split_once(to).expect("the language ends");
        let names = block
            .split(['{', ',', '\n'])
            .filter_map(|part| part.split_once(": "))
            .map(|(name, _)| name.trim());
        names
            .filter(|name| name.chars().all(|char| char.is_ascii_alphabetic() || char == '_'))
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn every_word_of_the_page_is_there_in_both_languages() {
        let english = words("  en: {", "\n  },");
        assert!(english.contains("waiting") && english.contains("missed"), "{english:?}");
        assert_eq!(english, words("  ko: {", "\n  },"));
        for state in [
            "idle",
            "reserved",
            "calling_back",
            "handling",
            "after_call_work",
            "interrupted",
            "backing_off",
            "occupied",
            "unreachable",
            "not_ready",
            "logged_out",
        ] {
            assert!(english.contains(state), "{state}");
        }
    }

    #[test]
    fn the_page_loads_nothing_from_elsewhere_and_writes_no_html_by_script() {
        for text in [PAGE, STYLE, SCRIPT] {
            assert!(!text.contains("//cdn") && !text.contains("https:"), "a foreign resource");
            assert!(
                !text.contains("innerHTML")
                    && !text.contains("insertAdjacentHTML")
                    && !text.contains("eval(")
            );
        }
        assert!(PAGE.contains(LANGUAGE_MARK));
        assert!(!PAGE.contains("<style") && !PAGE.contains("style="), "the policy forbids inline styles");
    }
}
