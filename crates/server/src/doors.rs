//! Which queues are open, and whose customers are called back: their calendars, and what the distributor was told of them.
//!
//! The distributor has no clock of the day. [`Doors`] is the pure machine that has the calendars; its owner says
//! what the wall clock shows and which queues there are, and passes on each [`Door`].

use std::collections::BTreeMap;

use acd::QueueId;
use hours::{Calendar, Timetable, Turn, Utc};

/// Which queues keep which hours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hours {
    /// Calendars by name.
    pub calendars: BTreeMap<String, Calendar>,
    /// The calendar of each queue that has one. A queue that has none is always open.
    pub queues: BTreeMap<QueueId, String>,
    /// The calendar of the callbacks of each queue that has one. Those of others may be tried at any time.
    pub callbacks: BTreeMap<QueueId, String>,
}

/// What of a queue opens and closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Leads {
    /// The queue: who comes while it is closed leaves.
    Into,
    /// Its callbacks: while they are closed nobody is called.
    Back,
}

/// What the distributor is to be told of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Door {
    /// Which queue.
    pub queue: QueueId,
    /// What of it.
    pub leads: Leads,
    /// Open, or closed.
    pub open: bool,
}

/// The hours of a queue, as far as somebody looks at them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// The calendar.
    pub calendar: String,
    /// Open, or closed.
    pub open: bool,
    /// When that changes; `None`: not in sight.
    pub until: Option<Utc>,
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Doors {
    timetable: Timetable,
    hours: BTreeMap<(QueueId, Leads), String>,
    /// The queues that the distributor has, and how it believes they are.
    told: BTreeMap<(QueueId, Leads), bool>,
    /// Whether all queues must be compared with their calendars, because other hours are in force.
    is_stale: bool,
}

impl Doors {
    /// Of a distributor that has no queues yet.
    pub fn new(hours: Hours) -> Doors {
        let mut doors = Doors::default();
        doors.replace(hours);
        doors
    }

    /// Puts other hours in force, with the next [`Doors::look`].
    pub fn replace(&mut self, hours: Hours) {
        self.timetable.replace(hours.calendars);
        let into = hours.queues.into_iter().map(|(queue, calendar)| ((queue, Leads::Into), calendar));
        let back = hours.callbacks.into_iter().map(|(queue, calendar)| ((queue, Leads::Back), calendar));
        self.hours = into.chain(back).collect();
        self.is_stale = true;
    }

    /// Whether any queue has hours. Where none has, nobody needs to look.
    pub fn is_needed(&self) -> bool {
        self.is_stale || !self.hours.is_empty()
    }

    /// The distributor has this queue (still, or now): a queue that is new is open until it is told otherwise, and so
    /// are its callbacks.
    pub fn defined(&mut self, queue: QueueId) -> Vec<Door> {
        let both = [(queue, Leads::Into), (queue, Leads::Back)];
        for door in both {
            self.told.entry(door).or_insert(true);
        }
        both.into_iter().filter_map(|door| self.compare(door)).collect()
    }

    /// The distributor has it no more.
    pub fn removed(&mut self, queue: QueueId) {
        self.told.retain(|&(told, _), _| told != queue);
    }

    /// Looks at what the wall clock shows: calendars that have turned, and the doors that they open and close.
    pub fn look(&mut self, shown: Utc) -> (Vec<Turn>, Vec<Door>) {
        self.timetable.handle_time(shown);
        let turns: Vec<Turn> = std::iter::from_fn(|| self.timetable.poll_turn()).collect();
        if turns.is_empty() && !self.is_stale {
            return (turns, Vec::new());
        }
        self.is_stale = false;
        let told: Vec<(QueueId, Leads)> = self.told.keys().copied().collect();
        let doors = told.into_iter().filter_map(|door| self.compare(door)).collect();
        (turns, doors)
    }

    /// When a calendar turns next, by the wall clock.
    pub fn poll_timeout(&self) -> Option<Utc> {
        self.timetable.poll_timeout()
    }

    /// The hours of every queue that has some.
    pub fn openings(&self) -> BTreeMap<QueueId, Opening> {
        let opening = |(&(queue, leads), calendar): (&(QueueId, Leads), &String)| {
            if leads == Leads::Back {
                return None;
            }
            let Turn { calendar, open, until } = self.timetable.turn(calendar)?;
            Some((queue, Opening { calendar, open, until }))
        };
        self.hours.iter().filter_map(opening).collect()
    }

