//! What readers see: a plain value, published now and then, so that wallboards and metrics never touch the
//! distributor.

use std::ops::AddAssign;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use timing::Instant;

use crate::estimate::{Accuracy, Estimate, NoEstimate};
use crate::{
    Activity, AgentId, Capacity, Channel, Channels, Forced, InteractionId, Presence, QueueId, RejectCause,
    ReservationEnd, Works,
};

/// The state of everything at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// When.
    pub at: Instant,
    /// Every queue, by id.
    pub queues: Vec<QueueSnapshot>,
    /// Every agent, by id.
    pub agents: Vec<AgentSnapshot>,
    /// Interactions here over all queues: waiting, reserved or in conversation.
    pub interactions: u32,
    /// Counters over all queues, removed ones included. A move between queues counts in both, and so does who waits in
    /// both.
    pub totals: Counters,
}

/// One queue at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueSnapshot {
    /// Which.
    pub queue: QueueId,
    /// Whether it is open.
    pub open: bool,
    /// Interactions that wait and for whom nobody is rung, callbacks in line included. One that waits in several queues
    /// is counted in each.
    pub waiting: u32,
    /// Of the waiting: callbacks whose customers are not on the line.
    pub callbacks_waiting: u32,
    /// Callbacks that rest: in no line, and not among the waiting.
    pub callbacks_resting: u32,
    /// Whether callbacks may be tried.
    pub callback_window: bool,
    /// Interactions for whom an agent is rung.
    pub reserved: u32,
    /// Interactions for whom an agent is rung by another of their queues; they stand in this one, too.
    pub elsewhere: u32,
    /// Interactions in conversation.
    pub handling: u32,
    /// The longest wait in this queue of those waiting on the line, callbacks left out; zero where nobody waits.
    pub longest_wait: Duration,
    /// How many of [`crate::QueueSettings::reserves`] are open.
    pub reserves_open: u8,
    /// Agents who could serve some step of the queue's own requirement, by what they do.
    pub agents: AgentCounts,
    /// Since the queue was defined.
    pub counters: Counters,
    /// How long somebody without priority would wait who entered now, or why that is not known.
    pub estimate: Result<Estimate, NoEstimate>,
    /// How far off such estimates were of late.
    pub accuracy: Accuracy,
}

/// Agents by presence and activity; each is counted once. A conversation, after-call work and being occupied
/// come before presence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentCounts {
    /// Ready and idle.
    pub available: u32,
    /// Being rung.
    pub reserved: u32,
    /// In conversation (a log-out may wait for its end).
    pub handling: u32,
    /// Wrapping up.
    pub after_call_work: u32,
    /// Ready, and left alone after a failed reservation.
    pub backing_off: u32,
    /// Busy with something that is not the distributor's.
    pub occupied: u32,
    /// Ready and without work, but cannot be rung.
    pub unreachable: u32,
    /// Not ready and without work.
    pub not_ready: u32,
    /// Logged out.
    pub logged_out: u32,
}

impl AgentCounts {
    /// All who are logged in or still in conversation.
    pub fn here(&self) -> u32 {
        self.available
            + self.reserved
            + self.handling
            + self.after_call_work
            + self.backing_off
            + self.occupied
            + self.unreachable
            + self.not_ready
    }

    pub(crate) fn add(&mut self, presence: Presence, activity: Activity) {
        let count = match (activity, presence) {
            (Activity::Reserved { .. }, _) => &mut self.reserved,
            (Activity::Handling { .. }, _) => &mut self.handling,
            (Activity::AfterCallWork { .. }, _) => &mut self.after_call_work,
            (
                Activity::Idle { .. }
                | Activity::BackingOff { .. }
                | Activity::Occupied { .. }
                | Activity::Unreachable { .. },
                Presence::LoggedOut,
            ) => &mut self.logged_out,
            (Activity::Occupied { .. }, Presence::NotReady(_) | Presence::Ready) => &mut self.occupied,
            (
                Activity::Idle { .. } | Activity::BackingOff { .. } | Activity::Unreachable { .. },
                Presence::NotReady(_),
            ) => &mut self.not_ready,
            (Activity::Unreachable { .. }, Presence::Ready) => &mut self.unreachable,
            (Activity::Idle { .. }, Presence::Ready) => &mut self.available,
            (Activity::BackingOff { .. }, Presence::Ready) => &mut self.backing_off,
        };
        *count += 1;
    }
}

impl AddAssign for AgentCounts {
    fn add_assign(&mut self, other: AgentCounts) {
        let AgentCounts {
            available,
            reserved,
            handling,
            after_call_work,
            backing_off,
            occupied,
            unreachable,
            not_ready,
            logged_out,
        } = other;
        self.available += available;
        self.reserved += reserved;
        self.handling += handling;
        self.after_call_work += after_call_work;
        self.backing_off += backing_off;
        self.occupied += occupied;
        self.unreachable += unreachable;
        self.not_ready += not_ready;
        self.logged_out += logged_out;
    }
}

