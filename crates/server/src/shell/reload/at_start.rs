//! Settings that are read at the start only: sockets, and the bounds of what was built.

use crate::config::{Config, Log, Media, Registrar, Sip, SipLimits};

/// Gives `new` the values that run for every setting that a running process cannot change; names those in
/// which the file differs from them. A new setting must find its place here: in force at once, or named.
pub(super) fn keep(running: &Config, new: &mut Config) -> Vec<&'static str> {
    let mut waiting = Waiting(Vec::new());
    let Config {
        sip,
        media,
        http,
        log,
        otlp,
        routing,
        trunks: _,
        agents: _,
        calendars: _,
        channels: _,
        queues: _,
        entries: _,
        reasons: _,
        supervisors: _,
    } = new;
    waiting.sip(&running.sip, sip);
    waiting.media(&running.media, media);
    // All else is in force at once: the distributor's settings are a command like those of queues.
    let thread = &mut routing.distributor_thread;
    waiting.keep("[routing] distributor_thread", &running.routing.distributor_thread, thread);
    waiting.keep("[http]", &running.http, http);
    waiting.log(&running.log, log);
    waiting.keep("[otlp]", &running.otlp, otlp);
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

    fn log(&mut self, running: &Log, new: &mut Log) {
        let Log { level: _, format, mask_numbers } = new;
        self.keep("[log] format", &running.format, format);
        self.keep("[log] mask_numbers", &running.mask_numbers, mask_numbers);
    }

    fn media(&mut self, running: &Media, new: &mut Media) {
        let Media { addresses, bind, ports, silence_timeout, latching: _, allow_loopback: _, music: _ } = new;
        self.keep("[media] address", &running.addresses, addresses);
        self.keep("[media] bind", &running.bind, bind);
        self.keep("[media] ports", &running.ports, ports);
        self.keep("[media] silence_timeout", &running.silence_timeout, silence_timeout);
    }
}
