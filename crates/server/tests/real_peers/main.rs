//! Cordboard beside programs that others wrote: SIPp and baresip as callers and phones, Kamailio as the
//! PBX, Prometheus as the one who scrapes. Each test starts the real binary on loopback with ports of its
//! own and stops by process id whatever it started.
//!
//! Run by `cargo xtask test`, which installs the programs from Debian's packages and has a thread for each test:
//! most of the time goes by waiting until SIP's own timers have run out. With fewer threads
//! (`--test-threads`) the same happens one after another, in many minutes.

#![expect(clippy::disallowed_types, clippy::disallowed_methods, reason = "drives programs in real time")]

mod audio;
mod baresip;
mod callback;
mod calls;
mod capacity;
mod changes;
mod cordboard;
mod crowd;
mod dashboards;
mod desktop;
mod dns;
mod entries;
mod hours;
mod http;
mod load;
mod overflow;
mod packaging;
mod pbx;
mod port;
mod process;
mod prometheus;
mod raw;
mod registration;
mod returning;
mod rules;
mod sipp;
mod turn;
