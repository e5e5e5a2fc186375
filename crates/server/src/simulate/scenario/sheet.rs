//! Days of real calls, as switches and spreadsheets export them: CSV with a line of headings.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use csv::{ReaderBuilder, StringRecord, Trim};

use super::Day;
use crate::config::reader::Section;
use crate::config::reader::figures::time_of_day;
use crate::config::report::Span;
use crate::config::{NOT_UTF_8, Problem, Severity, line_of, spelling};
use hours::Days;

/// The longest file and the most lines that are read.
const OCTETS_MAX: u64 = 256 * 1_024 * 1_024;
const ROWS_MAX: usize = 1_000_000;
/// After so many problems in one file the rest is not told: it is the same mistake.
const PROBLEMS_MAX: usize = 5;
/// The longest time that a cell may hold, in seconds: longer ones are no seconds.
const LENGTH_MAX: f64 = 86_400.0;

/// Where the next date begins.
const MIDNIGHT: Duration = Duration::from_secs(24 * 3_600);

/// The column of queues, where a file has one.
const QUEUE: &str = "queue";

/// The files that a scenario names, each read once.
pub(crate) struct Sheets {
    folder: PathBuf,
    read: RefCell<BTreeMap<PathBuf, Result<Rc<Sheet>, String>>>,
    /// Files without a column of queues, and who calls by them.
    users: RefCell<BTreeMap<PathBuf, String>>,
    /// The queues whose callers come by each file.
    asked: RefCell<BTreeMap<PathBuf, BTreeSet<String>>>,
    problems: RefCell<Vec<Problem>>,
}

/// One file.
struct Sheet {
    file: String,
    headings: Vec<String>,
    /// Each with its line.
    rows: Vec<(usize, StringRecord)>,
}

/// What a file says of who calls.
pub(super) struct Calls {
    /// The mean number in each interval of a day.
    pub(super) counts: Vec<f64>,
    /// When each came, in order, since midnight; only where the file tells it, and of one day.
    pub(super) times: Option<Vec<Duration>>,
}

impl Sheets {
    /// Files are found from `folder`, where the scenario is.
    pub(crate) fn new(folder: &Path) -> Sheets {
        Sheets {
            folder: folder.to_owned(),
            read: RefCell::default(),
            users: RefCell::default(),
            asked: RefCell::default(),
            problems: RefCell::default(),
        }
    }

