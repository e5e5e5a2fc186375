//! rtpengine in user space, told by its control protocol: a cookie and a bencoded dictionary in a datagram.

use std::net::{Ipv4Addr, UdpSocket};
use std::process::Command;
use std::time::Duration;

use super::description::{audio_port, description};
use super::pump::Ways;
use crate::process::Process;
use crate::systems::Place;

const CONTROL_PORT: u16 = 15_100;

/// Starts it; as many threads as the machine has cores, which is what it does by itself.
pub(super) fn start(place: &Place) -> Result<Process, String> {
    let mut command = Command::new("rtpengine");
    let control = format!("--listen-ng=127.0.0.1:{CONTROL_PORT}");
    // Table -1: no kernel module, packets pass through user space as ours do.
    command.args([
        "--foreground",
        "--log-stderr",
        "--log-level=3",
        "--table=-1",
        "--interface=127.0.0.1",
        &control,
    ]);
    command.args(["--port-min=20000", "--port-max=31999"]);
    let mut server = Process::start("rtpengine", &mut command, &place.folder)?;
    let socket = control_socket()?;
    server.awaits("a pong", || ask(&socket, "ping", "d7:command4:pinge").ok())?;
    Ok(server)
}

/// A call between two ports; where its people send their audio.
pub(super) fn call(socket: &UdpSocket, number: usize, ports: [u16; 2]) -> Result<Ways, String> {
    let way = |command: &str, tags: &str, port: u16| {
        let call = format!("bench{number}");
        let sdp = description(port);
        let text = format!(
            "d7:call-id{}:{call}7:command{}:{command}8:from-tag1:f3:sdp{}:{sdp}{tags}e",
            call.len(),
            command.len(),
            sdp.len()
        );
        let answer = ask(socket, &format!("{command}{number}"), &text)?;
        audio_port(&answer).ok_or_else(|| format!("rtpengine's answer has no description: {answer}"))
    };
    // What is told to the called party is where it sends, and the other way round.
    let of_called = way("offer", "", ports[0])?;
    let of_caller = way("answer", "6:to-tag1:t", ports[1])?;
    Ok([of_caller, of_called].map(|port| (Ipv4Addr::LOCALHOST, port).into()))
}

pub(super) fn control_socket() -> Result<UdpSocket, String> {
    let cannot = |error: std::io::Error| format!("no socket to rtpengine: {error}");
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).map_err(cannot)?;
    socket.connect((Ipv4Addr::LOCALHOST, CONTROL_PORT)).map_err(cannot)?;
    socket.set_read_timeout(Some(Duration::from_secs(2))).map_err(cannot)?;
    Ok(socket)
}

/// `cookie`: another one for each question; the same again is the same question.
fn ask(socket: &UdpSocket, cookie: &str, dictionary: &str) -> Result<String, String> {
    let cannot = |error: std::io::Error| format!("rtpengine does not answer: {error}");
    socket.send(format!("{cookie} {dictionary}").as_bytes()).map_err(cannot)?;
    let mut buffer = [0; 4_096];
    let length = socket.recv(&mut buffer).map_err(cannot)?;
    Ok(String::from_utf8_lossy(&buffer[..length]).into_owned())
}
