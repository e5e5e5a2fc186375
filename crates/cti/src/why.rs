//! Why this agent and no other.

use acd::{AgentId, Decision, ELIGIBLE_MAX, IdleClock, Selection, Strategy};
use serde::Serialize;
use utoipa::ToSchema;

use crate::Words;

/// Why an agent was chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Why {
    /// The whole of it as a sentence.
    #[schema(
        example = "Longest without a conversation of 3 agents who met the first requirement of the queue; next: lee, park; nobody went on waiting."
    )]
    pub text: String,
    /// The queue's rule for choosing among several agents.
    #[schema(example = "longest_idle")]
    pub strategy: &'static str,
    /// How the queue preferred the agent: 1 is first. Absent where it prefers nobody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preference: Option<u8>,
    /// Of which of the queue's reserves the agent is: 1 is the first. Absent where the agent is of none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reserve: Option<u8>,
    /// The agent's rule for choosing among several who wait.
    #[schema(example = "oldest")]
    pub selection: &'static str,
    /// Agents who were being rung for it already: where there are any, this one was rung beside them because nobody who
    /// waited needed this agent.
    pub beside: u8,
    /// The step whose requirement counted; 0 is the queue's first.
    pub step: u8,
    /// Whether the interaction's own requirement counted beside it.
    pub own_requirement: bool,
    /// The agent's place among those whom the caller wanted by name: 1 is first. Absent where it was for everybody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wanted: Option<u8>,
    /// Agents who were available, met what was required, and would have taken this one first; the chosen one
    /// included.
    pub eligible: u16,
    /// There may have been more than `eligible`: counting stops there.
    pub eligible_or_more: bool,
    /// Who would have been next, best first.
    pub next: Vec<String>,
    /// Interactions that went on waiting in the queue.
    pub still_waiting: u32,
}

impl Why {
    /// In words.
    pub fn new(decision: &Decision, words: &Words<'_>) -> Why {
        let next: Vec<String> =
            decision.runners_up.iter().flatten().map(|&agent: &AgentId| words.agent(agent)).collect();
        let (strategy, _) = strategy(decision.strategy);
        Why {
            text: text(decision, &next),
            strategy,
            preference: decision.preference.map(|bucket| bucket + 1),
            reserve: (decision.reserve > 0).then_some(decision.reserve),
            selection: selection(decision.selection).0,
            beside: decision.beside,
            step: decision.step,
            own_requirement: decision.own_requirement,
            wanted: decision.wanted.map(|place| place + 1),
            eligible: decision.eligible,
            eligible_or_more: decision.eligible >= ELIGIBLE_MAX,
            next,
            still_waiting: decision.still_waiting,
        }
    }
}

/// Its name, and what is said of the one who is chosen by it.
fn strategy(strategy: Strategy) -> (&'static str, &'static str) {
    match strategy {
        Strategy::LongestIdle(IdleClock::SinceHandled) => ("longest_idle", "Longest without a conversation"),
        Strategy::LongestIdle(IdleClock::SinceReady) => ("longest_idle", "Longest available"),
        Strategy::LongestIdle(IdleClock::SinceOffered) => ("longest_idle", "Longest without an offer"),
        Strategy::MostSkilled => ("most_skilled", "Most skilled"),
        Strategy::LeastSkilled => ("least_skilled", "Least skilled"),
        Strategy::FewestHandled => ("fewest_handled", "Handled the fewest"),
        Strategy::LeastOccupied => ("least_occupied", "Least occupied"),
        Strategy::RoundRobin => ("round_robin", "Next in turn"),
        Strategy::TopDown => ("top_down", "First by order"),
        Strategy::WeightedRandom => ("weighted_random", "Chosen by lot"),
    }
}

/// Its name, and what is said of the one who is taken by it; nothing where everybody expects it.
fn selection(selection: Selection) -> (&'static str, &'static str) {
    match selection {
        Selection::Oldest => ("oldest", ""),
        Selection::EarliestDue => ("earliest_due", "; taken as the earliest due"),
        Selection::SkillLevel => ("skill_level", "; taken for what the agent knows best"),
        Selection::Weight => ("weight", "; taken for its wait by the weight of the queue"),
        Selection::QueueRatio => ("queue_ratio", "; taken from the queue most above its share"),
        Selection::PercentAllocation => {
            ("percent_allocation", "; taken from the queue most below its share of the agent's work")
        }
        Selection::LateLast { .. } => ("late_last", "; taken with who is late last"),
    }
}

