//! The deadlines that the plain state calls for are those that are set.

use std::collections::{BTreeMap, BTreeSet};

use timing::Instant;

use super::{Violation, first_entry, holds, rung};
use crate::distributor::{Alarm, Deadline, LeaseKind, LeaseLine, Standing, kind_of};
use crate::state::{EntryState, InteractionState, Staffing, Stage, State};
use crate::{Aside, Distributor, Overflow, QueueId, QueueSettings, WorkStage};

/// The rule whose time comes next for somebody who waits, and when.
pub(super) fn next_overflow(
    settings: &QueueSettings,
    interaction: &InteractionState,
    of: &EntryState,
) -> Option<(u8, Instant)> {
    if interaction.callback.is_some() {
        return None;
    }
    let open = |number: u8, rule: &Overflow| !rule.after.is_zero() && of.overflows_seen >> number & 1 == 0;
    let rules = (0u8..).zip(&settings.overflows).filter(|&(number, rule)| open(number, rule));
    rules.map(|(number, rule)| (number, of.entered + rule.after)).min_by_key(|&(number, at)| (at, number))
}

/// The deadlines that the plain state calls for are those that are set.
pub(super) fn check(distributor: &Distributor, state: &State) -> Result<(), Violation> {
    let (mut singles, mut lines, mut leases) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
    let mut wanted = false;
    let mut wheel = distributor.deadlines.clone();
    while let Some(alarm) = wheel.poll(Instant::from_micros(u64::MAX)) {
        let is_new = match alarm {
            Alarm::Lease(kind) => leases.insert(kind),
            Alarm::Wanted => !std::mem::replace(&mut wanted, true),
            Alarm::Single(at, deadline) => singles.insert(deadline, at).is_none(),
            Alarm::Step(queue, step) => lines.insert((queue, Aged::Step(step)), ()).is_none(),
            Alarm::MaxWait(queue) => lines.insert((queue, Aged::MaxWait), ()).is_none(),
            Alarm::Widening(queue) => lines.insert((queue, Aged::Widening), ()).is_none(),
            Alarm::Overflow(queue, rule) => lines.insert((queue, Aged::Overflow(rule)), ()).is_none(),
            Alarm::Unstaffed(queue) => lines.insert((queue, Aged::Unstaffed), ()).is_none(),
        };
        holds(is_new, Violation::Deadlines)?;
    }
    holds(singles == expected_singles(state), Violation::Deadlines)?;
    check_leases(distributor, state, &leases)?;
    check_wanted_ends(distributor, state, wanted)?;
    let (mut ours, expected) = (BTreeSet::new(), expected_lines(state));
    for (_, queue) in distributor.queues.iter() {
        let entries = (0u8..).zip(&queue.lines.entries).map(|(step, aging)| (Aged::Step(step), aging));
        let others = [(Aged::MaxWait, &queue.lines.expiring), (Aged::Widening, &queue.lines.widening)];
        let overflowing = (0u8..).map(Aged::Overflow).zip(&queue.lines.overflowing);
        let alarms = entries.chain(overflowing).chain(others).map(|(aged, aging)| (aged, aging.alarm));
        for (aged, alarm) in alarms.chain([(Aged::Unstaffed, queue.unstaffed_alarm)]) {
            if let Some((at, _)) = alarm {
                let by = expected.get(&(queue.id, aged)).ok_or(Violation::Deadlines)?;
                holds(at <= *by, Violation::Deadlines)?;
                ours.insert((queue.id, aged));
            }
        }
    }
    holds(ours.iter().eq(expected.keys()) && ours.iter().eq(lines.keys()), Violation::Deadlines)
}

/// Everybody who wants agents by name until some time stands in one line, with one alarm.
fn check_wanted_ends(distributor: &Distributor, state: &State, is_set: bool) -> Result<(), Violation> {
    let waiting = state.interactions.iter().filter(|(_, interaction)| interaction.stage == Stage::Waiting);
    let untils = waiting.flat_map(|(&id, interaction)| {
        interaction.entries.iter().filter_map(move |entry| Some((entry.wanted_until()?, id)))
    });
    let mut expected: Vec<_> = untils.collect();
    expected.sort_unstable();
    let (standing, alarm) = distributor.wanted_ends();
    let first = expected.first().map(|&(at, _)| at);
    holds(standing == expected, Violation::StaleIndex(None))?;
    holds(alarm.is_some() == is_set && is_set == first.is_some() && alarm <= first, Violation::Deadlines)
}

