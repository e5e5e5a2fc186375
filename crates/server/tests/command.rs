//! The binary itself: what it says and with which code it ends.

use std::io::{BufRead, BufReader};
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};

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

fn free_port() -> u16 {
    UdpSocket::bind("127.0.0.1:0").expect("a port is free").local_addr().expect("it was bound").port()
}

fn centre(sip: u16, http: u16) -> String {
    format!(
        "[sip]\ndomain = \"cc.example.com\"\nlisten = \"udp:127.0.0.1:{sip}\"\n[media]\naddress = \"127.0.0.1\"\n\
         ports = \"50000-50099\"\n[http]\nlisten = \"127.0.0.1:{http}\"\n[log]\nformat = \"json\"\n\
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
        let mut child = cordboard(&["run", "-c", &file.display().to_string()])
            .stdout(Stdio::piped())
            .spawn()
            .expect("it runs");
        let output = child.stdout.take().expect("the output is a pipe");
        let mut run = Run { child, lines: BufReader::new(output).lines() };
        run.until("Cordboard takes calls");
        run
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
        panic!("the log ended without {wanted:?}:\n{seen}")
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