    /// The files that were read.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        self.read.borrow().keys().cloned().collect()
    }

    /// What was wrong in lines of the files.
    pub(crate) fn take_problems(&self) -> Vec<Problem> {
        let mut problems = self.problems.take();
        problems.sort_by(|left, right| (&left.file, left.line).cmp(&(&right.file, right.line)));
        problems.dedup();
        problems
    }

    /// Warns of lines of queues by which nobody calls: their calls would be missed and not missing.
    pub(super) fn warn_of_unused(&self) {
        for (path, asked) in self.asked.borrow().iter() {
            let read = self.read.borrow().get(path).cloned();
            let Some(Ok(sheet)) = read else { continue };
            let Some(place) = sheet.headings.iter().position(|heading| heading == QUEUE) else { continue };
            let mut unused: BTreeMap<&str, usize> = BTreeMap::new();
            for (_, row) in &sheet.rows {
                let queue = row.get(place).unwrap_or_default();
                if !asked.contains(queue) {
                    *unused.entry(queue).or_default() += 1;
                }
            }
            let mut faults = Faults::new(self, &sheet);
            for (queue, lines) in unused {
                let (what, count) = if lines == 1 { ("line", "counts") } else { ("lines", "count") };
                let whose = if queue.is_empty() {
                    "without a queue".to_owned()
                } else {
                    format!("of queue \"{queue}\"")
                };
                let hint = spelling::hint(queue, asked.iter().map(String::as_str));
                let remedy = "add one with this `file_queue`, or leave the lines out";
                faults.warn(
                    1,
                    format!("{lines} {what} {whose} {count} for none of the [[arrivals]]{hint}; {remedy}"),
                );
            }
        }
    }

    /// The lengths in one column, of the rows of `queue` where there is a column of queues. Empty cells are
    /// passed over: a call that nobody answered has no talk.
    pub(super) fn lengths(
        &self,
        section: &Section<'_>,
        (file, file_span): (&str, Span),
        (column, column_span): (&str, Span),
        queue: Option<&str>,
    ) -> Option<Vec<Duration>> {
        let sheet = self.sheet(section, file, file_span.clone())?;
        let place = sheet.column(section, column, column_span)?;
        let mut faults = Faults::new(self, &sheet);
        sheet.tell_surplus(&mut faults);
        let mut lengths = Vec::new();
        for (line, row) in sheet.rows_of(queue) {
            let cell = row.get(place).unwrap_or_default();
            match seconds(cell) {
                _ if cell.is_empty() => {}
                Some(seconds) => lengths.push(Duration::from_secs_f64(seconds)),
                None => faults.tell(
                    *line,
                    format!(
                        "`{column}`: \"{cell}\" is no length of time up to a \
                 day; write seconds, 92.5, or h:mm:ss"
                    ),
                ),
            }
        }
        if lengths.is_empty() {
            let whose = queue.map_or_else(String::new, |queue| format!(" of queue \"{queue}\""));
            section.error(
                file_span,
                format!(
                    "{file} has no line{whose} with a `{column}`; correct the file or name another column"
                ),
            );
            return None;
        }
        Some(lengths)
    }

    /// Who called by a file: either a line for each call with its `time`, or a line for each interval with
    /// its `count`.
    pub(super) fn calls(
        &self,
        section: &Section<'_>,
        (file, span): (&str, Span),
        queue: &str,
        day: &Day,
    ) -> Option<Calls> {
        let sheet = self.sheet(section, file, span.clone())?;
        let path = self.folder.join(file);
        self.asked.borrow_mut().entry(path).or_default().insert(queue.to_owned());
        let named = |name: &str| sheet.headings.iter().position(|heading| heading == name);
        let mut faults = Faults::new(self, &sheet);
        sheet.tell_surplus(&mut faults);
        let calls = match (named("time"), named("interval"), named("count")) {
            (Some(time), _, None) => sheet.times(queue, day, time, &mut faults),
            (None, Some(interval), Some(count)) | (Some(interval), _, Some(count)) => {
                Calls { counts: sheet.counts(queue, day, (interval, count), &mut faults), times: None }
            }
            (None, _, _) => {
                let remedy = "head it with `time` (a line for each call) or with `interval` and `count`";
                let there = sheet.headings.join(", ");
                section.error(span, format!("{file} has the columns {there}; {remedy}"));
                return None;
            }
        };
        if named(QUEUE).is_none() {
            let mut users = self.users.borrow_mut();
            let first = users.entry(self.folder.join(file)).or_insert_with(|| section.label().to_owned());
            if *first != *section.label() {
                let remedy = "add the column, or leave the file out of one of the two";
                let what =
                    format!("{file} has no column `{QUEUE}`, so all its calls count here and for {first}");
                section.warning(span.clone(), format!("{what}; {remedy}"));
            }
        }
        if day.is_known() && calls.counts.iter().all(|count| *count <= 0.0) {
            let message = format!("{file} has no call of queue \"{queue}\" in these hours");
            let queues = sheet.queues();
            // A queue that is there has its calls at another time.
            let others = queues.iter().map(String::as_str).filter(|_| !queues.contains(queue));
            let hint = spelling::hint(queue, others);
            section.warning(
                span,
                format!("{message}{hint}; see its columns `time` and `queue`, or say `file_queue`"),
            );
        }
        Some(calls)
    }

    fn sheet(&self, section: &Section<'_>, file: &str, span: Span) -> Option<Rc<Sheet>> {
        let path = self.folder.join(file);
        let known = self.read.borrow().get(&path).cloned();
        let sheet = known.unwrap_or_else(|| {
            let sheet = Sheet::read(&path).map(Rc::new);
            self.read.borrow_mut().insert(path, sheet.clone());
            sheet
        });
        sheet.map_err(|message| section.error(span, message)).ok()
    }
}