/// What became of the interactions of a queue. At every moment
/// `offered = answered + abandoned + overflowed + dequeued + called_back + callbacks_ended + waiting + resting + reserved +
/// elsewhere`, and `reservations = answered + called_back + missed + declined + no_resources + withdrawn + cancelled + taken
/// + calls_failed + those held`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Counters {
    /// Entered the queue, or came back to it.
    pub offered: u64,
    /// A conversation began.
    pub answered: u64,
    /// The customer gave up.
    pub abandoned: u64,
    /// Left without an agent, to another queue or out.
    pub overflowed: u64,
    /// Of the overflowed: into another queue, where they are `flowed_in`. Not who stood there already.
    pub flowed_out: u64,
    /// Of the overflowed: out of the distributor, for good. The rest of them stood in another queue, too, and stands there still.
    pub left: u64,
    /// Of the offered: from another queue. Over all queues as many as `flowed_out`.
    pub flowed_in: u64,
    /// Left because of what became of them in another of their queues.
    pub dequeued: u64,
    /// Customers who asked to be called back. Each is one of `called_back`, `callbacks_ended` or `abandoned` in the end, of
    /// this queue or of the one that the callback was moved to.
    pub callbacks_taken: u64,
    /// A conversation began with a customer who was called back.
    pub called_back: u64,
    /// Callbacks that ended without a conversation: cancelled, given up, expired.
    pub callbacks_ended: u64,
    /// Attempts to reach the customer of a callback that failed; each ends a reservation.
    pub calls_failed: u64,
    /// Conversations that ended.
    pub finished: u64,
    /// Of the finished: the agent was gone at once and the interaction is offered anew.
    pub returned: u64,
    /// Of the finished: nobody renewed the lease.
    pub expired: u64,
    /// Reservations made. Each is still held, was accepted (`answered` and `called_back` count these), or is one of the
    /// seven below.
    pub reservations: u64,
    /// Reservations that the agent did not answer: the phone rang out, the time was over, or it could not be reached.
    pub missed: u64,
    /// Reservations to which the agent or the phone said no: declined, or busy.
    pub declined: u64,
    /// Reservations for which the phone could not be rung for want of means of ours.
    pub no_resources: u64,
    /// Reservations that ended because the agent was gone: logged out, removed, or out of reach.
    pub withdrawn: u64,
    /// Reservations that ended because the customer was gone, hung up to be called back, or the queue was removed.
    pub cancelled: u64,
    /// Reservations that ended because another agent who was rung as well accepted first.
    pub taken: u64,
}

impl Counters {
    /// Another reservation is over.
    pub(crate) fn count_reservation_end(&mut self, cause: ReservationEnd) {
        match cause {
            // What follows is counted: an answer, or that the customer was called back.
            ReservationEnd::Accepted => {}
            ReservationEnd::Expired
            | ReservationEnd::Rejected(RejectCause::NoAnswer | RejectCause::Unreachable) => self.missed += 1,
            ReservationEnd::Rejected(RejectCause::Busy | RejectCause::Rejected) => self.declined += 1,
            ReservationEnd::Rejected(RejectCause::NoResources) => self.no_resources += 1,
            ReservationEnd::Withdrawn => self.withdrawn += 1,
            ReservationEnd::Cancelled => self.cancelled += 1,
            ReservationEnd::TakenByAnother => self.taken += 1,
            ReservationEnd::CallFailed(_) | ReservationEnd::CallExpired => self.calls_failed += 1,
        }
    }

    /// Reservations that are over.
    pub fn reservations_ended(&self) -> u64 {
        let refused = self.missed + self.declined + self.no_resources + self.calls_failed;
        let in_vain = refused + self.withdrawn + self.cancelled + self.taken;
        self.answered + self.called_back + in_vain
    }
}

/// One agent at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentSnapshot {
    /// Who.
    pub agent: AgentId,
    /// What the agent wants.
    pub presence: Presence,
    /// Since when.
    pub presence_since: Instant,
    /// Forced by a supervisor: what, by whom and why.
    pub forced: Option<Forced>,
    /// What the system does with the agent: [`crate::state::AgentState::activity`].
    pub activity: Activity,
    /// All that is in hand.
    pub works: Works,
    /// How much of each channel the agent takes at once.
    pub capacity: Capacity,
    /// The channels of which the agent could be offered something at this moment.
    pub open: Channels,
    /// Interactions answered since log-in.
    pub handled: u32,
    /// [`crate::state::AgentState::occupancy`].
    pub occupancy: u32,
}

impl AgentSnapshot {
    /// How many of a channel are in hand: rung for, in conversation, or being wrapped up.
    pub fn used(&self, channel: Channel) -> u8 {
        let of_it = self.works.iter().filter(|work| work.channel == channel).count();
        u8::try_from(of_it).unwrap_or(u8::MAX)
    }

    /// How many more of a channel the agent could be offered at this moment.
    pub fn free(&self, channel: Channel) -> u8 {
        if self.open.contains(channel) {
            self.capacity.of(channel).saturating_sub(self.used(channel))
        } else {
            0
        }
    }
}

/// One interaction that waits, as [`crate::Distributor::first_in_line`] shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// Which.
    pub interaction: InteractionId,
    /// Its points.
    pub priority: i32,
    /// Its step in the queue.
    pub step: u8,
    /// When the customer's wait began.
    pub arrived: Instant,
    /// When it entered this queue.
    pub entered: Instant,
    /// A callback: the customer is not on the line.
    pub is_callback: bool,
    /// Reservations in this queue that came to nothing.
    pub attempts: u32,
}
