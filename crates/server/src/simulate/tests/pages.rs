//! What the files hold.

use super::super::figures::Outcome;
use super::super::{files, page, service_level};
use super::{POOL, SMALL, options, played};
use crate::simulate::Results;

/// Elements that have no end.
const VOID: [&str; 1] = ["meta"];

/// What is wrong with the nesting or the attributes of a page.
fn check(html: &str) -> Result<(), String> {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = html.strip_prefix("<!doctype html>").ok_or("no doctype")?;
    while let Some((text, after)) = rest.split_once('<') {
        if text.contains('>') {
            return Err(format!("a stray > in {text:?}"));
        }
        let (tag, after) = after.split_once('>').ok_or("a tag has no end")?;
        rest = after;
        let name = tag.split([' ', '/']).find(|part| !part.is_empty()).ok_or("a tag has no name")?;
        if tag.starts_with('/') {
            if open.pop() != Some(name) {
                return Err(format!("</{name}> ends another element"));
            }
        } else if matches!(name, "style" | "script") {
            let (_, after) = rest.split_once(&format!("</{name}>")).ok_or("a style or script has no end")?;
            rest = after;
        } else if !tag.ends_with('/') && !VOID.contains(&name) {
            open.push(name);
        }
        if tag.matches('"').count() % 2 == 1 {
            return Err(format!("an attribute of <{tag}> has no end"));
        }
    }
    if open.is_empty() { Ok(()) } else { Err(format!("never ended: {open:?}")) }
}

fn pages() -> Vec<String> {
    let plan = played(POOL, &super::unwatched());
    let odd =
        SMALL.replace("name = \"the Koreans speak English too\"", "name = \"a < b & \\\"c\\\" <script>\"");
    vec![page::page(&plan), page::page(&played(&odd, &options()))]
}

#[test]
fn the_checker_sees_what_is_wrong() {
    let page = |body: &str| check(&format!("<!doctype html><p>{body}</p>"));
    assert_eq!(page("<b>x</b><line x=\"1\"/>"), Ok(()));
    assert!(page("<b>x</i>").is_err());
    assert!(page("<b>x").is_err());
    assert!(page("a > b").is_err());
    assert!(page("<b class=\"x>y</b>").is_err());
}

#[test]
fn the_page_is_well_formed_whatever_things_are_called() {
    for page in pages() {
        assert_eq!(check(&page), Ok(()));
    }
    assert!(pages()[1].contains("a &lt; b &amp; &quot;c&quot; &lt;script&gt;"));
}

#[test]
fn the_page_needs_nothing_from_elsewhere() {
    for page in pages() {
        for foreign in ["http:", "https:", "src=", "href=", "@import", "url(", "innerHTML"] {
            assert!(!page.contains(foreign), "{foreign}");
        }
    }
}

#[test]
fn everything_is_there_in_both_languages() {
    for page in pages() {
        let count = |mark: &str| page.matches(mark).count();
        assert!(count("class=\"en\"") > 40);
        assert_eq!(count("class=\"en\""), count("class=\"ko\""));
        for word in ["서비스 레벨", "응답 지연", "포기율", "점유율", "Service level", "Answer delay"]
        {
            assert!(page.contains(word), "{word}");
        }
        assert!(!page.contains("NaN") && !page.contains(">inf"), "a figure that is none");
    }
    assert!(pages()[0].contains("최소 상담원 수") && pages()[1].contains("뚜렷한 차이 없음"));
}

#[test]
fn what_is_odd_is_told_in_the_report_and_in_json_too() {
    let odd = SMALL.replace(
        "require = \"billing\"\n",
        "require = \"billing\"\nlast_agent = { remember = \"7d\" }\nring_every = \"5s\"\n",
    );
    let results = played(&odd, &options());
    let warnings = &results.scenario.warnings;
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    let page = page::page(&results);
    assert_eq!(check(&page), Ok(()));
    assert!(page.contains("<span class=\"en\">Warnings</span>") && page.contains("주의할 점"));
    assert!(page.contains("`last_agent` has no effect") && page.contains("`last_agent`는 효과가 없음"));
    assert!(page.contains("대기열 &quot;billing&quot;: ") && page.contains("`ring_every` never rings"));
    let json = files::json(&results);
    assert_eq!(json["warnings"].as_array().map(Vec::len), Some(2));
    assert_eq!(json["warnings"][0]["line"], warnings[0].line);
    assert!(!page::page(&played(SMALL, &options())).contains("Warnings"), "nothing is odd there");
}

#[test]
fn units_in_the_headings_are_those_of_the_language() {
    let page = &pages()[1];
    assert!(page.contains("<span class=\"ko\" lang=\"ko\">, 초</span>"));
    assert!(!page.contains("</span>, s</th>"), "a unit that stands in both languages");
}

fn figures(results: &Results) -> usize {
    let of = |outcome: &Outcome| -> usize {
        let rows = outcome.parts.iter().flat_map(|part| part.intervals.iter().chain([&part.day]));
        rows.map(|row| row.0.iter().filter(|(_, figure)| figure.is_some()).count()).sum()
    };
    results.outcomes.iter().map(of).sum()
}

#[test]
fn the_csv_has_a_line_for_each_figure_and_json_the_same_figures() {
    let results = played(SMALL, &options());
    let text = files::csv(&results).expect("memory takes it");
    let mut reader = csv::Reader::from_reader(&text[..]);
    let rows: Vec<csv::StringRecord> = reader.records().map(|row| row.expect("it is CSV")).collect();
    assert_eq!(rows.len(), figures(&results));
    let day = |figure: &str| {
        let mut rows = rows.iter().filter(|row| {
            row[0].is_empty()
                && &row[1] == "queue"
                && &row[2] == "billing"
                && &row[3] == "09:00"
                && &row[4] == "11:00"
        });
        let row = rows.find(|row| &row[5] == figure).unwrap_or_else(|| panic!("no {figure}"));
        row[6].parse::<f64>().expect("a number")
    };
    let json = files::json(&results);
    let billing = &json["cases"][0]["parts"][1];
    assert_eq!((&billing["kind"], &billing["name"]), (&"queue".into(), &"billing".into()));
    let mut names = vec![
        "offered".to_owned(),
        "answer_delay_mean_seconds".to_owned(),
        "answer_delay_p90_seconds".to_owned(),
    ];
    names.extend(service_level::WORDS.map(|(word, _)| format!("service_level_{}", word.replace('-', "_"))));
    for name in names {
        let value = billing["day"][&name]["value"].as_f64().unwrap_or_else(|| panic!("no {name}"));
        assert!((value - day(&name)).abs() < 1e-6, "{name}");
    }
    assert_eq!(json["comparisons"][0]["differences"][0]["verdict"], "better");
}
