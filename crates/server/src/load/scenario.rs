//! The scenario of a load test: who calls how often, who answers, and how high the search goes.
//!
//! Read by the same reader as the configuration, with the same messages. `docs/load.md` explains every setting.

pub(crate) mod audio;

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::time::Duration;

use load::{Agents, Answers, Callers, Credentials, Pace, Point, Spacing, TalkFrom};
use sip::{Host, Protocol};
use whatif::Distribution;

use crate::config::reader::Section;
use crate::config::report::{Report, Span};
use crate::config::{self, Problem, Refused, Severity};
use crate::simulate::scenario::lasting;
use crate::simulate::scenario::sheet::Sheets;
use audio::Audio;

/// The most callers and agents of one kind, and calls a second.
const PEOPLE_MAX: u32 = 1_000_000;
const AGENTS_MAX: u32 = 100_000;
const RATE_MAX: f64 = 100_000.0;
/// A phone that is asked nothing answers as a quick person does.
const RINGS: Duration = Duration::from_secs(2);
/// How long a call lasts where the scenario does not say it.
const TALKS: Duration = Duration::from_secs(10);

/// Everything that one file says.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    /// The file as it was named.
    pub(crate) file: String,
    /// Where the system is.
    pub(crate) system: SocketAddr,
    pub(crate) protocol: Protocol,
    pub(crate) domain: Host,
    /// Our own address; none: the one from which the system is reached.
    pub(crate) local: Option<IpAddr>,
    /// The ports of callers and agents over UDP; 0: whichever is free.
    pub(crate) ports: [u16; 2],
    pub(crate) warm_up: Duration,
    pub(crate) length: Duration,
    pub(crate) drain: Duration,
    pub(crate) calls_max: u32,
    pub(crate) registrations_per_second: u32,
    pub(crate) seed: u32,
    pub(crate) callers: Vec<Callers>,
    pub(crate) agents: Vec<Agents>,
    /// What their audio shall be; none: they have none.
    pub(crate) audio: Option<Audio>,
    pub(crate) search: Search,
    /// Whether the file asks for the search.
    pub(crate) wants_search: bool,
    /// What is allowed and probably not meant.
    pub(crate) warnings: Vec<Problem>,
    /// The files of lengths that it names.
    pub(crate) reads: Vec<PathBuf>,
}

/// How the highest rate is sought.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Search {
    /// Calls a second of the first trial.
    pub(crate) from: f64,
    /// Where it ends even if nothing fails.
    pub(crate) to: f64,
    /// How long calls begin in each trial, the warm-up included.
    pub(crate) length: Duration,
    /// A rate with a larger share of failures is too high.
    pub(crate) failures: f64,
    /// So is one at which a larger share of callers gives up.
    pub(crate) abandoned: f64,
    /// How close the last rate that held and the first that did not may be, as a share.
    pub(crate) precision: f64,
}

impl Scenario {
    /// Calls a second at the peak, all callers together.
    pub(crate) fn peak(&self) -> f64 {
        self.callers.iter().map(|callers| callers.pace.peak()).sum()
    }
}

/// Reads and checks a scenario.
///
/// # Errors
///
/// Every problem that was found.
pub(crate) fn load(path: &Path) -> Result<Scenario, Refused> {
    let text = config::text_of(path, "name a scenario, as in `cordboard load calls.toml`")?;
    parse(&path.display().to_string(), &text, path.parent().unwrap_or(Path::new("")))
}