impl Sheet {
    fn read(path: &Path) -> Result<Sheet, String> {
        let file = path.display().to_string();
        let cannot = |error: &dyn std::fmt::Display| {
            format!("{file} cannot be read: {error}; correct the path, which begins where the scenario is")
        };
        // What is no file, such as a device, may have no end, and one that nobody writes to blocks who opens it.
        if !std::fs::metadata(path).map_err(|error| cannot(&error))?.is_file() {
            return Err(format!("{file} is no file; correct the path, which begins where the scenario is"));
        }
        let mut text = Vec::new();
        let opened = std::fs::File::open(path).map_err(|error| cannot(&error))?;
        opened.take(OCTETS_MAX + 1).read_to_end(&mut text).map_err(|error| cannot(&error))?;
        if text.len() as u64 > OCTETS_MAX {
            return Err(format!(
                "{file} has more than {OCTETS_MAX} octets: leave out columns, or sum it up by interval"
            ));
        }
        if let Err(error) = std::str::from_utf8(&text) {
            return Err(format!("{file}: line {} {NOT_UTF_8}", line_of(&text, error.valid_up_to())));
        }
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text);
        if text.trim_ascii().is_empty() {
            return Err(format!(
                "{file} is empty; it needs a line of headings and a line for each call or interval"
            ));
        }
        let mut reader = ReaderBuilder::new()
            .delimiter(delimiter(text))
            .has_headers(true)
            .flexible(true)
            .comment(Some(b'#'))
            .trim(Trim::All)
            .from_reader(text);
        let headings = reader.headers().map_err(|error| cannot(&error))?;
        let headings: Vec<String> = headings.iter().map(str::to_lowercase).collect();
        for name in ["time", "interval", "count", QUEUE] {
            if headings.iter().filter(|heading| *heading == name).count() > 1 {
                return Err(format!("{file} has two columns `{name}`; leave one of them out"));
            }
        }
        let mut rows = Vec::new();
        for row in reader.records() {
            let row = row.map_err(|error| cannot(&error))?;
            let line = row.position().map_or(0, csv::Position::line);
            rows.push((usize::try_from(line).unwrap_or(usize::MAX), row));
            if rows.len() > ROWS_MAX {
                return Err(format!(
                    "{file} has more than {ROWS_MAX} lines; sum it up by interval, or take fewer days"
                ));
            }
        }
        Ok(Sheet { file, headings, rows })
    }

    fn column(&self, section: &Section<'_>, column: &str, span: Span) -> Option<usize> {
        let wanted = column.to_lowercase();
        let place = self.headings.iter().position(|heading| *heading == wanted);
        if place.is_none() {
            let hint = spelling::hint(&wanted, self.headings.iter().map(String::as_str));
            let there = self.headings.join(", ");
            let file = &self.file;
            section.error(span, format!("{file} has no column \"{column}\"{hint}; it has {there}"));
        }
        place
    }

    /// The rows of a queue, or all where the file does not tell queues apart.
    fn rows_of<'a>(&'a self, queue: Option<&'a str>) -> impl Iterator<Item = &'a (usize, StringRecord)> {
        let place = self.headings.iter().position(|heading| heading == QUEUE);
        self.rows.iter().filter(move |(_, row)| match (place, queue) {
            (Some(place), Some(queue)) => row.get(place) == Some(queue),
            (Some(_), None) | (None, _) => true,
        })
    }

    /// The queues of which it tells.
    fn queues(&self) -> BTreeSet<String> {
        let place = self.headings.iter().position(|heading| heading == QUEUE);
        let cells = self.rows.iter().filter_map(|(_, row)| row.get(place?));
        cells.map(str::to_owned).collect()
    }

    /// Of how many days the file tells, whichever queue was called: one on which a queue had no call counts for it too.
    /// Where the day goes on past midnight, the dates on which one began count.
    fn days(&self, day: &Day, place: usize) -> usize {
        let moments = self.rows.iter().filter_map(|(_, row)| begin_of(row.get(place)?));
        let dates = |begins: Duration| -> BTreeSet<&str> {
            moments.clone().filter(|(_, time)| *time >= begins).map(|(date, _)| date).collect()
        };
        let begun = dates(if day.to > MIDNIGHT { day.from } else { Duration::ZERO });
        if begun.is_empty() { dates(Duration::ZERO).len().max(1) } else { begun.len() }
    }

    /// Tells of lines that have more cells than there are headings: which cell is which, nobody knows then.
    fn tell_surplus(&self, faults: &mut Faults<'_>) {
        for (line, row) in &self.rows {
            if row.iter().skip(self.headings.len()).any(|cell| !cell.is_empty()) {
                let (cells, headings) = (row.len(), self.headings.len());
                let remedy = "put a cell that holds the mark between columns into quotes";
                faults.tell(*line, format!("has {cells} cells for {headings} columns; {remedy}"));
            }
        }
    }

    /// Tells the first line that has a date where the lines before have none, or the other way round.
    fn tell_mixed_dates(&self, place: usize, faults: &mut Faults<'_>) {
        let moments = self.rows.iter().filter_map(|(line, row)| Some((line, begin_of(row.get(place)?)?.0)));
        let mut first = None;
        for (line, date) in moments {
            let has_date = !date.is_empty();
            if *first.get_or_insert(has_date) != has_date {
                let (this, others) = if has_date { ("a", "have none") } else { ("no", "have one") };
                faults.tell(
                    *line,
                    format!("has {this} date, and lines before it {others}; date all of them, or none"),
                );
                return;
            }
        }
    }

    /// Warns of intervals of a queue that have time in common: their calls would be counted together.
    fn tell_overlaps(mut told: Vec<(&str, Duration, Duration, usize)>, faults: &mut Faults<'_>) {
        told.sort_unstable();
        for pair in told.windows(2) {
            let [(date, _, end, one), (next_date, begin, _, other)] = pair else { continue };
            if date == next_date && begin < end {
                let (first, second) = (one.min(other), one.max(other));
                let remedy = "part the two; as they stand their calls are added up";
                faults.warn(
                    *second,
                    format!("its interval has time in common with that of line {first}; {remedy}"),
                );
            }
        }
    }

    fn times(&self, queue: &str, day: &Day, place: usize, faults: &mut Faults<'_>) -> Calls {
        let mut counts = vec![0.0; day.intervals()];
        let mut times = Vec::new();
        self.tell_mixed_dates(place, faults);
        for (line, row) in self.rows_of(Some(queue)) {
            let cell = row.get(place).unwrap_or_default();
            let time = match moment(cell).and_then(|(_, time)| in_a_day(day, time)) {
                Ok(time) => time,
                Err(why) => {
                    let remedy = "write 09:05:30 or 2026-11-20 09:05:30";
                    faults.tell(*line, format!("`time`: \"{cell}\" {why}; {remedy}"));
                    continue;
                }
            };
            let time = on_the_day(day, time);
            let Some(interval) = day.interval_of(time) else { continue };
            counts[interval] += 1.0;
            times.push(time);
        }
        let days = self.days(day, place);
        counts.iter_mut().for_each(|count| *count /= days as f64);
        times.sort_unstable();
        Calls { counts, times: (days == 1).then_some(times) }
    }

    fn counts(
        &self,
        queue: &str,
        day: &Day,
        (interval, count): (usize, usize),
        faults: &mut Faults<'_>,
    ) -> Vec<f64> {
        let mut counts = vec![0.0; day.intervals()];
        let mut told = Vec::new();
        self.tell_mixed_dates(interval, faults);
        for (line, row) in self.rows_of(Some(queue)) {
            let (cell, number) = (row.get(interval).unwrap_or_default(), row.get(count).unwrap_or_default());
            let (date, from, to) = match span(cell, day) {
                Ok(span) => span,
                Err(why) => {
                    let remedy = "write 09:00-09:30 or 2026-11-20 09:00-09:30";
                    faults.tell(*line, format!("`interval`: \"{cell}\" {why}; {remedy}"));
                    continue;
                }
            };
            match number.parse::<f64>() {
                Ok(calls) if (0.0..=ROWS_MAX as f64).contains(&calls) => {
                    told.push((date, from, to, *line));
                    let begin = on_the_day(day, from);
                    share_out(&mut counts, day, (begin, begin + (to - from)), calls);
                }
                Ok(_) => faults
                    .tell(*line, format!("`count`: {number} is out of range; choose from 0 to {ROWS_MAX}")),
                Err(_) => faults.tell(*line, format!("`count`: \"{number}\" is no number; write 42")),
            }
        }
        Sheet::tell_overlaps(told, faults);
        let days = self.days(day, interval);
        counts.iter_mut().for_each(|count| *count /= days as f64);
        counts
    }
}

