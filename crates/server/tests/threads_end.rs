//! Alone in its process, because it counts the process's threads.

use std::path::PathBuf;

use server::config::{DistributorThread, Passwords, parse};
use server::shell::Shell;

const CENTRE: &str = r#"
[sip]
domain = "cc.example.com"
listen = ["udp:127.0.0.1:5060", "tcp:127.0.0.1:5060"]
[media]
address = "127.0.0.1"
ports = "51000-51039"
"#;

/// The names of our threads that live.
fn our_threads() -> Vec<String> {
    let tasks = std::fs::read_dir("/proc/self/task").expect("Linux shows threads");
    let names = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names.filter(|name| name.starts_with("cb-")).collect()
}

fn open_sockets() -> usize {
    let files = std::fs::read_dir("/proc/self/fd").expect("Linux shows files");
    let targets = files.filter_map(|file| std::fs::read_link(file.ok()?.path()).ok());
    targets.filter(|target| target.to_string_lossy().starts_with("socket:")).count()
}

/// A thread names itself a moment after its start, and the system forgets it a moment after its end.
fn until(wanted: impl Fn() -> bool) {
    let clock = server::clock::Clock::start();
    while !wanted() {
        assert!(clock.uptime().as_secs() < 5, "our threads are {:?}", our_threads());
        std::thread::yield_now();
    }
}

#[test]
fn after_many_starts_and_ends_no_thread_and_no_socket_is_left() {
    let mut config =
        parse("test.toml", CENTRE, Passwords::Strong).unwrap_or_else(|refused| panic!("{refused}")).config;
    config.sip.listen.iter_mut().for_each(|listen| listen.address.set_port(0));
    config.http.listen.set_port(0);
    // What the runtime keeps for the whole process, signals above all, is there after the first round.
    let mut sockets = None;
    // The runtime's two, the engine's and that of media.
    let shared = 4;
    let placements = [(DistributorThread::Shared, shared), (DistributorThread::Own, shared + 1)];
    for (round, (thread, threads)) in placements.into_iter().cycle().take(6).enumerate() {
        config.routing.distributor_thread = thread;
        let running = Shell::new(config.clone(), PathBuf::new()).start().expect("it starts");
        until(|| our_threads().len() == threads);
        if round < 3 {
            running.shut_down();
        } else {
            drop(running);
        }
        until(|| our_threads().is_empty());
        assert_eq!(open_sockets(), *sockets.get_or_insert_with(open_sockets));
    }
}
