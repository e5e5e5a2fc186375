//! Settings of the whole, at the beginning and later.

use super::*;

/// A part of the settings of the whole.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shared {
    Bounds,
    Exclusions,
    HeadStart,
    Misses,
    AfterCallWork,
    LittleAfterCallWork,
    Estimate,
    Leases,
    NoLease,
    ForcedPresence,
    Selection,
    Interruptions,
    NoInterruptions,
    AllInterruptions,
    /// All that may change.
    All,
    /// What may not.
    Fixed,
}

impl Shared {
    /// The settings with this part from others.
    pub(crate) fn of(self, settings: &mut Settings, from: Settings) {
        match self {
            Shared::Bounds => {
                (settings.waiting_max, settings.flow_outs_max) = (from.waiting_max, from.flow_outs_max);
                (settings.agents_max, settings.queues_max) = (from.agents_max, from.queues_max);
                settings.followed_requirements_max = from.followed_requirements_max;
            }
            Shared::Exclusions => settings.exclusions_max = from.exclusions_max,
            Shared::HeadStart => settings.head_start_per_point = from.head_start_per_point,
            Shared::Misses => settings.misses_max = from.misses_max,
            Shared::AfterCallWork => settings.after_call_work_max = from.after_call_work_max,
            Shared::LittleAfterCallWork => settings.after_call_work_max = from.after_call_work_max / 8,
            Shared::Estimate => settings.estimate = from.estimate,
            Shared::Leases => {
                settings.handling_lease = from.handling_lease;
                settings.occupied_lease = from.occupied_lease;
                settings.log_in_lease = from.log_in_lease;
            }
            Shared::NoLease => settings.occupied_lease = Some(Duration::ZERO),
            Shared::ForcedPresence => settings.forced_presence = from.forced_presence,
            Shared::Selection => settings.selection = from.selection,
            Shared::Interruptions => settings.interruptions = from.interruptions,
            Shared::NoInterruptions => settings.interruptions = Interruptions::default(),
            Shared::AllInterruptions => settings.interruptions = all_interruptions(),
            Shared::All => {
                let Settings { pooled_from, pools_max, seed, .. } = *settings;
                *settings = Settings { pooled_from, pools_max, seed, ..from };
            }
            Shared::Fixed => *settings = from,
        }
    }
}

pub(super) fn shared() -> impl Strategy<Value = Shared> {
    prop_oneof![
        3 => Just(Shared::Bounds),
        3 => Just(Shared::Exclusions),
        6 => Just(Shared::HeadStart),
        1 => Just(Shared::Misses),
        2 => Just(Shared::AfterCallWork),
        4 => Just(Shared::LittleAfterCallWork),
        2 => Just(Shared::Estimate),
        4 => Just(Shared::Leases),
        1 => Just(Shared::NoLease),
        3 => Just(Shared::ForcedPresence),
        2 => Just(Shared::Selection),
        1 => Just(Shared::Interruptions),
        8 => Just(Shared::NoInterruptions),
        14 => Just(Shared::AllInterruptions),
        2 => Just(Shared::All),
        1 => Just(Shared::Fixed),
    ]
}

/// As many as all histories could live with at the beginning.
pub(super) fn at_first() -> impl Strategy<Value = Settings> {
    settings().prop_map(|settings| Settings { agents_max: 7, queues_max: 4, ..settings })
}

pub(super) fn settings() -> impl Strategy<Value = Settings> {
    let pools = (1..4u32, 0..3u32, prop_oneof![3 => Just(1_000), 1 => 0..3u32]);
    let leases = (
        option::weighted(0.5, duration(20_000)),
        option::weighted(0.5, duration(6_000)),
        option::weighted(0.3, duration(60_000)),
    );
    let forced = prop_oneof![Just(ForcedPresence::AgentMayChange), Just(ForcedPresence::HoldsUntilLifted)];
    // So few samples and so short a memory that histories of a minute have estimates, and forget.
    let estimate = (60..4_000u64, 1..4u32, 50..400u32).prop_map(|(half_life, samples_min, error)| {
        let half_life = Duration::from_secs(half_life);
        EstimateRules { half_life, samples_min, error_max_percent: error }
    });
    let selection = prop_oneof![3 => Just(Selection::Oldest), 1 => selection()];
    let head_start = prop_oneof![3 => Just(Duration::from_millis(2_500)), 1 => duration_or_zero(20_000)];
    let rules = (forced, estimate, selection, any::<u64>(), interruptions());
    let bounds = (6..14u32, 5..8u32, 3..5u32, 0..4u32, 0..4u32, 0..3u32);
    (bounds, head_start, 1..20u64, pools, leases, rules).prop_map(
        |(bounds, head_start_per_point, acw, pools, leases, rules)| Settings {
            waiting_max: bounds.0,
            agents_max: bounds.1,
            queues_max: bounds.2,
            exclusions_max: bounds.3,
            flow_outs_max: bounds.4,
            misses_max: bounds.5,
            head_start_per_point,
            after_call_work_max: Duration::from_secs(acw),
            requirement_depth_max: 3,
            pooled_from: pools.0,
            pools_max: pools.1,
            followed_requirements_max: pools.2,
            handling_lease: leases.0,
            occupied_lease: leases.1,
            log_in_lease: leases.2,
            forced_presence: rules.0,
            estimate: rules.1,
            selection: rules.2,
            seed: rules.3,
            interruptions: rules.4,
            ..Settings::default()
        },
    )
}

fn interruptions() -> impl Strategy<Value = Interruptions> {
    let pairs = vec((0..CHANNELS, 1..CHANNELS), 3..7);
    let allow = |pairs: Vec<(u8, u8)>| {
        let each = pairs.into_iter();
        each.fold(Interruptions::default(), |all, (interrupted, further)| {
            all.allow(Channel(interrupted), Channel((interrupted + further) % CHANNELS))
        })
    };
    prop_oneof![1 => Just(Interruptions::default()), 2 => pairs.prop_map(allow), 12 => Just(all_interruptions())]
}

fn all_interruptions() -> Interruptions {
    let each = (0..CHANNELS).flat_map(|of| (0..CHANNELS).map(move |by| (Channel(of), Channel(by))));
    each.fold(Interruptions::default(), |all, (of, by)| all.allow(of, by))
}
