//! A contact centre that runs in a process of its own, and what can be seen of it from outside.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::process::Command;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use crate::phone::{Line, Message, PATIENCE, Phone};
use crate::port::free_port;
use crate::process::{Process, eventually, folder, media_ports};

/// Whoever knows it may use the API.
pub const TOKEN: &str = "a-token-chosen-by-chance";
/// How many media ports there are.
pub const MEDIA_PORTS: u16 = 80;
/// How long it may take to start, on a machine that has other things to do.
const STARTS_WITHIN: Duration = Duration::from_secs(30);

/// A running Cordboard. 127.64.0.0/10 is its trunk; every other address is a stranger's.
pub struct Centre {
    process: Process,
    pub sip: SocketAddr,
    pub http: SocketAddr,
    pub media: std::ops::Range<u16>,
}

impl Centre {
    /// One queue, reached by every number, whose callers hear ringback; nobody works. `more` is further lines of the
    /// configuration, tables of their own.
    pub fn start(test: &str, more: &str) -> Centre {
        Centre::launch(test, more, None)
    }

    /// The same, with so many open files at most.
    pub fn start_with_files(test: &str, files: u32, more: &str) -> Centre {
        Centre::launch(test, more, Some(files))
    }

    fn launch(test: &str, more: &str, files: Option<u32>) -> Centre {
        let folder = folder(&format!("hostile_{test}"));
        let (sip, http) = (free_port(), free_port());
        let first = media_ports(MEDIA_PORTS);
        let media = first..first + MEDIA_PORTS;
        let text = format!(
            "[sip]\ndomain = \"example.com\"\nlisten = [\"udp:127.0.0.1:{sip}\", \"tcp:127.0.0.1:{sip}\"]\n\
             drain_timeout = \"0s\"\n[sip.limits]\ncalls_max = {}\ntcp_connections_max = 2000\n\
             [media]\naddress = \"127.0.0.1\"\nallow_loopback = true\nports = \"{first}-{}\"\n\
             [http]\nlisten = \"127.0.0.1:{http}\"\ntoken = \"{TOKEN}\"\n\
             [[trunk]]\nname = \"pbx\"\nfrom = \"127.64.0.0/10\"\ncalls_per_second = 1000\n\
             [[queue]]\nname = \"billing\"\nwaiting = \"ringback\"\n[[entry]]\nnumber = \"*\"\nqueue = \"billing\"\n{more}",
            MEDIA_PORTS / 4,
            media.end - 1
        );
        let file = folder.join("cordboard.toml");
        std::fs::write(&file, text).expect("the test's folder is writable");
        let binary = env!("CARGO_BIN_EXE_cordboard");
        let mut command = Command::new("sh");
        // `exec`, so that the process is ours and not the shell's.
        let limit = files.map_or_else(String::new, |files| format!("ulimit -n {files} && "));
        command
            .arg("-c")
            .arg(format!("{limit}exec \"$0\" \"$@\""))
            .arg(binary)
            .arg("run")
            .arg("-c")
            .arg(&file);
        let log = folder.join("cordboard.log");
        let mut process = Process::start("cordboard", &mut command, &log);
        let address = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        eventually(STARTS_WITHIN, "cordboard is ready", || {
            assert!(process.is_running(), "cordboard ended: see {}", log.display());
            (crate::http::get(address(http), "/readyz")?.0 == 200).then_some(())
        });
        Centre { process, sip: address(sip), http: address(http), media }
    }

    /// It runs, and somebody who asks over UDP is answered.
    pub fn is_alive(&mut self, after: &str) {
        assert!(self.process.is_running(), "cordboard ended after {after}");
        let mut phone = Phone::udp("monitor", self.sip);
        answers_options(&mut phone, after);
    }

    /// And so is somebody who opens a stream.
    pub fn takes_streams(&mut self, after: &str) {
        self.is_alive(after);
        let mut phone = Phone::tcp("monitor", self.sip);
        answers_options(&mut phone, after);
    }

    /// The sum of all series of a metric that carry this text in their labels.
    pub fn figure(&self, name: &str, label: &str) -> f64 {
        let (status, page) = crate::http::get(self.http, "/metrics").expect("cordboard answers HTTP");
        assert_eq!(status, 200);
        let of_name = page
            .lines()
            .filter_map(|line| line.rsplit_once(' '))
            .filter(|(series, _)| series.split('{').next() == Some(name) && series.contains(label));
        of_name.map(|(_, value)| value.parse::<f64>().expect("a number")).sum()
    }

