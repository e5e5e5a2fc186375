//! The machine: inputs, outputs and bookkeeping.

mod agents;
mod callbacks;
mod calls;
pub(crate) mod identity;
mod renewals;
mod returning;
mod routing;
mod shifts;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Bound;
use std::time::Duration;

pub use agents::NoPhone;

use acd::{AgentId, InteractionId, QueueId};
use b2bua::B2bua;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use timing::{Instant, TimerWheel};

use crate::interaction::Interaction;
use crate::memory::Memory;
use crate::refusals::Refusals;
use crate::{Directory, Notice, Ongoing, RefusalCount};
use renewals::Renewals;
use shifts::Shifts;

/// What an [`Engine`] is told at its start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Calls and media.
    pub calls: b2bua::Settings,
    /// SIP.
    pub sip: sip::Settings,
    /// Retry-After of our own 503.
    pub retry_after: Duration,
    /// After so long an agent who missed too many calls in a row is ready again, where the shift follows
    /// the phone: nobody has a page to say so. `None`: only when the phone registers anew.
    pub missed_pause: Option<Duration>,
    /// For so long an agent whose phone is gone is offered nothing but stays logged in, so that a phone that registers
    /// anew begins no shift anew.
    pub phone_grace: Duration,
    /// [`acd::Settings::handling_lease`] and [`acd::Settings::occupied_lease`] of the distributor: what goes on is
    /// renewed three times in that time. `None`: nothing is renewed.
    pub lease: Option<Duration>,
    /// Of so many callers at most something is remembered, of each kind: [`CallerRules`](crate::CallerRules).
    pub callers_max: usize,
}

/// Calls meet queues: see the [crate](crate).
///
/// One input, then drain [`Engine::poll_output`], then ask [`Engine::poll_timeout`] when to come back.
/// Plain data: written down and restored at any moment it has the same future.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Engine {
    settings: Settings,
    directory: Directory,
    b2bua: B2bua,
    /// An interaction has the number of the call that it came by.
    interactions: BTreeMap<InteractionId, Box<Interaction>>,
    /// Calls that we placed, until nothing of them is left, and for which interaction.
    placed: BTreeMap<b2bua::CallRef, InteractionId>,
    /// Accounts with at least one contact.
    registered: BTreeSet<String>,
    /// Who is logged in, and whose phone is there.
    shifts: Shifts,
    /// Agents whose own phones call, and how many calls there are of each.
    calling: BTreeMap<AgentId, u32>,
    draining: bool,
    timers: TimerWheel<InteractionId>,
    /// When leases are next renewed.
    renewals: Renewals,
    refusals: Refusals,
    /// Who served callers last.
    served: Memory<AgentId>,
    /// When callers arrived who gave up, until their place is lost.
    places: Memory<Instant>,
    outputs: VecDeque<Output>,
}

/// What an [`Engine`] wants done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Output {
    /// Send this message.
    Transmit(sip::Transmit),
    /// Ask the DNS; the answer goes to [`Engine::resolved`].
    Query(sip::Query),
    /// Close this stream.
    CloseConnection(sip::ConnectionId),
    /// Tell the distributor; its events come to [`Engine::handle_distributor`].
    Distributor(acd::Command),
    /// Tell the relay; its events come to [`Engine::handle_media`].
    Media(media::Command),
    /// Tell whoever logs and reports.
    Notice(Notice),
}

/// How much an [`Engine`] holds. When all calls are over everything but registrations and
/// what is remembered of callers is zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Interactions whose record is not written.
    pub interactions: usize,
    /// Calls that we placed and of which something is left.
    pub placed: usize,
    /// Deadlines of interactions.
    pub timers: usize,
    /// Callers whose last agent is remembered, by queue: these stay when all calls are over.
    pub served: usize,
    /// The same of those whose place is kept.
    pub places: usize,
    /// What the calls hold.
    pub calls: b2bua::Counts,
}

/// What passed since the start; never falls.
///
/// Every call that arrived is offered to the distributor or refused: `sip.calls()` is the interactions that
/// were ever enqueued and all of `refused` whose request is a call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// What the user agent counted.
    pub sip: sip::Totals,
    /// What was refused, by what and why; causes that never occurred are missing.
    pub refused: Vec<RefusalCount>,
}

impl Totals {
    /// Calls refused before they became an interaction.
    pub fn refused_calls(&self) -> u64 {
        let calls = self.refused.iter().filter(|one| one.request == sip::RequestKind::Call);
        calls.map(|one| one.count).sum()
    }
}