/// Checks a text; `name` stands for the file in the messages, and what it names is found from `folder`.
///
/// # Errors
///
/// Every problem that was found.
pub(super) fn parse(name: &str, text: &str, folder: &Path) -> Result<Scenario, Refused> {
    let tables = config::document(name, text)?;
    let sheets = Sheets::new(folder);
    let report = Report::new(name, text);
    let mut file = Section::top(&report, &tables);
    let target = Target::read(&mut file.table("system"));
    let run = Run::read(&mut file.table("run"));
    let wants_search = file.gives("search");
    let search = Search::read(&mut file.table("search"));
    let agents = read_agents(&mut file, &sheets);
    let callers = read_callers(&mut file, &sheets, &run, !agents.is_empty());
    let audio = Audio::read(&mut file, !agents.is_empty() && !callers.is_empty());
    if wants_search && callers.is_empty() && file.gives("agents") {
        file.error(
            0..0,
            "[search] needs callers whose rate it raises; add [[callers]], or leave [search] out",
        );
    }
    drop(file);
    let mut problems = report.into_problems();
    problems.extend(sheets.take_problems());
    let whole = target.map(|Target { system, protocol, domain, local, ports }| Scenario {
        file: name.to_owned(),
        system,
        protocol,
        domain,
        local,
        ports,
        warm_up: run.warm_up,
        length: run.length,
        drain: run.drain,
        calls_max: run.calls_max,
        registrations_per_second: run.registrations_per_second,
        seed: run.seed,
        callers,
        agents,
        audio,
        search,
        wants_search,
        warnings: Vec::new(),
        reads: sheets.files(),
    });
    match whole {
        Some(scenario) if !problems.iter().any(|problem| problem.severity == Severity::Error) => {
            Ok(Scenario { warnings: problems, ..scenario })
        }
        Some(_) | None => Err(Refused { problems }),
    }
}

/// `[system]`
struct Target {
    system: SocketAddr,
    protocol: Protocol,
    domain: Host,
    local: Option<IpAddr>,
    ports: [u16; 2],
}

impl Target {
    fn read(section: &mut Section<'_>) -> Option<Target> {
        let address = section.required("address", "127.0.0.1:5060");
        let protocol = read_protocol(section);
        let domain = section.text("domain");
        let local = section.text("local");
        let mut port =
            |key| section.optional_integer(key, 1..=65_535).and_then(|port| u16::try_from(port).ok());
        let ports = [port("callers_port"), port("agents_port")].map(Option::unwrap_or_default);
        let local = local.and_then(|(text, span)| {
            let address = text.parse::<IpAddr>().ok().filter(|address| !address.is_unspecified());
            if address.is_none() {
                let remedy = "write one of this machine's addresses, as in local = \"192.0.2.1\"";
                section.error(span, format!("`local` is no address that others can send to; {remedy}"));
            }
            address
        });
        let (address, span) = address?;
        let Some(system) = found(&address) else {
            let remedy = "write an address or a name with a port, as in address = \"127.0.0.1:5060\"";
            section.error(span, format!("`address`: \"{address}\" cannot be found; {remedy}"));
            return None;
        };
        if local.is_some_and(|local| local.is_ipv4() != system.is_ipv4()) {
            section.error(span, "`address` and `local` are of different families; write two of the same");
            return None;
        }
        let domain = match domain {
            None => Host::from(system.ip()),
            Some((text, span)) => match Host::parse(text.as_bytes()) {
                Ok(host) => host,
                Err(_) => {
                    let remedy = "write a name or an address, as in domain = \"example.com\"";
                    section.error(span, format!("`domain` is no host; {remedy}"));
                    return None;
                }
            },
        };
        Some(Target { system, protocol, domain, local, ports })
    }
}

/// TLS is what some will ask for, and a spelling is not what they have wrong.
fn read_protocol(section: &mut Section<'_>) -> Protocol {
    let is_tls = section.raw("transport").is_some_and(|word| word.get_ref().as_str() == Some("tls"));
    if let Some((_, span)) = is_tls.then(|| section.text("transport")).flatten() {
        let remedy = "choose `udp` or `tcp`, and a port on which the system takes it";
        section.error(span, format!("load tests do not speak TLS yet; {remedy}"));
        return Protocol::Udp;
    }
    section.word("transport", "udp", &[("udp", Protocol::Udp), ("tcp", Protocol::Tcp)])
}

/// The address that a text names; asks the system's resolver where it is a name.
fn found(text: &str) -> Option<SocketAddr> {
    text.to_socket_addrs().ok()?.find(|address| address.port() != 0 && !address.ip().is_unspecified())
}

/// `[run]`
struct Run {
    warm_up: Duration,
    length: Duration,
    drain: Duration,
    calls_max: u32,
    registrations_per_second: u32,
    seed: u32,
}

impl Run {
    fn read(section: &mut Section<'_>) -> Run {
        let run = Run {
            warm_up: section.duration("warm_up", "2s", "0s", "1h"),
            length: section.duration("length", "1m", "1s", "7d"),
            drain: section.duration("drain", "1m", "0s", "1d"),
            calls_max: section.integer("calls_max", 20_000, 1..=1_000_000),
            registrations_per_second: section.integer("registrations_per_second", 200, 1..=100_000),
            seed: section.integer("seed", 1, 0..=u32::MAX),
        };
        if run.warm_up >= run.length {
            section.error(section.span(), "`warm_up` is not shorter than `length`; nothing would be counted");
        }
        run
    }
}

