use std::net::{TcpListener, UdpSocket};
use std::path::PathBuf;

use server::config::Config;
use server::shell::Shell;

use super::support::*;

fn refusal(config: Config) -> String {
    match Shell::new(config, PathBuf::new()).start() {
        Ok(running) => panic!("it started with {:?}", running.sip()),
        Err(refused) => refused.to_string(),
    }
}

#[test]
fn a_sip_port_that_is_taken_is_named_with_its_setting_and_the_remedy() {
    let taken = UdpSocket::bind("127.0.0.1:0").expect("a port is free");
    let port = taken.local_addr().expect("it is bound").port();
    let mut config = configuration(nobody(), "");
    config.sip.listen[0].address.set_port(port);
    let text = refusal(config);
    assert!(text.contains(&format!("[sip] listen: udp:127.0.0.1:{port}")), "{text}");
    assert!(text.contains(&format!("ss -ulpn 'sport = :{port}'")) && text.contains("another port"), "{text}");
}

#[test]
fn an_http_port_that_is_taken_leaves_no_other_port_taken() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let mut config = configuration(nobody(), "");
    let free = UdpSocket::bind("127.0.0.1:0").expect("a port is free").local_addr().expect("it was bound");
    config.sip.listen[0].address = free;
    config.http.listen = taken.local_addr().expect("it is bound");
    let text = refusal(config);
    assert!(text.contains("[http] listen: tcp:") && text.contains("ss -tlpn"), "{text}");
    UdpSocket::bind(free).expect("the SIP port was given back");
}

#[test]
fn an_address_that_is_our_own_already_is_no_other_process() {
    let mut config = configuration(nobody(), "");
    let free = TcpListener::bind("127.0.0.1:0").expect("a port is free").local_addr().expect("it was bound");
    config.sip.listen[1].address = free;
    config.http.listen = free;
    let text = refusal(config);
    assert!(
        text.contains(&format!("[http] listen: tcp:{free}")) && text.contains("[sip] listen has"),
        "{text}"
    );
    assert!(!text.contains("another process"), "{text}");
}

#[test]
fn an_address_of_another_machine_is_explained() {
    let mut config = configuration(nobody(), "");
    config.sip.listen[1].address.set_ip("192.0.2.77".parse().expect("an address"));
    let text = refusal(config);
    assert!(text.contains("[sip] listen: tcp:192.0.2.77:0") && text.contains("ip address"), "{text}");
    let mut config = configuration(nobody(), "");
    config.media.bind.v4 = Some("192.0.2.77".parse().expect("an address"));
    let text = refusal(config);
    assert!(text.contains("[media] bind: udp:192.0.2.77"), "{text}");
}

#[test]
fn music_that_is_missing_or_no_music_is_explained() {
    let mut config = configuration(nobody(), "");
    config.media.music = Some(PathBuf::from("not/there.wav"));
    let text = refusal(config.clone());
    assert!(text.contains("not/there.wav cannot be read"), "{text}");
    let this_file = std::path::absolute(file!().trim_start_matches("crates/server/")).expect("a path");
    config.media.music = Some(this_file);
    let text = refusal(config);
    assert!(text.contains("cannot be played") && text.contains("8 kHz"), "{text}");
}