/// Date and time of a cell of either kind.
fn begin_of(cell: &str) -> Option<(&str, Duration)> {
    let begin =
        cell.rsplit_once('-').filter(|(begin, _)| begin.contains(':')).map_or(cell, |(begin, _)| begin);
    moment(begin.trim()).ok()
}

/// A time as the day counts it: where it goes on past midnight, what is before its beginning is of the next morning.
fn on_the_day(day: &Day, time: Duration) -> Duration {
    if day.to > MIDNIGHT && time < day.from { time + MIDNIGHT } else { time }
}

/// Gives every interval of the day its part of calls that came evenly from `from` to `to`.
fn share_out(counts: &mut [f64], day: &Day, (from, to): (Duration, Duration), calls: f64) {
    let length = to.saturating_sub(from).as_secs_f64();
    if length <= 0.0 {
        return;
    }
    for (number, count) in counts.iter_mut().enumerate() {
        let (begin, end) = day.interval(number);
        let common = end.min(to).saturating_sub(begin.max(from)).as_secs_f64();
        *count += calls * common / length;
    }
}

/// `09:05`, `09:05:30`, `2026-11-20 09:05:30.250`, `2026-11-20T09:05:30Z`: the date as written and the time of day; or
/// why it is neither.
fn moment(cell: &str) -> Result<(&str, Duration), String> {
    let (date, time) = cell.split_once(['T', ' ']).unwrap_or(("", cell));
    if date.is_empty() && !cell.contains(':') && cell.contains(|letter: char| letter.is_ascii_digit()) {
        check_date(cell)?;
    }
    if !date.is_empty() && time.contains(':') {
        check_date(date)?;
    }
    let time = time.trim_end_matches('Z');
    let time = time.split(['+', '.', ',']).next().unwrap_or_default();
    match time_of_day(time) {
        Some(time) if time < MIDNIGHT || date.is_empty() => Ok((date, time)),
        Some(_) => Err("has an hour past the end of its date".to_owned()),
        None => Err("is no time".to_owned()),
    }
}

