//! The formulas of the trade: what a simulation is checked against, and a first answer where it is not needed.
//!
//! All of them are about the steady state: the same rates for ever. A day is shorter and its rates change, so a
//! simulation of a day differs, by more the busier it is. Rates are per unit of time, whichever it is, and times
//! come in the same unit.
//!
//! - [`erlang_b`], blocking without waiting places: Erlang 1917; the recursion is in any textbook (Cooper,
//!   *Introduction to Queueing Theory*, section 3.3).
//! - [`erlang_c`], the probability of waiting with patient customers: the same book, section 3.5.
//! - [`Queueing::steady_state`]: M/M/c with impatience and a limited number of places, as the birth-and-death
//!   process that it is. Without impatience and limit it is Erlang C; with impatience Erlang A (Palm 1946; Garnett,
//!   Mandelbaum and Reiman, "Designing a call center with impatient customers", MSOM 4, 2002). The distribution of
//!   the wait is derived at [`SteadyState::answered_within`].
//! - [`non_preemptive_priorities`]: Cobham, "Priority assignment in waiting line problems", Operations Research 2
//!   (1954); for several servers with the same service rate, Davis, Operations Research 14 (1966).

mod birth_death;

pub use birth_death::{Queueing, SteadyState};

/// The share of customers who are blocked: `load` erlang (arrival rate times mean service time) on `servers`
/// servers, nobody waits.
pub fn erlang_b(load: f64, servers: u32) -> f64 {
    (1..=servers).fold(1.0, |blocked, server| {
        let carried = load * blocked;
        carried / (f64::from(server) + carried)
    })
}

/// The share of customers who wait: `load` erlang on `servers` servers, everybody waits as long as it takes. 1 where
/// the servers cannot keep up.
pub fn erlang_c(load: f64, servers: u32) -> f64 {
    let servers_f = f64::from(servers);
    if load >= servers_f {
        return 1.0;
    }
    let blocked = erlang_b(load, servers);
    servers_f * blocked / (servers_f - load * (1.0 - blocked))
}

/// The mean wait of each class, the first first in line, where nobody is interrupted and all are served at the same
/// rate. Infinite for a class that the servers cannot keep up with.
///
/// With `a` erlang in all, `s(k)` the load of classes 1 to k for each server and C the probability of waiting:
/// `W(k) = C / (servers × service) / ((1 − s(k − 1)) (1 − s(k)))`.
pub fn non_preemptive_priorities(arrivals: &[f64], service: f64, servers: u32) -> Vec<f64> {
    let capacity = f64::from(servers) * service;
    let load = arrivals.iter().sum::<f64>() / service;
    let remaining = erlang_c(load, servers) / capacity;
    let mut above = 0.0;
    let wait = |&arrivals: &f64| {
        let with = above + arrivals / capacity;
        let wait = if with < 1.0 { remaining / ((1.0 - above) * (1.0 - with)) } else { f64::INFINITY };
        above = with;
        wait
    };
    arrivals.iter().map(wait).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_erlang_formulas_agree_with_their_closed_forms() {
        assert!((erlang_b(1.0, 1) - 0.5).abs() < 1e-12);
        assert!((erlang_b(1.0, 2) - 0.2).abs() < 1e-12);
        // M/M/1: the probability of waiting is the load.
        assert!((erlang_c(0.8, 1) - 0.8).abs() < 1e-12);
        assert!((erlang_c(12.0, 10) - 1.0).abs() < 1e-12);
        assert!((erlang_b(0.0, 0) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn priorities_do_not_change_the_wait_of_all_together() {
        // Kleinrock's conservation law: where all are served alike, the weighted mean is that of first come.
        let arrivals = [0.3, 1.2, 2.0];
        let waits = non_preemptive_priorities(&arrivals, 0.8, 5);
        let load: f64 = arrivals.iter().sum::<f64>() / 0.8;
        let first_come = erlang_c(load, 5) / (5.0 * 0.8 - arrivals.iter().sum::<f64>());
        let mean = arrivals.iter().zip(&waits).map(|(rate, wait)| rate * wait).sum::<f64>()
            / arrivals.iter().sum::<f64>();
        assert!((mean - first_come).abs() < 1e-12, "{mean} {first_come}");
        assert!(waits.is_sorted());
        assert_eq!(non_preemptive_priorities(&[2.0, 3.0], 1.0, 4)[1], f64::INFINITY);
    }
}
