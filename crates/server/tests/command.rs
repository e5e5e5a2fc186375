//! The binary itself: what it says and with which code it ends.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};

#[path = "real_peers/port.rs"]
mod port;
use port::free_port;

/// A configuration in a folder of its own.
fn write(name: &str, text: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).expect("the folder for tests can be written");
    let file = folder.join("cordboard.toml");
    std::fs::write(&file, text).expect("the folder for tests can be written");
    file
}

fn cordboard(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cordboard"));
    command.args(arguments);
    command
}

fn centre(sip: u16, http: u16) -> String {
    format!(
        "[sip]\ndomain = \"cc.example.com\"\nlisten = \"udp:127.0.0.1:{sip}\"\n[media]\naddress = \"127.0.0.1\"\n\
         ports = \"30000-30099\"\n[http]\nlisten = \"127.0.0.1:{http}\"\n[log]\nformat = \"json\"\n\
         [sip.limits]\ncalls_max = 20\n"
    )
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn check_explains_an_error_with_its_line_and_ends_with_78() {
    let file = write("check", "[sip]\ndomain = \"cc.example.com\"\nlisten = \"udp:nowhere\"\n");
    let output = cordboard(&["check", "-c", &file.display().to_string()]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(78));
    assert!(text(&output).contains("cordboard.toml:3:"), "{}", text(&output));
}

#[test]
fn check_of_a_good_file_ends_with_0() {
    let file = write("good", &centre(15_060, 18_080));
    let output = cordboard(&["check", "-c", &file.display().to_string()]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert!(text(&output).contains("can be run"), "{}", text(&output));
}

#[test]
fn run_with_a_taken_port_says_so_and_ends_with_71() {
    let taken = UdpSocket::bind("127.0.0.1:0").expect("a port is free");
    let port = taken.local_addr().expect("it is bound").port();
    let file = write("taken", &centre(port, free_port()));
    let output = cordboard(&["run", "-c", &file.display().to_string()]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(71), "{}", text(&output));
    assert!(text(&output).contains(&format!("[sip] listen: udp:127.0.0.1:{port}")), "{}", text(&output));
}

#[test]
fn health_is_0_while_the_process_answers_and_71_after_it_has_ended() {
    let file = write("health", &centre(free_port(), free_port()));
    let health = || cordboard(&["health", "-c", &file.display().to_string()]).output().expect("it runs");
    let output = health();
    assert_eq!(output.status.code(), Some(71), "nobody is there yet: {}", text(&output));
    let run = Run::start(&file);
    let output = health();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert!(text(&output).contains("\"healthy\":true"), "{}", text(&output));
    run.signal(Signal::TERM);
    assert_eq!(run.code(), Some(0));
    assert_eq!(health().status.code(), Some(71));
}

#[test]
fn run_with_a_password_that_everybody_tries_first_does_not_start() {
    for password in ["", "short", "password", "Asterisk", "12345678", "kim", "kim-2026"] {
        let agent = format!("[[agent]]\nid = \"kim\"\npassword = \"{password}\"\n");
        let file = write("weak", &format!("{}{agent}", centre(free_port(), free_port())));
        let output = cordboard(&["run", "-c", &file.display().to_string()]).output().expect("it runs");
        assert_eq!(output.status.code(), Some(78), "{password:?}: {}", text(&output));
        assert!(text(&output).contains("choose at least 8 characters"), "{}", text(&output));
    }
    for token in ["", "token", "1234567890123456", "aaaaaaaaaaaaaaaa"] {
        let token = format!("token = \"{token}\"\n[log]");
        let file = write("token", &centre(free_port(), free_port()).replace("[log]", &token));
        let output = cordboard(&["run", "-c", &file.display().to_string()]).output().expect("it runs");
        assert_eq!(output.status.code(), Some(78), "{token}: {}", text(&output));
    }
}

#[test]
fn run_without_a_file_ends_with_78() {
    let output = cordboard(&["run", "-c", "not/there.toml"]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(78));
    assert!(text(&output).contains("not/there.toml"), "{}", text(&output));
}

/// A running process and the lines of its log. Killed where a test fails.
struct Run {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Run {
    fn start(file: &Path) -> Run {
        let mut run = Run::begin(file, &[]);
        run.until("Cordboard takes calls");
        run
    }

    fn begin(file: &Path, more: &[&str]) -> Run {
        let file = file.display().to_string();
        let arguments: Vec<&str> = ["run", "-c", &file].into_iter().chain(more.iter().copied()).collect();
        let mut child = cordboard(&arguments).stdout(Stdio::piped()).spawn().expect("it runs");
        let output = child.stdout.take().expect("the output is a pipe");
        Run { child, lines: BufReader::new(output).lines() }
    }

    /// Reads the log up to a line that says this.
    fn until(&mut self, wanted: &str) -> String {
        let mut seen = String::new();
        for line in self.lines.by_ref().map_while(Result::ok) {
            if line.contains(wanted) {
                return line;
            }
            seen += &format!("{line}\n");
        }
        let status = self.child.wait().expect("it ends");
        panic!("the log ended without {wanted:?}, the process with {status}:\n{seen}")
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("our own child can be told");
    }

    fn code(mut self) -> Option<i32> {
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // It has usually ended by itself.
        let _killed = self.child.kill();
        let _ended = self.child.wait();
    }
}

#[test]
fn a_term_signal_drains_and_ends_well() {
    let mut run = Run::start(&write("term", &centre(free_port(), free_port())));
    run.signal(Signal::TERM);
    run.until("draining");
    run.until("every call is over");
    assert_eq!(run.code(), Some(0));
}

#[test]
fn a_hang_up_signal_reads_the_file_again_and_a_broken_one_changes_nothing() {
    let (sip, http) = (free_port(), free_port());
    let good = centre(sip, http);
    let file = write("reload", &good);
    let mut run = Run::start(&file);
    std::fs::write(&file, format!("{good}[[queue]]\nname = \"billing\"\nstrategy = \"best\"\n"))
        .expect("writable");
    run.signal(Signal::HUP);
    let line = run.until("the old one stays in force");
    assert!(line.contains("strategy"), "{line}");
    std::fs::write(&file, format!("{good}[[queue]]\nname = \"billing\"\n")).expect("writable");
    run.signal(Signal::HUP);
    run.until("the new configuration is in force");
    run.signal(Signal::INT);
    run.until("every call is over");
    assert_eq!(run.code(), Some(0));
}

/// A WAV file of silence that takes a while to read.
fn long_music(file: &Path) {
    let octets: u32 = 48 << 20;
    let mut head = Vec::new();
    head.extend_from_slice(b"RIFF");
    head.extend_from_slice(&(36 + octets).to_le_bytes());
    head.extend_from_slice(b"WAVEfmt ");
    head.extend_from_slice(&16_u32.to_le_bytes());
    // PCM, one channel, 8,000 samples of two octets a second.
    head.extend([1_u16, 1].iter().flat_map(|field| field.to_le_bytes()));
    head.extend([8_000_u32, 16_000].iter().flat_map(|field| field.to_le_bytes()));
    head.extend([2_u16, 16].iter().flat_map(|field| field.to_le_bytes()));
    head.extend_from_slice(b"data");
    head.extend_from_slice(&octets.to_le_bytes());
    let mut music = std::fs::File::create(file).expect("the folder for tests can be written");
    music.write_all(&head).expect("the folder for tests can be written");
    music.set_len(u64::from(octets) + 44).expect("the rest is silence");
}

#[test]
fn a_signal_that_comes_while_the_process_starts_is_obeyed_when_it_has_started() {
    let http = free_port();
    let queue = "[[queue]]\nname = \"billing\"\nmusic = \"long.wav\"\n";
    let file = write("early", &format!("{}{queue}", centre(free_port(), http)));
    long_music(&file.with_file_name("long.wav"));
    let mut run = Run::begin(&file, &[]);
    // The sockets are bound and the music is not read yet.
    while TcpStream::connect(("127.0.0.1", http)).is_err() {
        assert_eq!(run.child.try_wait().expect("a child of ours"), None, "it has ended");
        std::thread::yield_now();
    }
    run.signal(Signal::HUP);
    run.until("Cordboard takes calls");
    run.until("the new configuration is in force");
    run.signal(Signal::TERM);
    run.until("every call is over");
    assert_eq!(run.code(), Some(0));
}

#[test]
fn calls_that_draining_cuts_are_in_the_exit_code() {
    let sip = free_port();
    let more = "drain_timeout = \"0s\"\n";
    let text = centre(sip, free_port()).replace("[media]", &format!("{more}[media]"));
    let mut run = Run::start(&write("cut", &format!("{text}{ROUTES}")));
    let _caller = one_calls(sip);
    run.signal(Signal::TERM);
    run.until("ending the calls that are left");
    assert_eq!(run.code(), Some(75));
}

/// A queue for all who call.
const ROUTES: &str = "[[trunk]]\nname = \"pbx\"\nfrom = \"127.0.0.0/8\"\n[[queue]]\nname = \"billing\"\n\
    [[entry]]\nnumber = \"*\"\nqueue = \"billing\"\n";

/// Somebody who has called and hears the music.
fn one_calls(sip: u16) -> UdpSocket {
    let caller = UdpSocket::bind("127.0.0.1:0").expect("a port is free");
    let address = caller.local_addr().expect("it is bound");
    let sdp = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 49170 RTP/AVP 0\r\n";
    let invite = format!(
        "INVITE sip:15881000@cc.example.com SIP/2.0\r\nVia: SIP/2.0/UDP {address};branch=z9hG4bK-cut\r\n\
         Max-Forwards: 70\r\nFrom: <sip:0101234@pbx>;tag=1\r\nTo: <sip:15881000@cc.example.com>\r\n\
         Call-ID: cut@test\r\nCSeq: 1 INVITE\r\nContact: <sip:0101234@{address}>\r\n\
         Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{sdp}",
        sdp.len()
    );
    caller.send_to(invite.as_bytes(), ("127.0.0.1", sip)).expect("loopback takes it");
    let mut answer = [0; 4_096];
    loop {
        let length = caller.recv(&mut answer).expect("an answer");
        if answer[..length].starts_with(b"SIP/2.0 200") {
            return caller;
        }
    }
}

/// What is answered to a request of the API.
fn ask(http: u16, method: &str, path: &str, body: &str) -> String {
    ask_with("a-token-chosen-by-chance", http, method, path, body)
}

/// The same with another token.
fn ask_with(token: &str, http: u16, method: &str, path: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", http)).expect("HTTP listens");
    let request = format!(
        "{method} /api/v1{path} HTTP/1.1\r\nHost: 127.0.0.1:{http}\r\nConnection: close\r\n\
         Authorization: Bearer {token}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).expect("HTTP reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

#[test]
fn who_changes_an_interaction_by_the_api_is_in_the_log_with_what_was_changed() {
    let (sip, http) = (free_port(), free_port());
    let text = centre(sip, http);
    let listen = format!("listen = \"127.0.0.1:{http}\"\n");
    let text = text.replace(&listen, &format!("{listen}token = \"a-token-chosen-by-chance\"\n"));
    let more = "[[supervisor]]\nid = \"park\"\n";
    let file = write("patch", &format!("{text}{ROUTES}{more}"));
    let mut run = Run::start(&file);
    let _caller = one_calls(sip);
    let refused = ask(http, "PATCH", "/interactions/1", r#"{"priority": 7, "queue": "nowhere"}"#);
    assert!(refused.starts_with("HTTP/1.1 422"), "{refused}");
    let body = r#"{"priority": 3, "require": null, "by": "park"}"#;
    let changed = ask(http, "PATCH", "/interactions/1", body);
    assert!(changed.starts_with("HTTP/1.1 200"), "{changed}");
    let line = run.until("interaction changed by the API");
    let line: serde_json::Value = serde_json::from_str(&line).expect("one JSON object a line");
    let told = &line["fields"];
    let told = if told.is_object() { told } else { &line };
    assert_eq!(told["interaction"], 1, "{line}");
    assert_eq!((&told["priority"], &told["by"]), (&3.into(), &"park".into()), "not the one refused: {line}");
    assert_eq!(told["require"], "", "it needs nothing of its own: {line}");
    assert!(told.get("queue").is_none(), "{line}");
    // The distributor says what a reload gave it.
    std::fs::write(&file, format!("{text}{ROUTES}{more}[routing]\nhead_start = \"5s\"\n")).expect("writable");
    run.signal(Signal::HUP);
    let line = run.until("the distributor has other settings");
    assert!(line.contains("head_start_per_point") && !line.contains("misses_max"), "{line}");
    run.signal(Signal::TERM);
    run.until("draining");
    run.signal(Signal::TERM);
    assert_eq!(run.code(), Some(75));
}

#[test]
fn the_level_of_the_log_follows_the_api_and_a_reload() {
    let (sip, http) = (free_port(), free_port());
    let listen = format!("listen = \"127.0.0.1:{http}\"\n");
    let text = centre(sip, http).replace(&listen, &format!("{listen}token = \"a-token-chosen-by-chance\"\n"));
    let file = write("level", &text);
    let mut run = Run::start(&file);
    // A request without the token is a line of the level debug.
    let stranger = |path: &str| assert!(ask_with("no", http, "GET", path, "").starts_with("HTTP/1.1 401"));
    let switch = |body: &str| ask(http, "POST", "/log-level", body);
    let level = || ask(http, "GET", "/log-level", "").lines().last().map(str::to_owned);
    stranger("/agents");
    assert_eq!(level().as_deref(), Some(r#"{"level":"info"}"#));
    assert!(switch(r#"{"level":"loud"}"#).starts_with("HTTP/1.1 422"));
    assert!(switch(r#"{"level":"debug"}"#).starts_with("HTTP/1.1 200"));
    let line = run.until("switched by the API");
    assert!(line.contains("WARN") && line.contains("info") && line.contains("debug"), "{line}");
    stranger("/queues");
    let line = run.until("without the token");
    assert!(line.contains("/api/v1/queues"), "the one before the switch was not written: {line}");
    assert!(switch(r#"{"level":"error"}"#).starts_with("HTTP/1.1 200"));
    stranger("/interactions");
    // What the file says is in force again with a reload, before the line that tells of it.
    run.signal(Signal::HUP);
    run.until("the new configuration is in force");
    assert_eq!(level().as_deref(), Some(r#"{"level":"info"}"#));
    std::fs::write(&file, text.replace("[log]\n", "[log]\nlevel = \"debug\"\n")).expect("writable");
    run.signal(Signal::HUP);
    let line = run.until("the new configuration is in force");
    assert!(line.contains("[log] level") && line.contains("restart: nothing"), "{line}");
    stranger("/sip-trace");
    let line = run.until("without the token");
    assert!(line.contains("/api/v1/sip-trace"), "nothing was written meanwhile: {line}");
    run.signal(Signal::TERM);
    assert_eq!(run.code(), Some(0));
}

#[test]
fn doctor_says_each_thing_with_its_verdict_and_for_programs() {
    let taken = UdpSocket::bind("127.0.0.1:0").expect("a port is free");
    let port = taken.local_addr().expect("it is bound").port();
    let doctor = |file: &Path, more: &[&str]| {
        let file = file.display().to_string();
        let arguments: Vec<&str> = ["doctor", "-c", &file].into_iter().chain(more.iter().copied()).collect();
        cordboard(&arguments).output().expect("it runs")
    };
    let sick = doctor(&write("doctor-sick", &centre(port, free_port())), &[]);
    assert_eq!(sick.status.code(), Some(71), "{}", text(&sick));
    let line =
        format!("fail  sockets        [sip] listen: udp:127.0.0.1:{port} cannot be used: another process");
    assert!(text(&sick).lines().any(|found| found.starts_with(&line)), "{}", text(&sick));
    let file = write("doctor", &centre(free_port(), free_port()));
    let well = doctor(&file, &["--json"]);
    assert_eq!(well.status.code(), Some(0), "{}", text(&well));
    let told: serde_json::Value = serde_json::from_slice(&well.stdout).expect("JSON");
    let findings = told["findings"].as_array().expect("a list");
    let checks = ["configuration", "file", "sockets", "media ports", "http", "names", "open files", "clock"];
    for check in checks {
        assert!(findings.iter().any(|finding| finding["check"] == check), "{check}: {told:#}");
    }
    // Beside the running process its sockets are no other's.
    let run = Run::start(&file);
    let beside = doctor(&file, &[]);
    assert_eq!(beside.status.code(), Some(0), "{}", text(&beside));
    assert!(text(&beside).contains("answers at 127.0.0.1"), "{}", text(&beside));
    run.signal(Signal::TERM);
    assert_eq!(run.code(), Some(0));
    let wrong = doctor(&write("doctor-wrong", "[sip]\n"), &[]);
    assert_eq!(wrong.status.code(), Some(78), "{}", text(&wrong));
}

#[test]
fn a_trace_over_tcp_shows_whole_messages_and_no_digest_however_the_octets_come() {
    let sip = free_port();
    let text = centre(sip, free_port()).replace("udp:127", "tcp:127");
    let mut run = Run::begin(&write("trace", &text), &["--sip-trace"]);
    run.until("Cordboard takes calls");
    let mut stream = TcpStream::connect(("127.0.0.1", sip)).expect("SIP listens");
    stream.set_nodelay(true).expect("an option of every stream");
    let request = |number: u32| {
        format!(
            "REGISTER sip:cc.example.com SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bK-{number}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:kim@cc.example.com>;tag=1\r\nTo: <sip:kim@cc.example.com>\r\n\
             Call-ID: trace-{number}@test\r\nCSeq: {number} REGISTER\r\nAuthorization: Digest username=\"kim\",\r\n \
             realm=\"cc.example.com\", nonce=\"abc\", uri=\"sip:cc.example.com\", response=d41d8cd98f00b204e9\r\n\
             Contact: <sip:kim@127.0.0.1:9;transport=tcp>\r\nContent-Length: 0\r\n\r\n"
        )
    };
    let octets = format!("\r\n\r\n{}{}{}", request(1), request(2), request(3));
    // Every piece ends in the middle of something, one of them in the middle of the digest.
    let cut = octets.find("d41d8cd9").expect("it is there") + 4;
    for piece in [&octets[..cut], &octets[cut..cut + 700], &octets[cut + 700..]] {
        stream.write_all(piece.as_bytes()).expect("the other side reads");
    }
    let mut shown = String::new();
    for number in 1..=3 {
        let line = run.until(&format!("trace-{number}@test"));
        assert!(line.contains("<- TCP") && line.contains("REGISTER sip:cc.example.com"), "{line}");
        assert!(line.contains("Content-Length: 0"), "a whole message: {line}");
        shown += &line;
    }
    assert_eq!(shown.matches("Call-ID: ").count(), 3, "each by itself: {shown}");
    assert!(!shown.contains("d41d8") && !shown.contains("b204e9"), "{shown}");
    run.signal(Signal::TERM);
    run.until("every call is over");
    assert_eq!(run.code(), Some(0));
}