fn text(decision: &Decision, next: &[String]) -> String {
    let required = match decision.step {
        0 => "the first requirement of the queue".to_owned(),
        step => format!("step {step} of the queue"),
    };
    let own = if decision.own_requirement { " and the caller's own requirement" } else { "" };
    let chosen = match decision.eligible {
        0 | 1 if decision.wanted.is_some() => "Wanted by name".to_owned(),
        _ if decision.wanted.is_some() => {
            format!("Wanted by name, before others who were available too; next: {}", next.join(", "))
        }
        0 | 1 => format!("The only agent available who met {required}{own}"),
        many => {
            let (_, praise) = strategy(decision.strategy);
            let among = match decision.preference {
                None => String::new(),
                Some(bucket) => format!(" among those of preference {}, the best there were,", bucket + 1),
            };
            let least = if many >= ELIGIBLE_MAX { "at least " } else { "" };
            format!(
                "{praise}{among} of {least}{many} agents who met {required}{own}; next: {}",
                next.join(", ")
            )
        }
    };
    let rest = match decision.still_waiting {
        0 => "nobody went on waiting".to_owned(),
        1 => "1 went on waiting".to_owned(),
        many => format!("{many} went on waiting"),
    };
    let taken = match decision.beside {
        0 => selection(decision.selection).1.to_owned(),
        1 => "; rung beside another one, because nobody who waited needed this agent".to_owned(),
        many => format!("; rung beside {many} others, because nobody who waited needed this agent"),
    };
    let reserve = match decision.reserve {
        0 => String::new(),
        // Whom a caller wants by name takes the call from a closed reserve, too.
        _ if decision.wanted.is_some() => String::new(),
        reserve => format!("; of reserve {reserve}, which is open"),
    };
    format!("{chosen}{taken}{reserve}; {rest}.")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use acd::QueueId;
    use report::{AgentName, Names};
    use timing::Instant;

    use super::*;
    use crate::TrunkNames;

    fn said(decision: &Decision) -> Why {
        let name = |id: &str| AgentName { id: id.to_owned(), name: id.to_uppercase() };
        let names = Names {
            agents: BTreeMap::from([(AgentId(1), name("kim")), (AgentId(2), name("lee"))]),
            ..Names::default()
        };
        let trunks = TrunkNames::new();
        let words = Words {
            names: &names,
            trunks: &trunks,
            calling_back: &std::collections::BTreeSet::new(),
            now: Instant::ORIGIN,
            since_1970: Duration::ZERO,
        };
        assert_eq!(words.queue(QueueId(5)), "#5", "a queue that is configured no longer");
        Why::new(decision, &words)
    }

    fn decision() -> Decision {
        Decision {
            beside: 0,
            step: 0,
            own_requirement: false,
            wanted: None,
            strategy: Strategy::MostSkilled,
            preference: None,
            reserve: 0,
            selection: Selection::Oldest,
            eligible: 1,
            runners_up: [None, None, None],
            still_waiting: 0,
        }
    }

    #[test]
    fn a_choice_without_a_choice_says_so() {
        let why = said(&decision());
        assert_eq!(
            why.text,
            "The only agent available who met the first requirement of the queue; nobody went on waiting."
        );
        assert!(why.next.is_empty() && !why.eligible_or_more);
    }

    #[test]
    fn a_choice_by_another_selection_than_the_usual_one_says_so() {
        let why = said(&Decision { selection: Selection::EarliestDue, still_waiting: 1, ..decision() });
        assert_eq!(
            why.text,
            "The only agent available who met the first requirement of the queue; taken as the earliest due; \
             1 went on waiting."
        );
        assert_eq!(why.selection, "earliest_due");
    }

    #[test]
    fn who_is_rung_beside_others_is_told_so() {
        let why = said(&Decision { beside: 1, still_waiting: 1, ..decision() });
        assert_eq!(
            why.text,
            "The only agent available who met the first requirement of the queue; rung beside another one, because \
             nobody who waited needed this agent; 1 went on waiting."
        );
        assert_eq!(why.beside, 1);
    }

    #[test]
    fn a_preference_of_the_queue_is_told() {
        let why = said(&Decision {
            preference: Some(1),
            eligible: 2,
            runners_up: [Some(AgentId(2)), None, None],
            ..decision()
        });
        assert_eq!(
            why.text,
            "Most skilled among those of preference 2, the best there were, of 2 agents who met the first \
             requirement of the queue; next: lee; nobody went on waiting."
        );
        assert_eq!(why.preference, Some(2));
    }

    #[test]
    fn an_agent_of_a_reserve_is_told() {
        let why = said(&Decision { reserve: 1, ..decision() });
        assert_eq!(
            why.text,
            "The only agent available who met the first requirement of the queue; of reserve 1, which is open; \
             nobody went on waiting."
        );
        assert_eq!((why.reserve, said(&decision()).reserve), (Some(1), None));
    }

    #[test]
    fn a_choice_among_many_names_the_rule_and_the_next() {
        let why = said(&Decision {
            step: 2,
            own_requirement: true,
            eligible: ELIGIBLE_MAX,
            runners_up: [Some(AgentId(2)), Some(AgentId(9)), None],
            still_waiting: 4,
            ..decision()
        });
        assert_eq!(
            why.text,
            "Most skilled of at least 16 agents who met step 2 of the queue and the caller's own requirement; \
             next: lee, #9; 4 went on waiting."
        );
        assert_eq!((why.strategy, why.eligible_or_more), ("most_skilled", true));
    }
}