impl Search {
    fn read(section: &mut Section<'_>) -> Search {
        let search = Search {
            from: section.number("from", 10.0, 0.1..=RATE_MAX),
            to: section.number("to", 5_000.0, 0.1..=RATE_MAX),
            length: section.duration("length", "15s", "3s", "1d"),
            failures: section.portion("failures", "0.1%", "0%", "50%").unwrap_or(0.001),
            abandoned: section.portion("abandoned", "5%", "0%", "100%").unwrap_or(0.05),
            precision: section.portion("precision", "5%", "1%", "50%").unwrap_or(0.05),
        };
        if search.from > search.to {
            section.error(section.span(), "`from` is above `to`; exchange the two");
        }
        search
    }
}

fn read_callers(file: &mut Section<'_>, sheets: &Sheets, run: &Run, with_agents: bool) -> Vec<Callers> {
    let sections = file.tables("callers", "name");
    if sections.is_empty() && !file.gives("callers") && !with_agents {
        let remedy = "add [[callers]] with `number` and `per_second`, or [[agents]] who answer somebody else";
        file.error(0..0, format!("nobody calls and nobody answers; {remedy}"));
    }
    let mut all: Vec<Callers> = Vec::new();
    for mut section in sections {
        let Some(callers) = read_caller(&mut section, sheets, all.len(), with_agents) else { continue };
        if all.iter().any(|other| other.from == callers.from) {
            let message = format!("the numbers from \"{}\" on are those of other callers too", callers.from);
            section.error(section.span(), format!("{message}; begin `from` with other digits"));
        }
        if callers.people < run.calls_max {
            let message =
                "as many calls could be in progress as `calls_max` says, and nobody makes two at once";
            section.error(
                section.span(),
                format!("`people` is less than {}: {message}; lower `calls_max` in [run]", run.calls_max),
            );
        }
        all.push(callers);
    }
    all
}

fn read_caller(
    section: &mut Section<'_>,
    sheets: &Sheets,
    before: usize,
    with_agents: bool,
) -> Option<Callers> {
    let numbers = section.one_at_least("number", "100");
    let from = section.text("from");
    for (text, span) in numbers.iter().chain(&from) {
        is_writable(section, text, span);
    }
    let from = from.map_or_else(|| format!("{before:04}"), |(text, _)| text);
    let name = section.text("name").map(|(name, _)| name);
    let people = section.integer("people", PEOPLE_MAX, 1..=PEOPLE_MAX);
    let pace = read_pace(section);
    let talk = law(section, "talk", sheets).unwrap_or(Distribution::exponential(TALKS));
    let patience = law(section, "patience", sheets);
    let default = if with_agents { "agent" } else { "answer" };
    let talk_from =
        section.word("talk_from", default, &[("answer", TalkFrom::Answer), ("agent", TalkFrom::Agent)]);
    let may_be_hung_up = section.switch("may_be_hung_up", false);
    let credentials = read_credentials(section);
    let numbers: Vec<String> = numbers.into_iter().map(|(number, _)| number).collect();
    let name = name.or_else(|| numbers.first().cloned())?;
    let pace = pace?;
    Some(Callers {
        name,
        numbers,
        from,
        people,
        pace,
        talk,
        talk_from,
        patience,
        credentials,
        may_be_hung_up,
    })
}

/// Says of a text that stands in messages that it cannot.
fn is_writable(section: &Section<'_>, text: &str, span: &Span) {
    if text.chars().any(char::is_control) {
        section.error(span.clone(), "this holds a line break or another control character; leave it out");
    }
}

