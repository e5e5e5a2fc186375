//! One day, from the first customer to the last.

mod book;
mod customer;
mod error;
mod returning;
mod several;
mod staff;
mod watched;

use std::collections::{BTreeMap, VecDeque};
use std::num::NonZeroU32;
use std::ops::Range;
use std::time::Duration;

use acd::{Command, Distributor, Event, InteractionId, QueueId, Refusal, Wanted};
use timing::Instant;

use crate::agenda::{Action, Agenda};
use crate::arrivals::ArrivalProcess;
use crate::day::Day;
use crate::draws::{Draws, Purpose};
use crate::model::{Busyness, CustomerType, Ending, Model};

use book::Book;
use customer::Customer;
use returning::Known;
use several::Beside;
use staff::Staff;

pub use error::RunError;

/// How closely a run is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watch {
    /// At the end every customer must be somewhere, once, by our count and by the distributor's.
    End,
    /// After every step what must hold over time holds as far as events tell it as well: who came first is served
    /// first, deadlines are kept, nothing is lost ([`acd::watch::Watch::step`]). Half as fast.
    Steps,
    /// After every step all of [`acd::watch::Watch::step_between`] (each choice against all that could have been
    /// chosen) and of [`acd::invariants::check`] must hold as well. Slow: for tests.
    EveryEvent,
    /// [`Watch::Steps`], and at every so many steps what [`Watch::EveryEvent`] looks at at each.
    EveryNth(NonZeroU32),
}

impl Watch {
    /// Whether what must hold over time is followed.
    fn follows(self) -> bool {
        match self {
            Watch::End => false,
            Watch::Steps | Watch::EveryEvent | Watch::EveryNth(_) => true,
        }
    }

    /// Whether a step, counted from 1, is looked at closely.
    fn is_close(self, step: u64) -> bool {
        match self {
            Watch::End | Watch::Steps => false,
            Watch::EveryEvent => true,
            Watch::EveryNth(few) => step.is_multiple_of(few.get().into()),
        }
    }
}

/// Plays one day. The same arguments give the same bytes; customer n of a type is the same customer (arrival,
/// patience, handling time) for every model with this seed, whatever else is in the model, as long as the
/// distributions are the same.
///
/// # Errors
///
/// A model that cannot be played, a bound of the model that is too low, or (which would be our fault) a broken
/// invariant: see [`RunError`].
pub fn run(model: &Model, seed: u64, replication: u32, watch: Watch) -> Result<Day, RunError> {
    model.check()?;
    let mut run = Run::new(model, seed, replication, watch)?;
    run.play()?;
    run.close()
}

/// Plays several days, one after the other.
///
/// # Errors
///
/// As [`run`].
pub fn replicate(
    model: &Model,
    seed: u64,
    replications: Range<u32>,
    watch: Watch,
) -> Result<Vec<Day>, RunError> {
    replications.map(|replication| run(model, seed, replication, watch)).collect()
}

/// A day that is being played.
struct Run<'a> {
    model: &'a Model,
    seed: u64,
    replication: u32,
    watch: Watch,
    now: Instant,
    distributor: Distributor,
    /// What the distributor said while it was watched, not yet followed.
    heard: VecDeque<Event>,
    over_time: Option<acd::watch::Watch>,
    /// The first invariant that was broken.
    breach: Option<RunError>,
    agenda: Agenda,
    book: Book,
    staff: Staff,
    /// One for each type.
    arrivals: Vec<Arriving>,
    queue_index: BTreeMap<QueueId, u32>,
    customers: Vec<Customer>,
    /// Of those who stand in several queues, all but the one that the customer names.
    beside: BTreeMap<InteractionId, Vec<Beside>>,
    free: Vec<u32>,
    /// What is known of customers who may come again, by slot, where a queue has rules about them.
    known: BTreeMap<u32, Known>,
    /// Tries made, all types together.
    tries_made: u64,
    /// Steps watched.
    steps: u64,
    events: u64,
    commands: u64,
}

/// Where the arrivals of one type have come to.
struct Arriving {
    process: ArrivalProcess,
    busyness: f64,
    /// The number of the next customer.
    next: u32,
    /// Where they enter, by its place in the model.
    entry: u32,
    /// Whom they want by name.
    wanted: Option<Wanted>,
}

