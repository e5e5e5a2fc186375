//! Every feature in words, under virtual time. After every command all invariants are checked, those over time included.

mod agents;
mod allocation;
mod callbacks;
mod changes;
mod channels;
mod configuration;
mod estimates;
mod exits;
mod hours;
mod leases;
mod lots;
mod order;
mod overflows;
mod own_steps;
mod reach;
mod reservations;
mod reserves;
mod returns;
mod ringing;
mod selection;
mod several;
mod shared;
mod strategies;
mod supervisors;
mod wanted;
mod wrap_up;

use std::time::Duration;

use acd::state::{Stage, State};
use acd::watch::{Input, Journal, Step as WatchStep, Watch};
use acd::{
    Activity, AgentId, AgentSettings, Change, Command, Distributor, Event, Exit, ExitId, InteractionId,
    Presence, QueueId, QueueSettings, ReasonCode, Refusal, RejectCause, Request, Requirement, ReservationId,
    Settings, SkillId, Step, StepEffect, invariants,
};
use timing::Instant;

const BILLING: SkillId = SkillId(1);
const ENGLISH: SkillId = SkillId(2);

/// A contact centre with one clock.
struct World {
    acd: Distributor,
    now: Instant,
    /// Events since the last look.
    events: Vec<Event>,
    watch: Watch,
    journal: Journal,
}

impl Drop for World {
    /// I13 at the end of every story.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.journal.check(self.acd.state_hash()).expect("the same commands give the same state");
        }
    }
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn step(after: u64, requirement: Requirement, effect: StepEffect) -> Step {
    Step { after: seconds(after), requirement, effect }
}

impl World {
    fn new() -> World {
        World::with(Settings::default())
    }

    fn with(settings: Settings) -> World {
        World {
            watch: Watch::new(settings.clone()),
            journal: Journal::new(settings.clone()),
            acd: Distributor::new(settings),
            now: Instant::from_secs(1_000),
            events: Vec::new(),
        }
    }

    /// A world with queue 1 by default settings.
    fn with_queue() -> World {
        let mut world = World::new();
        world.queue(1, |_| {});
        world
    }

    fn try_to(&mut self, command: Command) -> Result<(), Refusal> {
        let before = self.acd.state();
        let result = self.acd.handle_command(self.now, command.clone());
        self.look(&before, Input::from((&command, result)));
        self.journal.command(self.now, command);
        result
    }

    fn tell(&mut self, command: Command) {
        self.try_to(command).expect("the command is right in this story");
    }

    /// Tells a command to those who hear of everything through events.
    fn apply(&mut self, command: Command) {
        let before = self.acd.state();
        self.acd.apply(self.now, command.clone());
        let events: Vec<Event> = std::iter::from_fn(|| self.acd.poll_event()).collect();
        let input = Input::applied(&command, &events);
        self.hear(&before, input, events);
        self.journal.command(self.now, command);
    }

    fn look(&mut self, before: &State, input: Input<'_>) {
        let events = std::iter::from_fn(|| self.acd.poll_event()).collect();
        self.hear(before, input, events);
    }

    fn hear(&mut self, before: &State, input: Input<'_>, events: Vec<Event>) {
        invariants::check(&self.acd).expect("the invariants hold");
        let step = WatchStep { now: self.now, input, events: &events, wakes: self.acd.poll_timeout() };
        self.watch.step_between(before, &step, &self.acd.state()).expect("the invariants over time hold");
        self.watch.agree(&self.acd.snapshot(self.now)).expect("the snapshot counts what the events told");
        self.events.extend(events);
    }

    /// Lets time pass, stopping at every deadline as the shell does.
    fn wait(&mut self, duration: Duration) {
        let end = self.now + duration;
        while let Some(deadline) = self.acd.poll_timeout().filter(|&deadline| deadline <= end) {
            self.now = self.now.max(deadline);
            let before = self.acd.state();
            self.journal.timeout(self.now);
            self.acd.handle_timeout(self.now);
            self.look(&before, Input::Timeout);
        }
        self.now = end;
    }

    fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    fn queue(&mut self, id: u32, change: impl FnOnce(&mut QueueSettings)) {
        let mut settings = QueueSettings::default();
        change(&mut settings);
        self.tell(Command::DefineQueue { queue: QueueId(id), settings: Box::new(settings) });
    }

    /// An agent who is logged in and ready.
    fn agent(&mut self, id: u32, skills: &[(SkillId, u8)]) {
        self.define_agent(id, skills, |_| {});
        self.log_in(id);
    }