fn read_pace(section: &mut Section<'_>) -> Option<Pace> {
    let spacing =
        section.word("spacing", "poisson", &[("poisson", Spacing::Poisson), ("even", Spacing::Even)]);
    let constant = section.gives("per_second").then(|| section.number("per_second", 1.0, 0.001..=RATE_MAX));
    let mut points = Vec::new();
    for mut point in section.tables("profile", "at") {
        let at = point.required_duration("at", "0s", "7d");
        let per_second = point.number("per_second", 0.0, 0.0..=RATE_MAX);
        if !point.gives("per_second") {
            point.error(point.span(), "`per_second` is missing; add a number, as in per_second = 50");
        }
        let at = at?;
        if points.last().is_some_and(|last: &Point| last.at > at) {
            point.error(point.span(), "`at` is earlier than that of the point before; put them in order");
            return None;
        }
        points.push(Point { at, per_second });
    }
    match (constant, points.is_empty()) {
        (Some(per_second), true) => Some(Pace::constant(spacing, per_second)),
        (None, false) => Some(Pace { spacing, points }),
        (Some(_), false) => {
            section.error(section.span(), "`per_second` and `profile` say two things; leave one out");
            None
        }
        (None, true) => {
            let remedy = "add per_second = 50, or profile = [{ at = \"0s\", per_second = 50 }]";
            section.error(section.span(), format!("how often they call is missing; {remedy}"));
            None
        }
    }
}

fn read_credentials(section: &mut Section<'_>) -> Option<Credentials> {
    let user = section.text("user");
    let password = section.text("password");
    match (user, password) {
        (Some((user, span)), Some((password, _))) => {
            is_writable(section, &user, &span);
            Some(Credentials { user, password })
        }
        (None, None) => None,
        (Some((_, span)), None) | (None, Some((_, span))) => {
            section.error(span, "`user` and `password` go together; write both or none");
            None
        }
    }
}

fn law(section: &mut Section<'_>, key: &'static str, sheets: &Sheets) -> Option<Distribution> {
    let mut inner = section.optional_table(key, lasting::EXAMPLE)?;
    lasting::read(&mut inner, sheets, None)
}

fn read_agents(file: &mut Section<'_>, sheets: &Sheets) -> Vec<Agents> {
    let mut all: Vec<Agents> = Vec::new();
    let mut taken = BTreeSet::new();
    for mut section in file.tables("agents", "name") {
        let Some(agents) = read_group(&mut section, sheets) else { continue };
        let twice = agents.accounts.iter().filter(|account| !taken.insert(account.user.clone())).count();
        if twice > 0 {
            let message = format!("{twice} of its users are in another [[agents]] too");
            section.error(section.span(), format!("{message}; choose other names or another `first`"));
        }
        all.push(agents);
    }
    all
}

fn read_group(section: &mut Section<'_>, sheets: &Sheets) -> Option<Agents> {
    let user = section.required("user", "agent{}");
    let name = section.text("name").map(|(name, _)| name);
    let count = section.integer("count", 1, 1..=AGENTS_MAX);
    let first = section.integer("first", 1, 0..=u32::MAX - AGENTS_MAX);
    let password = section.text("password");
    let registers = section.switch("register", true);
    let expires = section.duration("expires", "1h", "10s", "1d");
    let ring = law(section, "ring", sheets).unwrap_or(Distribution::constant(RINGS));
    let mut share = |key| section.portion(key, "0%", "0%", "100%").unwrap_or(0.0);
    let answers = Answers { busy: share("busy"), decline: share("decline"), no_answer: share("no_answer") };
    if answers.busy + answers.decline + answers.no_answer > 1.0 {
        section.error(section.span(), "`busy`, `decline` and `no_answer` are more than 100%; lower one");
    }
    let talk = law(section, "talk", sheets);
    let after_call_work = section.duration("after_call_work", "0s", "0s", "1h");
    let take_any = section.switch("any_number", false);
    if registers && password.is_none() {
        section.error(
            section.span(),
            "`password` is missing; add one (`{}` in it is the number), or register = false",
        );
    }
    let (user, span) = user?;
    is_writable(section, &user, &span);
    if count > 1 && !user.contains("{}") {
        section
            .error(span, "`user` has no place for the number; write {} where it stands, as in \"agent{}\"");
    }
    let password = password.map(|(password, _)| password).unwrap_or_default();
    let numbered = |text: &str, number: u32| text.replace("{}", &number.to_string());
    let accounts = (first..first + count)
        .map(|number| Credentials { user: numbered(&user, number), password: numbered(&password, number) });
    Some(Agents {
        name: name.unwrap_or_else(|| user.clone()),
        accounts: accounts.collect(),
        expires: registers.then_some(expires),
        ring,
        answers,
        talk,
        after_call_work,
        take_any,
    })
}