impl<'a> Run<'a> {
    fn new(model: &'a Model, seed: u64, replication: u32, watch: Watch) -> Result<Run<'a>, RunError> {
        let busyness = |customer_type: u32| match model.busyness {
            Busyness::Same => 1.0,
            Busyness::Common { shape } => factor(shape, seed, replication, 0),
            Busyness::PerType { shape } => factor(shape, seed, replication, customer_type),
        };
        let staff = Staff::new(model);
        let queue_index: BTreeMap<QueueId, u32> =
            model.queues.iter().map(|queue| queue.id).zip(0..).collect();
        let arriving = |(customers, customer_type): (&CustomerType, u32)| Arriving {
            process: ArrivalProcess::new(),
            busyness: busyness(customer_type),
            next: 0,
            entry: queue_index[&customers.queue],
            wanted: customers.wanted.as_ref().map(|wish| staff.wanted(wish)),
        };
        let arrivals = model.customers.iter().zip(0..).map(arriving).collect();
        // Nothing is lost on the way to this distributor, so nothing has to be renewed; and each day draws lots of its own.
        let distributor = acd::Settings {
            seed: model.distributor.seed.wrapping_add(seed).wrapping_add(replication.into()),
            handling_lease: None,
            occupied_lease: None,
            log_in_lease: None,
            ..model.distributor.clone()
        };
        let mut run = Run {
            model,
            seed,
            replication,
            watch,
            now: Instant::ORIGIN,
            distributor: Distributor::new(distributor.clone()),
            heard: VecDeque::new(),
            over_time: watch.follows().then(|| acd::watch::Watch::new(distributor)),
            breach: None,
            agenda: Agenda::default(),
            book: Book::new(model, &staff),
            staff,
            arrivals,
            queue_index,
            customers: Vec::new(),
            beside: BTreeMap::new(),
            free: Vec::new(),
            known: BTreeMap::new(),
            tries_made: 0,
            steps: 0,
            events: 0,
            commands: 0,
        };
        run.define()?;
        Ok(run)
    }

    fn define(&mut self) -> Result<(), RunError> {
        for queue in &self.model.queues {
            let settings = Box::new(queue.settings.clone());
            let defined = self.command(Command::DefineQueue { queue: queue.id, settings });
            defined.map_err(|refusal| RunError::Settings { name: queue.name.clone(), refusal })?;
        }
        self.plan_openings()?;
        self.define_agents()?;
        while self.poll_event().is_some() {}
        self.agenda.enter(self.book.next_turn(self.now), Action::Turn);
        self.plan_staff();
        for customer_type in 0..self.arrivals.len() {
            self.plan_arrival(u32::try_from(customer_type).expect("the model was checked"));
        }
        Ok(())
    }

    /// Before anybody comes, so that who comes at the very moment of a change comes after it.
    fn plan_openings(&mut self) -> Result<(), RunError> {
        let model = self.model;
        for (queue, place) in model.queues.iter().zip(0..) {
            for opening in &queue.openings {
                if opening.at.is_zero() {
                    self.set_open(place, opening.open)?;
                } else {
                    let action = Action::SetOpen { queue: place, open: opening.open };
                    self.agenda.enter(Instant::ORIGIN + opening.at, action);
                }
            }
        }
        Ok(())
    }

    fn set_open(&mut self, queue: u32, open: bool) -> Result<(), RunError> {
        let queue = self.model.queues[queue as usize].id;
        self.command(Command::SetOpen { queue, open }).map_err(RunError::Refused)
    }

    fn play(&mut self) -> Result<(), RunError> {
        let horizon = Instant::ORIGIN + self.model.horizon;
        let end = match self.model.ending {
            Ending::Stop => horizon,
            Ending::Serve { at_most } => horizon + at_most,
        };
        loop {
            let next = self.agenda.next_at();
            let due = self.distributor.poll_timeout();
            let Some(at) = next.into_iter().chain(due).min() else { break };
            let is_over = self.now >= horizon && self.customers.len() == self.free.len();
            if at >= end || is_over {
                break;
            }
            self.now = self.now.max(at);
            self.events += 1;
            if due == Some(at) {
                self.tell_time();
            } else {
                let action = self.agenda.take().expect("its time was just seen");
                self.act(action)?;
            }
            self.follow_events()?;
            if let Some(breach) = self.breach.take() {
                return Err(breach);
            }
        }
        if self.model.ending == Ending::Stop {
            self.now = horizon;
        }
        Ok(())
    }

    fn act(&mut self, action: Action) -> Result<(), RunError> {
        match action {
            Action::Arrive { customer_type } => self.arrive(customer_type),
            Action::Retry { slot } => self.try_to_enter(slot),
            Action::GiveUp { interaction } => self.give_up(interaction),
            Action::PickUp { reservation } => match self.command(Command::Accept { reservation }) {
                // The reservation ended before the agent picked up.
                Ok(()) | Err(Refusal::StaleReservation(_)) => Ok(()),
                Err(refusal) => Err(RunError::Refused(refusal)),
            },
            Action::Finish { interaction } => self.finish(interaction),
            Action::EndAfterCallWork { agent, number } => self.end_after_call_work(agent, number),
            Action::Staff => self.change_staff(),
            Action::Return { agent } => self.come_back(agent),
            Action::SetOpen { queue, open } => self.set_open(queue, open),
            Action::Turn => {
                self.book.turn(self.now);
                if self.now < Instant::ORIGIN + self.model.horizon {
                    self.agenda.enter(self.book.next_turn(self.now), Action::Turn);
                }
                Ok(())
            }
        }
    }

    /// Hears what the distributor says until it has nothing more to say; answers may follow at once.
    fn follow_events(&mut self) -> Result<(), RunError> {
        while let Some(event) = self.poll_event() {
            match event {
                Event::Queued { interaction, queue, .. } => self.enter_queue(interaction, queue),
                Event::Reserved { .. } => self.rung(&event)?,
                Event::ReservationEnded { interaction, queue, cause, left, .. } => {
                    self.reservation_ended(interaction, queue, cause, left);
                }
                Event::Answered { interaction, queue, agent, waited, age, .. } => {
                    self.answered((interaction, queue), agent, waited, age);
                }
                Event::Abandoned { interaction, queue, waited, age, .. } => {
                    self.abandoned((interaction, queue), waited, age);
                }
                Event::Overflowed { interaction, queue, waited, age, cause, exit, elsewhere } => {
                    self.overflowed((interaction, queue), (waited, age), (cause, exit), elsewhere);
                }
                Event::Dequeued { interaction, queue, waited, .. } => {
                    self.dequeued(interaction, queue, waited);
                }
                Event::HandlingEnded { interaction, handled_for, .. } => {
                    self.handling_ended(interaction, handled_for);
                }
                Event::AfterCallWorkStarted { agent, interaction, queue, until } => {
                    self.after_call_work_started(agent, interaction, queue, until)?;
                }
                Event::AfterCallWorkEnded { agent, .. } => self.staff.after_call_work_ended(agent),
                Event::AgentChanged { agent, presence, activity } => {
                    self.agent_changed(agent, presence, activity)?;
                }
                Event::CallbackTaken { .. }
                | Event::CallbackRests { .. }
                | Event::CallbackWaits { .. }
                | Event::CallbackCalling { .. }
                | Event::CallbackReached { .. }
                | Event::CallbackHolds { .. }
                | Event::CalledBack { .. }
                | Event::CallbackEnded { .. }
                | Event::CallbackWindow { .. }
                | Event::StepEntered { .. }
                | Event::OpenedToAll { .. }
                | Event::Changed { .. }
                | Event::AfterCallWorkExtended { .. }
                | Event::LeaseExpired { .. }
                | Event::Interrupted { .. }
                | Event::Resumed { .. }
                | Event::AgentAside { .. }
                | Event::AgentReachable { .. }
                | Event::ShiftBegan { .. }
                | Event::AgentForced { .. }
                | Event::AgentRemoved { .. }
                | Event::QueueDefined { .. }
                | Event::Configured { .. }
                | Event::ReservesChanged { .. }
                | Event::OpenChanged { .. }
                | Event::QueueRemoved { .. }
                | Event::Refused { .. } => {}
            }
        }
        Ok(())
    }

    fn rung(&mut self, event: &Event) -> Result<(), RunError> {
        let &Event::Reserved {
            reservation, interaction, agent, deadline, waited, attempt, ref decision, ..
        } = event
        else {
            unreachable!("the caller has matched it")
        };
        if decision.beside == 0 {
            self.reserved(interaction, attempt == 1 && waited.is_zero());
        }
        self.ring(reservation, interaction, agent, deadline, attempt)
    }

    fn poll_event(&mut self) -> Option<Event> {
        self.heard.pop_front().or_else(|| self.distributor.poll_event())
    }

    fn command(&mut self, command: Command) -> Result<(), Refusal> {
        self.commands += 1;
        if self.watch.follows() {
            return self.step_watched(Some(&command));
        }
        self.distributor.handle_command(self.now, command)
    }

    fn tell_time(&mut self) {
        if self.watch.follows() {
            self.step_watched(None).expect("the time is not refused");
        } else {
            self.distributor.handle_timeout(self.now);
        }
    }

    fn draws(&self, customer_type: u32, number: u32, purpose: Purpose, attempt: u8) -> Draws {
        Draws::new(self.seed, self.replication, customer_type, number, purpose, attempt)
    }

    /// Counts who is left, and looks whether everybody is somewhere.
    fn close(mut self) -> Result<Day, RunError> {
        self.book.turn(self.now);
        self.count_who_is_left();
        let snapshot = self.distributor.snapshot(self.now);
        self.book.check(&snapshot.totals)?;
        if let Some(watch) = &self.over_time {
            watch.agree(&snapshot).map_err(RunError::BrokenOverTime)?;
        }
        let measured = self.now - (Instant::ORIGIN + self.model.warm_up);
        let mut day = self.book.day(measured);
        (day.seed, day.replication) = (self.seed, self.replication);
        (day.events, day.commands) = (self.events, self.commands);
        Ok(day)
    }
}

/// How busy the day is: gamma with mean 1.
fn factor(shape: f64, seed: u64, replication: u32, customer_type: u32) -> f64 {
    Draws::new(seed, replication, customer_type, 0, Purpose::Busyness, 0).gamma(shape) / shape
}

/// Since the start of the day.
fn time_of_day(at: Instant) -> Duration {
    at - Instant::ORIGIN
}
