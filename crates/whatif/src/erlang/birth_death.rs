//! M/M/c + M with a limited number of places.

/// Customers who come at random, wait in one line, give up at a constant rate, and are served by servers who are all
/// alike.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Queueing {
    /// Customers per unit of time.
    pub arrivals: f64,
    /// Customers whom one server serves per unit of time.
    pub service: f64,
    /// Customers who give up per waiting customer and unit of time; 0: nobody gives up.
    pub abandonment: f64,
    /// Servers, more than zero.
    pub servers: u32,
    /// The most customers, in service and waiting together, not below `servers`. `None`: no limit.
    pub places: Option<u32>,
}

/// What holds in the long run.
#[derive(Clone, Debug, PartialEq)]
pub struct SteadyState {
    queueing: Queueing,
    /// The probability of `servers + n` customers, by n.
    waiting: Vec<f64>,
    /// The mean number of busy servers.
    busy: f64,
}

/// Beyond the likeliest state, those are left out that are less likely by this logarithm (a factor of 1e-18).
const NEGLIGIBLE: f64 = -41.5;
/// States that are looked at above the number of servers; reached by a load within some millionths of the capacity.
const STATES_MAX: usize = 20_000_000;

impl Queueing {
    /// The steady state; `None` where there is none (patient customers, no limit, and servers who cannot keep up),
    /// or where a rate makes no sense.
    pub fn steady_state(&self) -> Option<SteadyState> {
        let Queueing { arrivals, service, abandonment, servers, places } = *self;
        let sound = arrivals.is_finite() && arrivals > 0.0 && service.is_finite() && service > 0.0;
        let capacity = f64::from(servers) * service;
        let stable = abandonment > 0.0 || places.is_some() || arrivals < capacity;
        let fits = servers > 0 && places.is_none_or(|places| places >= servers);
        if !(sound && abandonment.is_finite() && abandonment >= 0.0 && stable && fits) {
            return None;
        }
        // Logarithms, relative to the state in which all servers are busy and nobody waits: with a thousand
        // servers the likeliest state and an empty system are farther apart than a float can say.
        let mut waiting = vec![0.0];
        let room = places.map_or(STATES_MAX, |places| (places - servers) as usize);
        let mut largest: f64 = 0.0;
        while waiting.len() <= room {
            let last = waiting[waiting.len() - 1];
            let next = last + libm::log(arrivals / (capacity + waiting.len() as f64 * abandonment));
            if next < last && next < largest + NEGLIGIBLE {
                break;
            }
            largest = largest.max(next);
            waiting.push(next);
        }
        let mut below = Vec::new();
        let mut last = 0.0;
        for state in (0..servers).rev() {
            last += libm::log(f64::from(state + 1) * service / arrivals);
            largest = largest.max(last);
            below.push(last);
        }
        waiting.iter_mut().chain(&mut below).for_each(|state| *state = libm::exp(*state - largest));
        let all = waiting.iter().chain(&below).sum::<f64>();
        waiting.iter_mut().for_each(|probability| *probability /= all);
        let idle: f64 = below.iter().zip(1u32..).map(|(state, idle)| state * f64::from(idle)).sum();
        Some(SteadyState { queueing: *self, waiting, busy: f64::from(servers) - idle / all })
    }
}

impl SteadyState {
    /// The probability that a customer finds every place taken.
    pub fn blocked(&self) -> f64 {
        let Queueing { servers, places, .. } = self.queueing;
        let last = places.map(|places| (places - servers) as usize);
        last.and_then(|last| self.waiting.get(last)).copied().unwrap_or(0.0)
    }

    /// The probability that a customer finds every server busy, and a place to wait.
    pub fn delayed(&self) -> f64 {
        self.waiting.iter().sum::<f64>() - self.blocked()
    }

    /// The mean number of those who wait.
    pub fn queue_length(&self) -> f64 {
        self.waiting.iter().enumerate().map(|(waiting, probability)| waiting as f64 * probability).sum()
    }

    /// The mean time that a customer waits, whatever the end, those counted as zero who are blocked (Little's law).
    pub fn wait(&self) -> f64 {
        self.queue_length() / self.queueing.arrivals
    }

    /// The share of customers who give up.
    pub fn abandoned(&self) -> f64 {
        self.queueing.abandonment * self.wait()
    }