/// Why something is no date as it is written here.
fn check_date(date: &str) -> Result<(), String> {
    match Days::parse(date) {
        Ok(Days::Dates { first, last }) if first == last => return Ok(()),
        Ok(_) | Err(_) => {}
    }
    let parts: Vec<&str> = date.split(['.', '/', '-']).collect();
    let is_number = |part: &&str| !part.is_empty() && part.bytes().all(|octet| octet.is_ascii_digit());
    let [first, second, third] = parts[..] else { return Err("is no time".to_owned()) };
    if !parts.iter().all(is_number) {
        return Err("is no time".to_owned());
    }
    Err(match (first.len(), third.len()) {
        // Only with points the order is known: day, month, year.
        (..=2, 4) if date.contains('.') => {
            format!("has the date {date}, to be written as {third}-{second:0>2}-{first:0>2}")
        }
        (4, ..=2) if date.contains('-') => format!("has the date {date}, which no calendar has"),
        _ => format!("has the date {date}, to be written as year-month-day, 2026-02-28"),
    })
}

/// A time of the clock; past midnight only where the day goes on so far.
fn in_a_day(day: &Day, time: Duration) -> Result<Duration, String> {
    if time >= MIDNIGHT && day.is_known() && day.to <= MIDNIGHT {
        return Err("is past the end of the day".to_owned());
    }
    Ok(time)
}

/// `09:00-09:30`, or `09:00` for one interval of the day; with or without a date before it, or why it is none. Both ends
/// are those of the clock, the second one later.
fn span<'a>(cell: &'a str, day: &Day) -> Result<(&'a str, Duration, Duration), String> {
    let Some((begin, end)) = cell.rsplit_once('-').filter(|(begin, _)| begin.contains(':')) else {
        let (date, from) = moment(cell)?;
        let from = in_a_day(day, from)?;
        return Ok((date, from, from + day.interval));
    };
    let (date, from) = moment(begin.trim())?;
    let from = in_a_day(day, from)?;
    let end = time_of_day(end.trim()).ok_or("is no interval")?;
    if end > from {
        return if end > MIDNIGHT {
            in_a_day(day, end).map(|end| (date, from, end))
        } else {
            Ok((date, from, end))
        };
    }
    // The end of a day is 24:00 or 00:00; others are reached by nights only.
    if end.is_zero() || day.to > MIDNIGHT || !day.is_known() {
        return Ok((date, from, end + MIDNIGHT));
    }
    Err("ends before it begins".to_owned())
}

