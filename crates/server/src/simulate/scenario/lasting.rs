//! How long something lasts: `{ shape = "lognormal", mean = "3m", sd = "4m" }`.

use std::time::Duration;

use whatif::Distribution;

use super::sheet::Sheets;
use crate::config::reader::Section;
use crate::config::report::Span;

/// The largest standard deviation in seconds: what a median far below the mean asks for has an end.
const DEVIATION_MAX: f64 = 864_000.0;

/// The shortest way to write one.
pub(crate) const EXAMPLE: &str = "{ mean = \"3m\" }";

/// Which shape, as it is written.
#[derive(Clone, Copy)]
enum Shape {
    Constant,
    Exponential,
    Lognormal,
    Uniform,
    Empirical,
}

/// Reads what `section` says; `queue` is whose rows of a file count where it has a column of queues.
pub(crate) fn read(section: &mut Section<'_>, sheets: &Sheets, queue: Option<&str>) -> Option<Distribution> {
    let shapes = [
        ("constant", Shape::Constant),
        ("exponential", Shape::Exponential),
        ("lognormal", Shape::Lognormal),
        ("uniform", Shape::Uniform),
        ("empirical", Shape::Empirical),
    ];
    let shape = section.word("shape", "exponential", &shapes);
    let named = section.raw("shape").map(|value| value.get_ref().as_str());
    // A shape that is none was reported, and what it needs is not known.
    let is_known = named.is_none_or(|name| shapes.iter().any(|(known, _)| name == Some(*known)));
    let mean = length(section, "mean");
    let sd = length(section, "sd");
    let median = length(section, "median");
    let least = length(section, "min");
    let most = length(section, "max");
    let file = section.text("file");
    let column = section.text("column");
    let given = [
        ("mean", mean.is_some()),
        ("sd", sd.is_some()),
        ("median", median.is_some()),
        ("min", least.is_some()),
        ("max", most.is_some()),
        ("file", file.is_some()),
        ("column", column.is_some()),
    ];
    if !is_known {
        return None;
    }
    let allowed: &[&str] = match shape {
        Shape::Constant | Shape::Exponential => &["mean"],
        Shape::Lognormal => &["mean", "sd", "median"],
        Shape::Uniform => &["min", "max"],
        Shape::Empirical => &["file", "column"],
    };
    if let Some((key, _)) = given.iter().find(|(key, given)| *given && !allowed.contains(key)) {
        let wanted = allowed.iter().map(|key| format!("`{key}`")).collect::<Vec<String>>().join(", ");
        section.error(
            section.span(),
            format!("`{key}` says nothing to this shape, which has {wanted}; leave it out"),
        );
        return None;
    }
    match shape {
        Shape::Constant => needed(section, "mean", mean).map(Distribution::Constant),
        Shape::Exponential => needed(section, "mean", mean).map(Distribution::exponential),
        Shape::Lognormal => lognormal(section, mean, sd, median),
        Shape::Uniform => {
            let (least, most) = (needed(section, "min", least), needed(section, "max", most));
            uniform(section, least?, most?)
        }
        Shape::Empirical => {
            let (file, span) = file_and(section, "file", file)?;
            let (column, column_span) = file_and(section, "column", column)?;
            sheets.lengths(section, (&file, span), (&column, column_span), queue).map(Distribution::Empirical)
        }
    }
}

fn length(section: &mut Section<'_>, key: &'static str) -> Option<Duration> {
    section.optional_duration(key, "0s", "1d")
}

fn needed(section: &Section<'_>, key: &str, value: Option<Duration>) -> Option<Duration> {
    // A value that is wrong was reported where it stands.
    if value.is_none() && !section.gives(key) {
        section.error(section.span(), format!("`{key}` is missing; add a time, as in {key} = \"3m\""));
    }
    value
}

fn file_and(section: &Section<'_>, key: &str, value: Option<(String, Span)>) -> Option<(String, Span)> {
    if value.is_none() && !section.gives(key) {
        let remedy = "write { shape = \"empirical\", file = \"day.csv\", column = \"talk\" }";
        section.error(section.span(), format!("`{key}` is missing; {remedy}"));
    }
    value
}

fn uniform(section: &Section<'_>, least: Duration, most: Duration) -> Option<Distribution> {
    if least > most {
        section.error(section.span(), "`min` is longer than `max`; exchange the two");
        return None;
    }
    Some(Distribution::Uniform { from: least, to: most })
}

/// By mean and standard deviation, or by mean and median: for a lognormal law mean / median = exp(s²/2) and
/// (sd / mean)² = exp(s²) - 1.
fn lognormal(
    section: &Section<'_>,
    mean: Option<Duration>,
    sd: Option<Duration>,
    median: Option<Duration>,
) -> Option<Distribution> {
    let mean = needed(section, "mean", mean)?.as_secs_f64();
    let sd = match (sd, median) {
        (Some(sd), None) => sd.as_secs_f64(),
        (None, Some(median)) => {
            let median = median.as_secs_f64();
            if median > mean || median <= 0.0 {
                let remedy =
                    "a lognormal law has a long tail to the right: exchange the two, or choose another shape";
                section.error(
                    section.span(),
                    format!("`median` must be above zero and at most `mean`; {remedy}"),
                );
                return None;
            }
            let ratio = mean / median;
            mean * (ratio * ratio - 1.0).sqrt()
        }
        // One that is wrong was reported where it stands.
        (None, None) if section.gives("sd") || section.gives("median") => return None,
        (Some(_), Some(_)) | (None, None) => {
            section.error(
                section.span(),
                "a lognormal law needs `mean` and one of `sd` and `median`; write \
             { shape = \"lognormal\", mean = \"3m\", sd = \"4m\" }",
            );
            return None;
        }
    };
    if mean <= 0.0 {
        section.error(section.span(), "`mean` of a lognormal law is above zero; write a longer time");
        return None;
    }
    Some(Distribution::Lognormal {
        mean: Duration::from_secs_f64(mean),
        deviation: Duration::from_secs_f64(sd.min(DEVIATION_MAX)),
    })
}