    /// The share of customers who are served.
    pub fn answered(&self) -> f64 {
        1.0 - self.blocked() - self.abandoned()
    }

    /// The mean share of time that a server is busy.
    pub fn occupancy(&self) -> f64 {
        self.busy / f64::from(self.queueing.servers)
    }

    /// The states in which a customer waits: how many are before, and how likely.
    fn found_waiting(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        let Queueing { servers, places, .. } = self.queueing;
        let open = places.map_or(usize::MAX, |places| (places - servers) as usize);
        let states = self.waiting.iter().take(open).enumerate();
        states.map(|(before, &probability)| (before as f64, probability))
    }

    /// The probability of finding a free server.
    fn at_once(&self) -> f64 {
        1.0 - self.waiting.iter().sum::<f64>()
    }

    /// The mean wait of those who are served: the average speed of answer.
    ///
    /// With n before, the line moves at rates c·μ + k·θ for k = n, ..., 0 (θ is the rate of giving up). That the
    /// customer is still there at the end has the probability c·μ / (c·μ + (n + 1)·θ), and given that, the rates are
    /// c·μ + k·θ for k = n + 1, ..., 1.
    pub fn wait_of_answered(&self) -> f64 {
        let (capacity, abandonment) = self.rates();
        let mut moves = 0.0;
        let mut wait = 0.0;
        for (before, probability) in self.found_waiting() {
            let left = (before + 1.0) * abandonment;
            moves += 1.0 / (capacity + left);
            wait += probability * capacity / (capacity + left) * moves;
        }
        wait / self.answered()
    }

    fn rates(&self) -> (f64, f64) {
        (f64::from(self.queueing.servers) * self.queueing.service, self.queueing.abandonment)
    }

    /// The share of all customers who are served after at most `time`: A(T) / Off.
    ///
    /// Given that a customer with n before is served, the wait is a sum of exponentials of rates c·μ + k·θ for k = 1,
    /// ..., n + 1 (see [`SteadyState::wait_of_answered`]), which is −ln(X) / θ for X of the beta distribution with
    /// parameters c·μ/θ + 1 and n + 1; without impatience it is Erlang's.
    pub fn answered_within(&self, time: f64) -> f64 {
        let (capacity, abandonment) = self.rates();
        let mut sums = Sums::new(capacity, abandonment, abandonment, time);
        let waited: f64 = self
            .found_waiting()
            .map(|(before, probability)| {
                let stays = capacity / (capacity + (before + 1.0) * abandonment);
                probability * stays * sums.next_within()
            })
            .sum();
        self.at_once() + waited
    }

    /// The share of all customers who give up within `time`: B(T) / Off. With n before, the line would have moved
    /// at rates c·μ + k·θ for k = 0, ..., n.
    pub fn abandoned_within(&self, time: f64) -> f64 {
        let (capacity, abandonment) = self.rates();
        if abandonment == 0.0 {
            return 0.0;
        }
        let patient = libm::exp(-abandonment * time);
        let mut served = Sums::new(capacity, abandonment, abandonment, time);
        let mut moved = Sums::new(capacity, 0.0, abandonment, time);
        self.found_waiting()
            .map(|(before, probability)| {
                let stays = capacity / (capacity + (before + 1.0) * abandonment);
                let answered = stays * served.next_within();
                let still_waits = patient * (1.0 - moved.next_within());
                probability * (1.0 - answered - still_waits)
            })
            .sum()
    }
}

/// The probability that a sum of exponentials of rates `capacity + first + k × step`, k = 0, ..., m − 1, is at most
/// `time`, for m = 1, 2, ... one after the other.
struct Sums {
    /// Of the sum in hand.
    within: f64,
    /// The logarithm of what the next exponential takes away (the first can be too small for a float).
    term: f64,
    /// How many exponentials are in the sum.
    length: f64,
    growth: Growth,
}

/// How terms follow each other.
enum Growth {
    /// Rates rise: the regularised incomplete beta function I(x; m, b) with x = 1 − exp(−step × time), by the
    /// recursion I(x; m + 1, b) = I(x; m, b) − x^m (1 − x)^b / (m B(m, b)) (DLMF 8.17.18).
    Beta { x: f64, b: f64 },
    /// All rates are the same: the tail of a Poisson variable with this mean.
    Erlang { mean: f64 },
}