/// Everybody with a lease stands in its line, which has an alarm that is not after its head's time.
fn check_leases(
    distributor: &Distributor,
    state: &State,
    alarms: &BTreeSet<LeaseKind>,
) -> Result<(), Violation> {
    let mut expected: BTreeMap<LeaseKind, BTreeSet<Standing>> = BTreeMap::new();
    for (&id, agent) in &state.agents {
        for (lease, until) in agent.leases(id, &state.settings) {
            let (kind, interaction) = kind_of(lease);
            expected.entry(kind).or_default().insert((until, id, interaction));
        }
    }
    holds(expected.keys().eq(alarms), Violation::Deadlines)?;
    for LeaseLine { kind, standing, alarm } in distributor.lease_lines() {
        let expected = expected.remove(&kind).unwrap_or_default();
        let first = expected.first().map(|&(until, ..)| until);
        holds(standing == expected, Violation::StaleIndex(None))?;
        holds(alarm.is_some() == first.is_some() && alarm <= first, Violation::Deadlines)?;
    }
    Ok(())
}

fn expected_singles(state: &State) -> BTreeMap<Deadline, Instant> {
    let mut expected = BTreeMap::new();
    for (&id, agent) in &state.agents {
        for work in agent.works.iter() {
            match work.stage {
                WorkStage::AfterCallWork { until, .. } => {
                    expected.insert(Deadline::AfterCallWork(id, work.interaction), until);
                }
                WorkStage::Reserved { .. } | WorkStage::Handling { .. } => {}
            }
        }
        match agent.aside {
            Aside::BackingOff { until, .. } => drop(expected.insert(Deadline::BackOff(id), until)),
            Aside::Nothing { .. } | Aside::Occupied { .. } => {}
        }
    }
    for (&id, reservation) in &state.reservations {
        expected.insert(Deadline::Reservation(id), reservation.deadline);
    }
    for (&id, queue) in &state.queues {
        if let (Staffing::Unstaffed { since }, Some(rule)) = (queue.staffing, queue.settings.nobody_logged_in)
        {
            expected.insert(Deadline::Grace(id), since + rule.grace);
        }
        let next = queue.settings.reserves.get(usize::from(queue.reserves_open));
        if let (Some(reserve), Some(entered)) = (next, first_entry(state, id)) {
            expected.insert(Deadline::Reserve(id), entered + reserve.after);
        }
    }
    for (&id, interaction) in &state.interactions {
        for (&agent, &until) in &interaction.exclusions {
            expected.insert(Deadline::Exclusion(id, agent), until);
        }
        let Some(callback) = interaction.pending_callback() else { continue };
        let end = callback.taken + callback.rules.keep;
        match interaction.stage {
            Stage::Resting { until: Some(until) } if until < end => {
                expected.insert(Deadline::Rest(id), until);
            }
            Stage::Resting { .. } | Stage::Waiting => {
                expected.insert(Deadline::CallbackEnd(id), end);
            }
            Stage::Reserved { .. } | Stage::Handling { .. } => {}
        }
    }
    expected
}

/// A line whose head is the next to become too old for it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Aged {
    Step(u8),
    MaxWait,
    Widening,
    Overflow(u8),
    /// A step, for everybody or for who has an own requirement.
    Unstaffed,
}

/// When the first in each line becomes too old for it.
fn expected_lines(state: &State) -> BTreeMap<(QueueId, Aged), Instant> {
    let mut expected = BTreeMap::new();
    let mut expect = |line, at: Instant| {
        let first = expected.entry(line).or_insert(at);
        *first = at.min(*first);
    };
    let own = state.own_staffing.iter().map(|pair| (pair.queue, &pair.steps));
    for (id, steps) in state.queues.iter().map(|(&id, queue)| (id, &queue.step_staffing)).chain(own) {
        for staffing in steps {
            match staffing {
                Staffing::Staffed | Staffing::Deserted { .. } => {}
                Staffing::Unstaffed { since } => {
                    let grace = state.queues.get(&id).map(|queue| queue.settings.unstaffed_grace);
                    expect((id, Aged::Unstaffed), *since + grace.unwrap_or_default());
                }
            }
        }
    }
    let rung = rung(state);
    for (&id, interaction) in &state.interactions {
        match interaction.stage {
            Stage::Handling { .. } | Stage::Resting { .. } => {}
            Stage::Reserved { since, most } => {
                let queue = rung.get(&id).and_then(|rung| rung.queues.first()).copied();
                let Some((queue, rules)) = queue.and_then(|id| Some((id, state.queues.get(&id)?))) else {
                    continue;
                };
                if let Some(after) = interaction.ring(queue, &rules.settings).widens_after(most) {
                    expect((queue, Aged::Widening), since + after);
                }
            }
            Stage::Waiting => {
                for entry in &interaction.entries {
                    let queue = &state.queues[&entry.queue].settings;
                    let may_leave = !entry.overdue && interaction.callback.is_none();
                    if let Some(rule) = queue.max_wait.filter(|_| may_leave) {
                        expect((entry.queue, Aged::MaxWait), entry.entered + rule.after);
                    }
                    if let Some(step) = queue.steps.get(usize::from(entry.step)) {
                        expect((entry.queue, Aged::Step(entry.step)), entry.entered + step.after);
                    }
                    if let Some((rule, at)) = next_overflow(queue, interaction, entry) {
                        expect((entry.queue, Aged::Overflow(rule)), at);
                    }
                }
            }
        }
    }
    expected
}