/// How it is built and told about the world.
impl Engine {
    /// An engine that knows nobody: [`Engine::reload`] tells it. `seed` must come from a good source of
    /// randomness.
    pub fn new(settings: Settings, seed: [u8; 32]) -> Engine {
        Engine {
            b2bua: B2bua::new(settings.calls.clone(), settings.sip.clone(), seed),
            settings,
            directory: Directory::default(),
            interactions: BTreeMap::new(),
            placed: BTreeMap::new(),
            registered: BTreeSet::new(),
            shifts: Shifts::new(),
            calling: BTreeMap::new(),
            draining: false,
            timers: TimerWheel::new(),
            renewals: Renewals::default(),
            refusals: Refusals::default(),
            served: Memory::new(),
            places: Memory::new(),
            outputs: VecDeque::new(),
        }
    }

    /// A new directory, at the start and after every change of the configuration. `commands` are the
    /// changes of queues, agents and what all of them share; they reach the distributor before any log-in that follows from
    /// them.
    pub fn reload(&mut self, now: Instant, mut directory: Directory, commands: Vec<acd::Command>) {
        self.shifts.keep(&directory.agents);
        // Who waits for agents by name goes by the exit that was said when the call came.
        for (exit, way) in std::mem::take(&mut self.directory.exits) {
            directory.exits.entry(exit).or_insert(way);
        }
        self.directory = directory;
        self.forget_without_rules();
        self.outputs.extend(commands.into_iter().map(Output::Distributor));
        self.follow_phones(now);
        self.settle(now);
    }

    /// New settings of SIP, media and leases; calls in progress go on. Before the [`Engine::reload`] whose commands tell the
    /// distributor of another lease.
    pub fn configure(&mut self, now: Instant, settings: Settings) {
        self.b2bua.configure(now, settings.calls.clone(), settings.sip.clone());
        self.follow_lease(settings.lease);
        self.settings = settings;
        self.settle(now);
    }

    /// Adds an account (a phone that may register) or changes its secret.
    pub fn set_account(&mut self, user: &str, secret: sip::digest::Secret) {
        self.b2bua.set_account(user, secret);
    }

    /// Takes an account and its contacts away; its calls go on.
    pub fn remove_account(&mut self, now: Instant, user: &str) {
        self.b2bua.remove_account(now, user);
        self.settle(now);
    }

    /// No new calls from now on (503 with Retry-After); those that are here go on. Customers who are to be called back
    /// are not called any more, unless that has begun: their places end with the process.
    pub fn drain(&mut self) {
        self.draining = true;
        self.cancel_callbacks();
    }

    /// Ends every call; callers who wait are refused or released.
    pub fn hang_up_all(&mut self, now: Instant) {
        self.end_callbacks(now);
        let calls: Vec<b2bua::CallRef> = self.interactions.values().map(|one| one.call).collect();
        for call in calls {
            // A call that is over already has nothing left to end.
            let _: Result<(), b2bua::NotPossible> = self.b2bua.hang_up(now, call, 503);
        }
        self.settle(now);
    }

    /// Who is called by which number, as told last.
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// One interaction as it is now; `None` where it is over, or never was.
    pub fn interaction(&self, interaction: InteractionId) -> Option<Ongoing> {
        self.interactions.get(&interaction).map(|one| one.ongoing(one.story.clone()))
    }

    /// Who calls, and the number dialled; `None` where it is over, or never was.
    pub fn caller(&self, interaction: InteractionId) -> Option<(String, String)> {
        let story = &self.interactions.get(&interaction)?.story;
        Some((story.caller.clone(), story.called.clone()))
    }

    /// Interactions as they are now, oldest first: at most `most` of those after `after` that are in `queue`
    /// (with others or alone, or came from it) and with `agent`, where these are given; without their attributes.
    /// Walks over those passed by.
    pub fn interactions(
        &self,
        after: Option<InteractionId>,
        most: usize,
        queue: Option<QueueId>,
        agent: Option<AgentId>,
    ) -> Vec<Ongoing> {
        let first = after.map_or(Bound::Unbounded, Bound::Excluded);
        let behind = self.interactions.range((first, Bound::Unbounded)).map(|(_, one)| one.as_ref());
        let wanted = |one: &&Interaction| {
            queue.is_none_or(|queue| one.is_in(queue)) && agent.is_none_or(|agent| one.is_with(agent))
        };
        behind.filter(wanted).take(most).map(|one| one.ongoing(one.story.in_brief())).collect()
    }

    /// What passed since the start.
    pub fn totals(&self) -> Totals {
        Totals { sip: self.b2bua.totals(), refused: self.refusals.counts().to_vec() }
    }