impl Sums {
    fn new(capacity: f64, first: f64, step: f64, time: f64) -> Sums {
        let rate = capacity + first;
        let growth = if step == 0.0 {
            Growth::Erlang { mean: rate * time }
        } else {
            Growth::Beta { x: -libm::expm1(-step * time), b: rate / step }
        };
        Sums { within: 1.0, term: -rate * time, length: 0.0, growth }
    }

    /// The probability for the next m.
    fn next_within(&mut self) -> f64 {
        self.within = (self.within - libm::exp(self.term)).max(0.0);
        self.length += 1.0;
        let m = self.length;
        self.term += libm::log(match self.growth {
            Growth::Beta { x, b } => x * (b + m - 1.0) / m,
            Growth::Erlang { mean } => mean / m,
        });
        self.within
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queueing(arrivals: f64, service: f64, abandonment: f64, servers: u32) -> Queueing {
        Queueing { arrivals, service, abandonment, servers, places: None }
    }

    #[test]
    fn without_impatience_it_is_erlang_c() {
        let state = queueing(10.0, 1.0, 0.0, 14).steady_state().unwrap();
        let wait = super::super::erlang_c(10.0, 14);
        assert!((state.delayed() - wait).abs() < 1e-12);
        assert!((state.wait() - wait / 4.0).abs() < 1e-12);
        assert!((state.wait_of_answered() - state.wait()).abs() < 1e-12);
        let within = 1.0 - wait * libm::exp(-4.0 * 0.3);
        assert!((state.answered_within(0.3) - within).abs() < 1e-12);
    }

    #[test]
    fn without_places_it_is_erlang_b() {
        let loss = Queueing { places: Some(15), ..queueing(8.108, 1.0, 0.0, 15) };
        let state = loss.steady_state().unwrap();
        assert!((state.blocked() - super::super::erlang_b(8.108, 15)).abs() < 1e-12);
        assert!(state.delayed().abs() < 1e-12 && state.wait().abs() < 1e-12);
    }

    #[test]
    fn everybody_is_served_gives_up_or_is_blocked() {
        let state = Queueing { places: Some(20), ..queueing(14.0, 1.0, 0.5, 12) }.steady_state().unwrap();
        assert!((state.answered() * 14.0 - state.occupancy() * 12.0).abs() < 1e-9);
        assert!((state.answered_within(1e6) - state.answered()).abs() < 1e-9);
        assert!((state.abandoned_within(1e6) - state.abandoned()).abs() < 1e-9);
        assert!(state.abandoned_within(0.0).abs() < 1e-12);
    }

    #[test]
    fn many_servers_are_no_trouble_for_floats() {
        let state = queueing(9_900.0, 1.0, 0.5, 10_000).steady_state().unwrap();
        assert!((state.occupancy() - 0.99).abs() < 1e-3, "{}", state.occupancy());
        assert!((state.answered_within(0.3) - state.answered()).abs() < 1e-3);
        let quiet = queueing(1.0, 1.0, 0.5, 10_000).steady_state().unwrap();
        assert!((quiet.occupancy() - 1e-4).abs() < 1e-12 && quiet.delayed() < 1e-300);
    }

    #[test]
    fn where_the_servers_cannot_keep_up_there_is_no_steady_state() {
        assert_eq!(queueing(14.0, 1.0, 0.0, 14).steady_state(), None);
        assert!(queueing(14.0, 1.0, 0.1, 14).steady_state().is_some());
        assert_eq!(queueing(f64::NAN, 1.0, 0.1, 14).steady_state(), None);
        assert_eq!(queueing(1.0, 1.0, 0.1, 0).steady_state(), None);
    }

    #[test]
    fn with_the_same_rate_of_service_and_giving_up_it_is_poisson() {
        // M/M/c + M with equal rates is M/M/∞: the number of customers is Poisson with the load as mean.
        let state = queueing(110.0, 1.0, 1.0, 100).steady_state().unwrap();
        let mut probability = libm::exp(-110.0);
        let mut below = 0.0;
        for state in 0..100 {
            below += probability;
            probability *= 110.0 / f64::from(state + 1);
        }
        assert!((state.delayed() - (1.0 - below)).abs() < 1e-12);
    }
}