    /// Waits until a figure is as wanted.
    pub fn await_figure(&self, name: &str, label: &str, wanted: impl Fn(f64) -> bool) -> f64 {
        let mut last = f64::NAN;
        let what = format!("{name}{{{label}}}");
        eventually(PATIENCE, &what, || {
            last = self.figure(name, label);
            wanted(last).then_some(())
        });
        last
    }

    /// Octets of memory that it holds.
    pub fn resident(&self) -> f64 {
        self.figure("process_resident_memory_bytes", "")
    }

    /// Reads something from it by HTTP with no token.
    pub fn get(&self, path: &str) -> (u16, String) {
        crate::http::get(self.http, path).expect("cordboard answers HTTP")
    }
}

fn answers_options(phone: &mut Phone, after: &str) {
    let options = phone.request("OPTIONS", "alive", &format!("alive-{}", phone.address().port()));
    phone.send(&options);
    let answer = phone.receive().unwrap_or_else(|| panic!("the stream was closed after {after}"));
    assert_eq!(answer.status(), Some(200), "after {after}: {answer:?}");
}

/// An address of the trunk that no other test of this machine has, nor any other socket of this process.
pub fn trunk_address() -> Ipv4Addr {
    own_address(64)
}

/// Such an address of somebody whom nobody knows.
pub fn stranger_address() -> Ipv4Addr {
    own_address(0)
}

fn own_address(network: u8) -> Ipv4Addr {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    let [_, _, high, low] = std::process::id().to_be_bytes();
    // 127.0.0.0/16 is where everybody else is.
    Ipv4Addr::new(127, network | (high & 63).max(1), low, NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A telephone of the trunk, at a port of that address.
pub fn trunk_phone(centre: &Centre, port: u16) -> Phone {
    udp_phone(centre, trunk_address(), port)
}

/// A telephone at an address.
pub fn udp_phone(centre: &Centre, host: Ipv4Addr, port: u16) -> Phone {
    let socket = UdpSocket::bind((host, port)).unwrap_or_else(|error| panic!("{host}:{port}: {error}"));
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
    Phone { line: Line::Udp(socket, centre.sip), name: "01012345678" }
}

/// A stream of the trunk.
pub fn trunk_stream(centre: &Centre) -> Phone {
    stream_from(centre, trunk_address())
}

/// A stream from an address.
pub fn stream_from(centre: &Centre, host: Ipv4Addr) -> Phone {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
    socket.bind(&SocketAddr::from((host, 0)).into()).expect("all of 127.0.0.0/8 is ours");
    socket.connect(&centre.sip.into()).expect("SIP listens");
    Phone::over("01012345678", socket.into())
}

/// Sends octets that need not be text.
pub fn send(phone: &mut Phone, octets: &[u8]) {
    use std::io::Write;
    match &mut phone.line {
        Line::Udp(socket, to) => drop(socket.send_to(octets, *to).expect("loopback takes it")),
        Line::Tcp(stream, _) => stream.write_all(octets).expect("the other side reads"),
    }
}

/// Sends octets and a question after them; what is answered before the answer to the question. `None` for that answer:
/// the stream was closed before.
pub fn before_the_next(phone: &mut Phone, octets: &[u8], call: &str) -> (Vec<Message>, Option<Message>) {
    let question = phone.request("OPTIONS", "next", call);
    match phone.line {
        Line::Udp(..) => {
            send(phone, octets);
            phone.send(&question);
        }
        // At once: a stream that is closed in between takes no more.
        Line::Tcp(..) => send(phone, &[octets, question.as_bytes()].concat()),
    }
    let asked = format!("Call-ID: {call}@test");
    let mut before = Vec::new();
    while let Some(message) = phone.receive() {
        if message.0.contains(&asked) {
            return (before, Some(message));
        }
        before.push(message);
    }
    (before, None)
}

/// The CANCEL for an INVITE of [`Phone::request`] (RFC 3261 §9.1: the same Via, and no body).
pub fn cancel(invite: &str) -> String {
    let cancel = invite.replace("INVITE sip:", "CANCEL sip:").replace("1 INVITE", "1 CANCEL");
    let head = cancel.split("Content-Type").next().expect("a head");
    format!("{head}Content-Length: 0\r\n\r\n")
}

/// An INVITE of number 100 with a body of its own.
pub fn invite(phone: &Phone, call: &str, body: &[u8]) -> Vec<u8> {
    let invite = phone.request("INVITE", "100", call);
    let (head, _) = invite.split_once("Content-Length").expect("the last header");
    let head = format!("{head}Content-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}
