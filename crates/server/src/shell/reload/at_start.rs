//! Settings that are read at the start only: sockets, the bounds of what was built, the distributor's own.

use crate::config::{Config, Media, Registrar, Routing, Sip, SipLimits};

/// Gives `new` the values that run for every setting that a running process cannot change; names those in
/// which the file differs from them. A new setting must find its place here: in force at once, or named.
pub(super) fn keep(running: &Config, new: &mut Config) -> Vec<&'static str> {
    let mut waiting = Waiting(Vec::new());
    let Config {
        sip,
        media,
        http,
        log,
        routing,
        trunks: _,
        agents: _,
        calendars: _,
        channels,
        queues: _,
        entries: _,
        reasons: _,
        supervisors: _,
    } = new;
    waiting.sip(&running.sip, sip);
    waiting.media(&running.media, media);
    waiting.keep("[http]", &running.http, http);
    waiting.keep("[log]", &running.log, log);
    waiting.routing(&running.routing, routing);
    waiting.keep("[[channel]]", &running.channels, channels);
    waiting.0
}

struct Waiting(Vec<&'static str>);

impl Waiting {
    fn keep<T: Clone + PartialEq>(&mut self, name: &'static str, running: &T, new: &mut T) {
        if running != new {
            self.0.push(name);
            new.clone_from(running);
        }
    }

    fn sip(&mut self, running: &Sip, new: &mut Sip) {
        let Sip {
            domain,
            listen,
            advertised: _,
            dns,
            outbound_proxy: _,
            drain_timeout: _,
            timers: _,
            registrar,
            limits,
        } = new;
        self.keep("[sip] domain", &running.domain, domain);
        self.keep("[sip] listen", &running.listen, listen);
        self.keep("[sip] dns", &running.dns, dns);
        let Registrar {
            expires_default: _,
            expires_min: _,
            expires_max: _,
            contacts_max: _,
            failures_max,
            failure_back_off,
            digest,
        } = registrar;
        let runs = &running.registrar;
        self.keep("[sip.registrar] failures_max", &runs.failures_max, failures_max);
        self.keep("[sip.registrar] failure_back_off", &runs.failure_back_off, failure_back_off);
        self.keep("[sip.registrar] digest", &runs.digest, digest);
        let SipLimits {
            message_bytes_max: _,
            headers_max: _,
            transactions_max: _,
            dialogs_max: _,
            calls_max: _,
            calls_per_second: _,
            registrations_max: _,
            tcp_connections_max,
            tcp_idle_timeout,
            retry_after: _,
        } = limits;
        let runs = &running.limits;
        self.keep("[sip.limits] tcp_connections_max", &runs.tcp_connections_max, tcp_connections_max);
        self.keep("[sip.limits] tcp_idle_timeout", &runs.tcp_idle_timeout, tcp_idle_timeout);
    }

    fn media(&mut self, running: &Media, new: &mut Media) {
        let Media { addresses, bind, ports, silence_timeout, latching: _, allow_loopback: _, music: _ } = new;
        self.keep("[media] address", &running.addresses, addresses);
        self.keep("[media] bind", &running.bind, bind);
        self.keep("[media] ports", &running.ports, ports);
        self.keep("[media] silence_timeout", &running.silence_timeout, silence_timeout);
    }

    fn routing(&mut self, running: &Routing, new: &mut Routing) {
        let Routing {
            head_start,
            misses_max,
            missed_pause: _,
            phone_grace: _,
            callers_max: _,
            waiting_max,
            overflows_max,
            after_call_work_max,
            estimate_half_life,
            estimate_samples_min,
            estimate_error_max,
            forced_presence,
            lease,
            // Part of what each agent is.
            capacity: _,
            selection: _,
            late_guard: _,
        } = new;
        self.keep("[routing] head_start", &running.head_start, head_start);
        self.keep("[routing] misses_max", &running.misses_max, misses_max);
        self.keep("[routing] waiting_max", &running.waiting_max, waiting_max);
        self.keep("[routing] overflows_max", &running.overflows_max, overflows_max);
        self.keep("[routing] after_call_work_max", &running.after_call_work_max, after_call_work_max);
        self.keep("[routing] estimate_half_life", &running.estimate_half_life, estimate_half_life);
        self.keep("[routing] estimate_samples_min", &running.estimate_samples_min, estimate_samples_min);
        self.keep("[routing] estimate_error_max", &running.estimate_error_max, estimate_error_max);
        self.keep("[routing] forced_presence", &running.forced_presence, forced_presence);
        self.keep("[routing] lease", &running.lease, lease);
    }
}