    /// What to tell of a queue that is not as its calendar says.
    fn compare(&mut self, door: (QueueId, Leads)) -> Option<Door> {
        let calendar = self.hours.get(&door).and_then(|calendar| self.timetable.turn(calendar));
        let open = calendar.is_none_or(|turn| turn.open);
        let told = self.told.get_mut(&door)?;
        let (queue, leads) = door;
        (std::mem::replace(told, open) != open).then_some(Door { queue, leads, open })
    }
}

#[cfg(test)]
mod tests {
    use hours::{Week, Zone};

    use super::*;

    const DAY: QueueId = QueueId(1);
    const NIGHT: QueueId = QueueId(2);
    const ALWAYS: QueueId = QueueId(3);

    fn calendar(week: &str) -> Calendar {
        Calendar::new(Zone::named("UTC").expect("known"), Week::parse(week).expect("good"), Vec::new())
    }

    fn hours() -> Hours {
        let name = str::to_owned;
        Hours {
            calendars: BTreeMap::from([
                (name("day"), calendar("daily 09:00-18:00")),
                (name("night"), calendar("daily 18:00-09:00")),
            ]),
            queues: BTreeMap::from([(DAY, name("day")), (NIGHT, name("night"))]),
            callbacks: BTreeMap::new(),
        }
    }

    /// An hour of the first of January 1970.
    fn at(hour: i64) -> Utc {
        Utc::from_seconds(hour * 3_600)
    }

    fn door(queue: QueueId, open: bool) -> Door {
        Door { queue, leads: Leads::Into, open }
    }

    #[test]
    fn a_queue_is_told_at_once_when_it_is_new_and_closed() {
        let mut doors = Doors::new(hours());
        let (turns, told) = doors.look(at(8));
        assert_eq!((turns.len(), told), (2, Vec::new()), "there are no queues yet");
        assert_eq!(doors.defined(DAY), [door(DAY, false)]);
        assert_eq!(doors.defined(DAY), [], "defined anew, it stays as it was");
        assert_eq!(doors.defined(NIGHT), []);
        assert_eq!(doors.defined(ALWAYS), []);
        assert_eq!(doors.poll_timeout(), Some(at(9)));
        assert_eq!(doors.look(at(9)).1, [door(DAY, true), door(NIGHT, false)]);
        assert_eq!(doors.look(at(10)), (Vec::new(), Vec::new()));
        doors.removed(NIGHT);
        assert_eq!(doors.look(at(18)).1, [door(DAY, false)]);
        assert_eq!(doors.defined(NIGHT), [], "it comes back when it is open");
    }

    #[test]
    fn callbacks_keep_hours_of_their_own() {
        let mut hours = hours();
        hours.callbacks = BTreeMap::from([(ALWAYS, "day".to_owned()), (NIGHT, "day".to_owned())]);
        let mut doors = Doors::new(hours);
        doors.look(at(8));
        let back = |queue, open| Door { queue, leads: Leads::Back, open };
        assert_eq!(doors.defined(ALWAYS), [back(ALWAYS, false)]);
        assert_eq!(doors.defined(NIGHT), [back(NIGHT, false)]);
        let turned = [door(NIGHT, false), back(NIGHT, true), back(ALWAYS, true)];
        assert_eq!(doors.look(at(9)).1, turned);
        assert!(!doors.openings().contains_key(&ALWAYS), "the queue itself is always open");
        doors.replace(Hours::default());
        assert_eq!(doors.look(at(20)).1, [door(NIGHT, true)]);
    }

    #[test]
    fn other_hours_act_at_once_also_where_only_the_name_is_another() {
        let mut doors = Doors::new(hours());
        doors.look(at(8));
        for queue in [DAY, NIGHT, ALWAYS] {
            doors.defined(queue);
        }
        let mut swapped = hours();
        swapped.queues = BTreeMap::from([(DAY, "night".to_owned()), (ALWAYS, "day".to_owned())]);
        doors.replace(swapped);
        assert_eq!(doors.look(at(8)), (Vec::new(), vec![door(DAY, true), door(ALWAYS, false)]));
        let opening = &doors.openings()[&ALWAYS];
        assert_eq!((opening.calendar.as_str(), opening.open, opening.until), ("day", false, Some(at(9))));
        doors.replace(Hours::default());
        assert!(doors.is_needed(), "somebody has to open what is closed");
        assert_eq!(doors.look(at(8)).1, [door(ALWAYS, true)]);
        assert!(!doors.is_needed() && doors.poll_timeout().is_none());
    }
}