    /// Calls and interactions that are not over.
    pub fn in_progress(&self) -> usize {
        self.interactions.len().max(self.b2bua.calls())
    }

    /// What it holds; walks over every call.
    pub fn counts(&self) -> Counts {
        Counts {
            interactions: self.interactions.len(),
            placed: self.placed.len(),
            timers: self.timers.len(),
            served: self.served.len(),
            places: self.places.len(),
            calls: self.b2bua.counts(),
        }
    }
}

/// Inputs.
impl Engine {
    /// A UDP datagram arrived.
    pub fn handle_datagram(&mut self, now: Instant, flow: sip::Flow, datagram: Bytes) {
        self.b2bua.handle_datagram(now, flow, datagram);
        self.settle(now);
    }

    /// A stream was opened.
    pub fn connection_opened(&mut self, now: Instant, flow: sip::Flow) {
        self.b2bua.connection_opened(now, flow);
        self.settle(now);
    }

    /// Octets arrived on a stream.
    pub fn handle_stream(&mut self, now: Instant, connection: sip::ConnectionId, octets: &[u8]) {
        self.b2bua.handle_stream(now, connection, octets);
        self.settle(now);
    }

    /// A stream is closed.
    pub fn connection_closed(&mut self, now: Instant, connection: sip::ConnectionId) {
        self.b2bua.connection_closed(now, connection);
        self.settle(now);
    }

    /// A transmit could not be sent.
    pub fn transmit_failed(&mut self, now: Instant, flow: sip::Flow) {
        self.b2bua.transmit_failed(now, flow);
        self.settle(now);
    }

    /// The DNS answered.
    pub fn resolved(
        &mut self,
        now: Instant,
        query: sip::QueryId,
        answer: Result<sip::locate::Records, sip::locate::ResolverFailed>,
    ) {
        self.b2bua.resolved(now, query, answer);
        self.settle(now);
    }

    /// The distributor decided.
    pub fn handle_distributor(&mut self, now: Instant, event: acd::Event) {
        self.decided(now, event);
        self.settle(now);
    }

    /// The relay says something.
    pub fn handle_media(&mut self, now: Instant, event: media::Event) {
        self.b2bua.handle_media(now, event);
        self.settle(now);
    }

    /// Deadlines up to `now` are due.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.b2bua.handle_timeout(now);
        self.settle(now);
        while let Some(further) = self.refusals.poll(now) {
            self.notice(Notice::RefusedFurther(further));
        }
        self.follow_shifts(now);
        self.renew_leases(now);
        self.forget_callers(now);
        while let Some(interaction) = self.timers.poll(now) {
            if let Some(state) = self.interactions.get_mut(&interaction) {
                state.untreated = None;
                self.treat(now, interaction);
            }
            self.settle(now);
        }
    }
}

/// Outputs.
impl Engine {
    /// The next thing to do. Call until `None`.
    pub fn poll_output(&mut self) -> Option<Output> {
        let calls = &mut self.b2bua;
        self.outputs
            .pop_front()
            .or_else(|| calls.poll_transmit().map(Output::Transmit))
            .or_else(|| calls.poll_media().map(Output::Media))
            .or_else(|| calls.poll_query().map(Output::Query))
            .or_else(|| calls.poll_close().map(Output::CloseConnection))
    }

    /// Whether [`Engine::poll_watched`] shall say what streams bring.
    pub fn watch_streams(&mut self, is_watched: bool) {
        self.b2bua.watch_streams(is_watched);
    }

    /// A whole message that came over a stream: see [`sip::UserAgent::poll_watched`].
    pub fn poll_watched(&mut self) -> Option<(sip::Flow, Bytes)> {
        self.b2bua.poll_watched()
    }

    /// When [`Engine::handle_timeout`] wants to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let own = [self.timers.next_deadline(), self.shifts.next_deadline(), self.refusals.next_deadline()];
        let own = own.into_iter().chain([self.renewals.due(), self.next_forgotten()]);
        own.flatten().chain(self.b2bua.poll_timeout()).min()
    }

    fn command(&mut self, command: acd::Command) {
        self.outputs.push_back(Output::Distributor(command));
    }

    fn notice(&mut self, notice: Notice) {
        self.outputs.push_back(Output::Notice(notice));
    }

    /// Takes all events of the calls. Every input ends here.
    fn settle(&mut self, now: Instant) {
        while let Some(event) = self.b2bua.poll_event() {
            self.happened(now, event);
        }
        self.plan_renewal(now);
    }
}
