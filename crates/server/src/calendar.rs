//! When a day begins, by the clock on the wall: the figures "of the day" start anew.

use std::time::Duration;

use chrono::{Days, Local, NaiveDate, NaiveTime, TimeZone};
use tokio::sync::watch;
use tracing::info;

use crate::ring::Producer;
use crate::threads::distributor::Order;

/// How long we trust the distance to midnight: the wall clock may be set, and summer time begins and ends.
const LOOK: Duration = Duration::from_secs(3_600);

/// Tells the distributor's thread each time that a day begins, until `stopped` changes.
pub async fn announce_days(orders: Producer<Order>, mut stopped: watch::Receiver<bool>) {
    let mut today = Local::now().date_naive();
    loop {
        tokio::select! {
            () = tokio::time::sleep(until_tomorrow(today).min(LOOK)) => {}
            _ = stopped.changed() => return,
        }
        let date = Local::now().date_naive();
        // A clock that is set back does not begin a day again.
        if date > today {
            today = date;
            info!(%today, "a day begins");
            if orders.send(Order::NewDay).is_err() {
                info!("the figures of the day go on: the distributor's thread takes no orders");
            }
        }
    }
}

/// From now to the first moment of the day after `today` in local time, and a little more.
fn until_tomorrow(today: NaiveDate) -> Duration {
    let tomorrow = today.checked_add_days(Days::new(1)).unwrap_or(today).and_time(NaiveTime::MIN);
    // Where summer time begins at midnight the day has no 0:00; looking again in an hour finds it.
    let Some(midnight) = Local.from_local_datetime(&tomorrow).earliest() else { return LOOK };
    let left = midnight.signed_duration_since(Local::now()).to_std().unwrap_or_default();
    left + Duration::from_millis(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tomorrow_is_never_farther_than_a_long_day() {
        assert!(until_tomorrow(Local::now().date_naive()) <= Duration::from_secs(25 * 3_600 + 1));
    }

    #[test]
    fn a_day_that_is_over_is_over_at_once() {
        let yesterday = Local::now().date_naive() - Days::new(1);
        assert!(until_tomorrow(yesterday) <= Duration::from_secs(1));
    }
}