/// `92.5` or `0:01:32`, in seconds, up to a day.
fn seconds(cell: &str) -> Option<f64> {
    let read = if cell.contains(':') {
        let parts: Vec<f64> = cell.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
        (parts.len() <= 3).then(|| parts.iter().fold(0.0, |sum, part| sum * 60.0 + part))?
    } else {
        cell.parse().ok()?
    };
    (0.0..=LENGTH_MAX).contains(&read).then_some(read)
}

/// What parts the columns: whichever of the usual marks the line of headings has most of.
fn delimiter(text: &[u8]) -> u8 {
    let line = text.split(|octet| *octet == b'\n').find(|line| !line.starts_with(b"#")).unwrap_or_default();
    let often = |mark: &u8| line.iter().filter(|octet| *octet == mark).count();
    // The last of equals is taken: a single column has no mark, and a comma parts nothing then.
    *[b'\t', b';', b','].iter().max_by_key(|mark| often(mark)).expect("the list is not empty")
}

/// Tells what is wrong in the lines of a file, up to a bound.
struct Faults<'a> {
    sheets: &'a Sheets,
    file: &'a str,
    told: usize,
}

impl<'a> Faults<'a> {
    fn new(sheets: &'a Sheets, sheet: &'a Sheet) -> Faults<'a> {
        Faults { sheets, file: &sheet.file, told: 0 }
    }

    fn tell(&mut self, line: usize, message: String) {
        self.put(line, Severity::Error, message);
    }

    fn warn(&mut self, line: usize, message: String) {
        self.put(line, Severity::Warning, message);
    }

    fn put(&mut self, line: usize, severity: Severity, message: String) {
        self.told += 1;
        if self.told <= PROBLEMS_MAX {
            let file = self.file.to_owned();
            let problem = Problem { file, line, column: 1, severity, message };
            self.sheets.problems.borrow_mut().push(problem);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day() -> Day {
        let hour = Duration::from_secs(3_600);
        Day {
            from: hour * 8,
            to: hour * 10,
            interval: hour / 2,
            lines: None,
            shuffled: false,
            date: None,
            begin: None,
            spread: 0.0,
        }
    }

    #[test]
    fn moments_are_read_with_and_without_a_date() {
        let read = |cell| moment(cell).ok().map(|(date, time)| (date.to_owned(), time.as_secs()));
        assert_eq!(read("09:05"), Some((String::new(), 32_700)));
        assert_eq!(read("2026-11-20 09:05:30.250"), Some(("2026-11-20".to_owned(), 32_730)));
        assert_eq!(read("2026-11-20T09:05:30+09:00"), Some(("2026-11-20".to_owned(), 32_730)));
        assert_eq!(read("noon"), None);
    }

    #[test]
    fn lengths_are_seconds_or_clock_times() {
        assert_eq!(seconds("92.5"), Some(92.5));
        assert_eq!(seconds("1:32"), Some(92.0));
        assert_eq!(seconds("0:01:32"), Some(92.0));
        for bad in ["x", "-1", "nan", "inf", "1:2:3:4", "86401", ":"] {
            assert_eq!(seconds(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_mark_between_columns_is_found() {
        assert_eq!(delimiter(b"time;queue;talk\n"), b';');
        assert_eq!(delimiter(b"time\tqueue\n"), b'\t');
        assert_eq!(delimiter(b"# a,b;c;d\ntime,queue\n"), b',');
        assert_eq!(delimiter(b"time\n"), b',');
    }

    fn sheet(text: &str) -> (Sheets, Sheet) {
        let rows = text.lines().enumerate();
        let rows = rows.map(|(line, row)| (line + 2, row.split(',').collect::<StringRecord>()));
        let headings = ["time", "queue", "count"].map(str::to_owned).to_vec();
        (Sheets::new(Path::new("")), Sheet { file: "day.csv".to_owned(), headings, rows: rows.collect() })
    }

    #[test]
    fn a_queue_that_is_called_on_one_of_two_days_has_half_a_call_a_day() {
        let (sheets, sheet) = sheet("2026-11-19 08:10,vip\n2026-11-19 08:20,sales\n2026-11-20 08:20,sales");
        let calls = |queue| sheet.times(queue, &day(), 0, &mut Faults::new(&sheets, &sheet));
        assert_eq!(calls("vip").counts, [0.5, 0.0, 0.0, 0.0]);
        assert_eq!(calls("sales").counts, [1.0, 0.0, 0.0, 0.0]);
        assert_eq!(calls("vip").times, None);
    }

    #[test]
    fn calls_after_midnight_are_of_the_night_that_began_before() {
        let hour = Duration::from_secs(3_600);
        let night = Day { from: hour * 22, to: hour * 30, interval: hour, ..day() };
        let (sheets, sheet) = sheet("2026-11-20 23:10,vip\n2026-11-21 01:00,vip\n2026-11-21 12:00,vip");
        let calls = sheet.times("vip", &night, 0, &mut Faults::new(&sheets, &sheet));
        assert_eq!(calls.counts, [0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!(calls.times, Some(vec![hour * 23 + hour / 6, hour * 25]));
        let (sheets, sheet) = self::sheet("2026-11-20 23:30-00:30,vip,4\n2026-11-21 05:00-06:00,vip,3");
        let counts = sheet.counts("vip", &night, (0, 2), &mut Faults::new(&sheets, &sheet));
        assert_eq!(counts, [0.0, 2.0, 2.0, 0.0, 0.0, 0.0, 0.0, 3.0]);
    }

    #[test]
    fn what_no_clock_and_no_calendar_has_is_told_with_its_line() {
        let why = |cell| moment(cell).expect_err("it is wrong");
        assert!(why("2026-02-30 09:00").contains("the date 2026-02-30, which no calendar has"));
        assert!(why("2026-13-45 09:00").contains("which no calendar has"));
        assert!(why("28.02.2026 09:00").contains("to be written as 2026-02-28"));
        assert!(why("02/28/2026 09:00").contains("to be written as year-month-day"));
        assert!(why("2026-02-28 24:30").contains("past the end of its date"));
        let told = |text: &str| {
            let (sheets, sheet) = sheet(text);
            sheet.counts("vip", &day(), (0, 2), &mut Faults::new(&sheets, &sheet));
            sheets.take_problems().iter().map(ToString::to_string).collect::<Vec<String>>().join("\n")
        };
        let reversed = told("08:00-08:30,vip,4\n12:00-09:00,vip,4");
        assert!(
            reversed.starts_with("day.csv:3:1: `interval`: \"12:00-09:00\" ends before it begins"),
            "{reversed}"
        );
        assert!(told("25:20:00,vip,4").contains("\"25:20:00\" is past the end of the day"));
        assert_eq!(told("23:30-00:00,vip,4\n23:00-23:30,vip,4"), "");
        let large = told("08:00-08:30,vip,2000000");
        assert!(large.ends_with("`count`: 2000000 is out of range; choose from 0 to 1000000"), "{large}");
        assert!(told("08:00-08:30,vip,many").contains("`count`: \"many\" is no number"));
        let mixed = told("2026-02-27 08:00-08:30,vip,4\n08:30-09:00,vip,4");
        assert!(mixed.starts_with("day.csv:3:1: has no date, and lines before it have one"), "{mixed}");
        let common = told("08:00-09:00,vip,4\n08:30-09:30,vip,4\n08:30-09:30,sales,4");
        assert!(
            common.contains("day.csv:3:1: warning: its interval has time in common with that of line 2"),
            "{common}"
        );
        assert_eq!(common.lines().count(), 1, "{common}");
    }

    #[test]
    fn a_device_is_no_file() {
        let refused = Sheet::read(Path::new("/dev/zero")).err().expect("it has no end");
        assert!(refused.contains("/dev/zero is no file"), "{refused}");
    }

    #[test]
    fn a_count_is_shared_out_over_the_intervals_it_covers() {
        let mut counts = vec![0.0; 4];
        let hour = Duration::from_secs(3_600);
        share_out(&mut counts, &day(), (hour * 7, hour * 9), 40.0);
        assert_eq!(counts, [10.0, 10.0, 0.0, 0.0]);
    }
}
