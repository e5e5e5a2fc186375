//! `--watch`: how closely the distributor is watched while days are played.

use std::num::NonZeroU32;
use std::str::FromStr;

use whatif::Watch;

/// What is checked, and how often.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Watching {
    /// At the end of each day, that every caller is somewhere, once, by our count and by the distributor's.
    #[default]
    End,
    /// Also, after every step, what must hold over time. Half as fast.
    OverTime,
    /// Also, at every so many steps, each choice against all that could have been chosen, and what must hold in every state.
    /// At every one it is slow.
    Every(NonZeroU32),
}

impl Watching {
    /// In the simulator's words.
    pub(crate) fn watch(self) -> Watch {
        match self {
            Watching::End => Watch::End,
            Watching::OverTime => Watch::Steps,
            Watching::Every(NonZeroU32::MIN) => Watch::EveryEvent,
            Watching::Every(steps) => Watch::EveryNth(steps),
        }
    }
}

impl FromStr for Watching {
    type Err = String;

    fn from_str(text: &str) -> Result<Watching, String> {
        match text {
            "end" => Ok(Watching::End),
            "over-time" => Ok(Watching::OverTime),
            "every" => Ok(Watching::Every(NonZeroU32::MIN)),
            number => number.parse().map(Watching::Every).map_err(|_| {
                "write end, over-time, every, or a number of steps from 1 on, such as 1000".to_owned()
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_says_how_closely() {
        let read = |text: &str| text.parse().map(Watching::watch);
        assert_eq!((read("end"), read("over-time")), (Ok(Watch::End), Ok(Watch::Steps)));
        assert_eq!((read("every"), read("1")), (Ok(Watch::EveryEvent), Ok(Watch::EveryEvent)));
        assert_eq!(read("1000"), Ok(Watch::EveryNth(NonZeroU32::new(1_000).expect("a thousand"))));
        for wrong in ["0", "-1", "always", ""] {
            assert!(read(wrong).is_err_and(|why| why.contains("every")), "{wrong}");
        }
    }
}
