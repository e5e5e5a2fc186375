//! Kamailio as the PBX in front: a record-routing proxy that sends the service number to us.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::cordboard::Plan;
use crate::port::free_port;
use crate::process::{Process, eventually};
use crate::sipp::{Over, Run, phones};

/// A PBX that hides its callers: everything comes from its address, and everything later passes it again.
pub(crate) fn kamailio(folder: &Path, target: SocketAddr, port: u16) -> Process {
    let file = folder.join("kamailio.cfg");
    let modules =
        ["/usr/lib/x86_64-linux-gnu/kamailio/modules", "/usr/lib/aarch64-linux-gnu/kamailio/modules"];
    let modules = modules.iter().find(|path| Path::new(path).exists()).expect("Kamailio's modules");
    let text = format!(
        r#"debug=2
log_stderror=yes
children=2
listen=udp:127.0.0.1:{port}
mpath="{modules}/"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "maxfwd.so"
request_route {{
    if (!mf_process_maxfwd_header("10")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
    if (is_method("CANCEL")) {{ if (t_check_trans()) t_relay(); exit; }}
    if (has_totag()) {{
        if (loose_route()) {{ t_relay(); exit; }}
        if (is_method("ACK")) {{ if (t_check_trans()) t_relay(); exit; }}
        sl_send_reply("404", "Not here");
        exit;
    }}
    if (is_method("INVITE")) {{
        record_route();
        $du = "sip:{target}";
        t_relay();
        exit;
    }}
    sl_send_reply("405", "Method Not Allowed");
}}
"#
    );
    std::fs::write(&file, text).expect("the test's folder is writable");
    let mut command = Command::new("kamailio");
    // -x fm -X fm: the plain allocator; -DD: stays in the foreground, so that our child is the server.
    command.args(["-DD", "-E", "-x", "fm", "-X", "fm", "-f"]).arg(&file);
    command.args(["-w".as_ref(), folder.as_os_str()]);
    command.args(["-Y".as_ref(), folder.as_os_str()]);
    let process = Process::start("kamailio", &mut command, &folder.join("kamailio.log"));
    eventually(Duration::from_secs(20), "Kamailio listens", || {
        std::net::UdpSocket::bind(("127.0.0.1", port)).is_err().then_some(())
    });
    process
}

#[test]
fn a_call_through_a_record_routing_pbx_stays_on_its_route() {
    let cordboard = Plan::new("kamailio")
        .agent("kim", "billing = 8")
        .queue("billing", "100", "require = \"billing\"\nwaiting = \"ringback\"")
        .start();
    let port = free_port();
    let pbx = kamailio(&cordboard.folder, cordboard.sip, port);
    let agent = phones(&cordboard, &["kim"], "phone_is_held", Over::Udp, 1);
    let target = ([127, 0, 0, 1], port).into();
    // Hold and resume are requests inside the dialog: they and the BYE must find their way through the PBX.
    Run::new("hold").start(&cordboard.folder, target).succeeds();
    agent.succeeds();
    cordboard.nothing_is_left();
    assert_eq!(cordboard.outcome("answered"), 1.0);
    pbx.terminate();
    drop(pbx);
    cordboard.stop();
}

#[test]
fn a_caller_who_gives_up_behind_the_pbx_is_abandoned() {
    let cordboard = Plan::new("kamailio_abandon")
        .agent("kim", "billing = 8")
        .queue("billing", "100", "require = \"billing\"\nwaiting = \"ringback\"")
        .start();
    let port = free_port();
    let pbx = kamailio(&cordboard.folder, cordboard.sip, port);
    Run::new("abandon").start(&cordboard.folder, ([127, 0, 0, 1], port).into()).succeeds();
    cordboard.nothing_is_left();
    assert_eq!(cordboard.outcome("abandoned"), 1.0);
    drop(pbx);
    cordboard.stop();
}