    fn define_agent(&mut self, id: u32, skills: &[(SkillId, u8)], change: impl FnOnce(&mut AgentSettings)) {
        let mut settings =
            AgentSettings { skills: skills.iter().copied().collect(), ..AgentSettings::default() };
        change(&mut settings);
        self.tell(Command::DefineAgent { agent: AgentId(id), settings: Box::new(settings) });
    }

    fn log_in(&mut self, id: u32) {
        self.tell(Command::LogIn { agent: AgentId(id), not_ready: None });
    }

    fn log_out(&mut self, id: u32) {
        self.tell(Command::LogOut { agent: AgentId(id) });
    }

    fn ready(&mut self, id: u32) {
        self.tell(Command::SetReady { agent: AgentId(id) });
    }

    fn not_ready(&mut self, id: u32, reason: u32) {
        self.tell(Command::SetNotReady { agent: AgentId(id), reason: ReasonCode(reason) });
    }

    fn call(&mut self, id: u64, queue: u32) {
        self.call_with(id, queue, 0, None);
    }

    fn call_with(&mut self, id: u64, queue: u32, priority: i32, requirement: Option<Requirement>) {
        let request = Request { priority, requirement, ..Request::new(QueueId(queue)) };
        self.tell(Command::Enqueue { interaction: InteractionId(id), request });
    }

    /// Somebody changes a call that waits.
    fn change(&mut self, id: u64, change: Change) {
        self.tell(Command::Change { interaction: InteractionId(id), change, by: None });
    }

    fn hang_up(&mut self, id: u64) {
        self.tell(Command::Cancel { interaction: InteractionId(id) });
    }

    /// Whom the system rings for this agent.
    fn rings(&self, agent: u32) -> Option<u64> {
        let state = self.acd.state();
        let held = state.reservations.values().find(|reservation| reservation.agent == AgentId(agent));
        held.map(|reservation| reservation.interaction.0)
    }

    fn reservation_of(&self, agent: u32) -> ReservationId {
        let state = self.acd.state();
        let mut works = state.agents[&AgentId(agent)].works.iter();
        works.find_map(acd::Work::reservation).expect("something rings")
    }

    fn accept(&mut self, agent: u32) {
        let reservation = self.reservation_of(agent);
        self.tell(Command::Accept { reservation });
    }

    fn reject(&mut self, agent: u32, cause: RejectCause) {
        let reservation = self.reservation_of(agent);
        self.tell(Command::Reject { reservation, cause });
    }

    fn finish(&mut self, id: u64) {
        self.tell(Command::Finish { interaction: InteractionId(id) });
    }

    /// The agent who took it is gone, and the caller is not.
    fn give_back(&mut self, id: u64) {
        self.tell(Command::Return { interaction: InteractionId(id) });
    }

    /// The agent takes what rings and talks that long.
    fn talk(&mut self, agent: u32, duration: Duration) {
        let interaction = self.rings(agent).expect("something rings");
        self.accept(agent);
        self.wait(duration);
        self.finish(interaction);
    }

    fn activity(&self, agent: u32) -> Activity {
        self.acd.state().agents[&AgentId(agent)].activity()
    }

    fn presence(&self, agent: u32) -> Presence {
        self.acd.state().agents[&AgentId(agent)].presence
    }

    fn occupancy(&self, agent: u32) -> u32 {
        self.acd.agent_snapshot(AgentId(agent)).expect("the agent is defined").occupancy
    }

    fn is_available(&self, agent: u32) -> bool {
        let state = self.acd.state();
        !state.agents[&AgentId(agent)].open(&state.settings.interruptions).is_empty()
    }

    fn waits_in(&self, id: u64) -> Option<u32> {
        let state = self.acd.state();
        let interaction = state.interactions.get(&InteractionId(id))?;
        (interaction.stage == Stage::Waiting).then_some(interaction.first().queue.0)
    }

    fn step_of(&self, id: u64) -> u8 {
        self.acd.state().interactions[&InteractionId(id)].first().step
    }

    /// Who left by an exit out of the distributor, and which.
    fn left(&mut self) -> Vec<(u64, u32)> {
        let left = |event: &Event| match event {
            Event::Overflowed { interaction, exit: Exit::Leave(ExitId(exit)), .. } => {
                Some((interaction.0, *exit))
            }
            _ => None,
        };
        self.take_events().iter().filter_map(left).collect()
    }
}
