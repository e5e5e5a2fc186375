//! What people want changed of an interaction that waits, and what they changed.

use acd::{Change, InteractionId, QueueId, Refusal, Requirement, SupervisorId, requirement};
use engine::ChangeRecord;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::agent::one_of;
use crate::{InteractionState, Problem, Words};

/// The most points of a priority, and the fewest: what a number dialled and its queue can give together, either way.
const PRIORITY_MAX: i32 = 2_000;
/// How many skills a remedy names.
const SKILLS_NAMED: usize = 20;

/// What shall be another than before with an interaction that waits. What is left out stays; all that is given takes
/// effect together and at once, or nothing does. Giving what is so already does no harm.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeWish {
    /// Points, as `priority` of an entry and of its queue give them together: each is a head start (`head_start` of
    /// `[routing]`). Negative ones hold back. This can be changed while an agent is rung, too.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<i32>, minimum = -2_000, maximum = 2_000, example = 5)]
    pub priority: Option<i32>,
    /// What the interaction needs beside what its queue requires, written as `require` in the configuration; null or
    /// `""`: nothing.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, example = "billing >= 7 and (english >= 3 or korean)")]
    pub require: Option<Option<String>>,
    /// The name of the queue in which it waits from now on, as old as it is. It leaves all others.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, example = "billing")]
    pub queue: Option<String>,
    /// The id of one of the `[[supervisor]]`s: who wants it. Kept in `changes` of the interaction.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, example = "park")]
    pub by: Option<String>,
}

/// A value that is there, so that null is one (or a fault) and not a field left out.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// What somebody changed of an interaction while it waited. What was not changed is absent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Changed {
    /// When (RFC 3339).
    pub at: String,
    /// Who wanted it: the id of a supervisor; null where the request did not say.
    #[schema(example = "park")]
    pub by: Option<String>,
    /// The points from then on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<i32>,
    /// What it needed from then on beside what its queue required; null: nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub require: Option<Option<String>>,
    /// The queue in which it was put.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
}

impl Changed {
    pub(crate) fn new(record: &ChangeRecord, words: &Words<'_>) -> Changed {
        let ChangeRecord { at, by, change: Change { priority, requirement, queue } } = record;
        Changed {
            at: words.time(*at),
            by: by.map(|by| words.supervisor(by)),
            priority: *priority,
            require: requirement.as_ref().map(|own| own.as_ref().map(|own| words.requirement(own))),
            queue: queue.map(|queue| words.queue(queue)),
        }
    }
}

impl ChangeWish {
    /// In the distributor's terms: what shall change, and who wants it.
    ///
    /// # Errors
    /// Where nothing shall change, the priority is out of range, a queue, skill or supervisor is unknown, or the
    /// requirement cannot be read.
    pub fn change(&self, words: &Words<'_>) -> Result<(Change, Option<SupervisorId>), Problem> {
        let ChangeWish { priority, require, queue, by } = self;
        if priority.is_none() && require.is_none() && queue.is_none() {
            let remedy = "give at least one of `priority`, `require` and `queue`";
            return Err(Problem::unusable("the request changes nothing", remedy));
        }
        if let Some(points) = priority.filter(|points| !(-PRIORITY_MAX..=PRIORITY_MAX).contains(points)) {
            let detail = format!("`priority` is {points}; it must be -{PRIORITY_MAX} to {PRIORITY_MAX}");
            return Err(Problem::unusable(detail, "give fewer points: each is a head start in line"));
        }
        let requirement =
            require.as_ref().map(|text| read(text.as_deref().unwrap_or_default(), words)).transpose()?;
        let queue = queue.as_ref().map(|name| find_queue(name, words)).transpose()?;
        let by = by.as_ref().map(|id| find_supervisor(id, words)).transpose()?;
        Ok((Change { priority: *priority, requirement, queue }, by))
    }

    /// The distributor refused to change an interaction, which stands so.
    pub fn refused(&self, refusal: Refusal, interaction: InteractionId, state: InteractionState) -> Problem {
        let id = interaction.0;
        let conflict = |detail: String, remedy: String| Problem {
            status: 409,
            title: "Not possible now",
            detail,
            remedy,
        };
        match refusal {
            Refusal::WrongStage(_)
                if matches!(state, InteractionState::Ringing | InteractionState::CallingBack) =>
            {
                let detail = format!(
                    "an agent is held for interaction {id} (`{}`): only its `priority` can be changed",
                    state.name()
                );
                conflict(detail, "change the rest if nothing comes of it: then it waits again".to_owned())
            }
            Refusal::WrongStage(_) if state == InteractionState::ToCallBack => conflict(
                format!("callback {id} rests and stands in no line: only its `priority` can be changed"),
                format!(
                    "it rests until `rests_until` of GET /api/v1/interactions/{id}, or until its queue calls back again"
                ),
            ),
            Refusal::WrongStage(_) | Refusal::UnknownInteraction(_) => conflict(
                format!("interaction {id} does not wait any more: its state is `{}`", state.name()),
                format!("nothing of it can be changed now; see GET /api/v1/interactions/{id}"),
            ),
            Refusal::UnknownQueue(_) => {
                Problem::unusable(unknown_queue(self.queue.as_deref().unwrap_or_default()), QUEUES)
            }
            Refusal::OtherChannel(_) => {
                let queue = self.queue.as_deref().unwrap_or_default();
                let detail = format!("queue `{queue}` is of another channel than the interaction");
                Problem::unusable(detail, "choose a queue of the same channel")
            }
            Refusal::TooManyCallbacks(_) => {
                let queue = self.queue.as_deref().unwrap_or_default();
                let detail = format!("queue `{queue}` has as many to call back as it may");
                conflict(detail, "choose another queue, or raise `most` of the queue's `callback`".to_owned())
            }
            Refusal::Invalid(invalid) => {
                Problem::unusable(format!("`require`: {invalid}"), "ask for less, or in fewer words")
            }
            Refusal::UnknownAgent(_)
            | Refusal::FixedAtStart(_)
            | Refusal::StaleReservation(_)
            | Refusal::DuplicateInteraction(_)
            | Refusal::DuplicateQueue(_)
            | Refusal::TooManyEntries
            | Refusal::AlreadyLoggedIn(_)
            | Refusal::NotLoggedIn(_)
            | Refusal::WrongActivity(_)
            | Refusal::Forced(_)
            | Refusal::AfterCallWorkMin(_)
            | Refusal::ReservedReason
            | Refusal::UselessExit(_)
            | Refusal::NoCallbacks(_)
            | Refusal::InSeveralQueues(_)
            | Refusal::TooManyAgents
            | Refusal::TooManyQueues
            | Refusal::TooManyWaiting => {
                conflict(refusal.to_string(), "look at the interaction and try again".to_owned())
            }
        }
    }
}

/// What to do about an unknown queue.
const QUEUES: &str = "see GET /api/v1/queues for all of them";

fn unknown_queue(name: &str) -> String {
    format!("there is no queue `{name}`")
}

fn find_queue(name: &str, words: &Words<'_>) -> Result<QueueId, Problem> {
    words.find_queue(name).ok_or_else(|| Problem::unusable(unknown_queue(name), QUEUES))
}

pub(crate) fn find_supervisor(id: &str, words: &Words<'_>) -> Result<SupervisorId, Problem> {
    let unknown = || {
        let ids = words.names.supervisors.values().map(|supervisor| supervisor.id.as_str());
        Problem::unusable(format!("there is no supervisor `{id}`"), one_of(ids, "supervisor"))
    };
    words.find_supervisor(id).ok_or_else(unknown)
}

/// A requirement in the words of the configuration; `None` for the one that everybody meets.
fn read(text: &str, words: &Words<'_>) -> Result<Option<Requirement>, Problem> {
    let error = match requirement::parse(text, |name| words.find_skill(name)) {
        Ok(read) => return Ok(Some(read).filter(|read| *read != Requirement::anyone())),
        Err(error) => error,
    };
    let remedy = match error.problem {
        requirement::ParseProblem::UnknownSkill { .. } => {
            let all: Vec<&str> = words.names.skills.values().map(String::as_str).collect();
            match all.len() {
                0 => "give an agent of the configuration the skill first: no agent has any".to_owned(),
                1..=SKILLS_NAMED => format!("use one of: {}", all.join(", ")),
                many => format!("use one of: {}, ... ({many} in all)", all[..SKILLS_NAMED].join(", ")),
            }
        }
        requirement::ParseProblem::TooLong
        | requirement::ParseProblem::SkillExpected { .. }
        | requirement::ParseProblem::LevelExpected { .. }
        | requirement::ParseProblem::OperatorExpected { .. }
        | requirement::ParseProblem::Unclosed
        | requirement::ParseProblem::StrayCharacter { .. }
        | requirement::ParseProblem::TooLarge
        | requirement::ParseProblem::TooDeep => {
            "write it as in \"billing >= 7 and (english >= 3 or korean)\"".to_owned()
        }
    };
    Err(Problem::unusable(format!("`require`: {error}"), remedy))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use acd::SkillId;
    use report::{Names, QueueName, SupervisorName};
    use timing::Instant;

    use super::*;
    use crate::TrunkNames;

    fn read_wish(body: &str) -> Result<ChangeWish, String> {
        serde_json::from_str(body).map_err(|error| error.to_string())
    }

    fn with_words<T>(ask: impl FnOnce(&Words<'_>) -> T) -> T {
        let billing = QueueName { name: "billing".to_owned(), threshold: Duration::ZERO, target: 0.8 };
        let names = Names {
            queues: BTreeMap::from([(QueueId(1), billing)]),
            skills: BTreeMap::from([(SkillId(1), "english".to_owned()), (SkillId(2), "청구".to_owned())]),
            supervisors: BTreeMap::from([(
                SupervisorId(3),
                SupervisorName { id: "park".to_owned(), name: "Park".to_owned() },
            )]),
            ..Names::default()
        };
        let trunks = TrunkNames::new();
        ask(&Words {
            names: &names,
            trunks: &trunks,
            calling_back: &std::collections::BTreeSet::new(),
            now: Instant::from_secs(60),
            since_1970: Duration::ZERO,
        })
    }

    fn change(body: &str) -> Result<(Change, Option<SupervisorId>), Problem> {
        let wish = read_wish(body).expect("the body is right");
        with_words(|words| wish.change(words))
    }

    fn detail(body: &str) -> (u16, String) {
        let problem = change(body).expect_err("the wish is wrong");
        (problem.status, problem.detail)
    }

    #[test]
    fn all_that_is_given_is_wanted_and_nothing_else() {
        let english = Requirement::at_least(SkillId(1), 3);
        let all = r#"{"priority": -2, "require": "english >= 3", "queue": "billing", "by": "park"}"#;
        let wanted = Change { priority: Some(-2), requirement: Some(Some(english)), queue: Some(QueueId(1)) };
        assert_eq!(change(all), Ok((wanted, Some(SupervisorId(3)))));
        assert_eq!(change(r#"{"priority": 5}"#), Ok((Change::priority(5), None)));
        for nothing in [r#"{"require": null}"#, r#"{"require": ""}"#, r#"{"require": " "}"#] {
            assert_eq!(change(nothing), Ok((Change::requirement(None), None)));
        }
    }

    #[test]
    fn a_wish_that_cannot_be_taken_says_what_is_wrong_and_where() {
        let nothing = (422, "the request changes nothing".to_owned());
        assert_eq!((detail("{}"), detail(r#"{"by": "park"}"#)), (nothing.clone(), nothing));
        assert_eq!(detail(r#"{"priority": 2001}"#).1, "`priority` is 2001; it must be -2000 to 2000");
        assert_eq!(detail(r#"{"queue": "sales"}"#).1, "there is no queue `sales`");
        assert_eq!(detail(r#"{"queue": "billing", "by": "kim"}"#).1, "there is no supervisor `kim`");
        assert_eq!(
            detail(r#"{"require": "청구 and (english > 11)"}"#).1,
            "`require`: a level from 0 to 10 should stand at character 19, not `11`"
        );
        let unknown = change(r#"{"require": "english and french"}"#).unwrap_err();
        assert_eq!(unknown.detail, "`require`: no agent has a skill called `french` (character 13)");
        assert_eq!(unknown.remedy, "use one of: english, 청구");
    }

    #[test]
    fn a_field_that_nobody_knows_and_a_null_where_a_value_must_be_are_told() {
        let unknown = read_wish(r#"{"skills": "english"}"#).unwrap_err();
        assert!(
            unknown.starts_with("unknown field `skills`, expected one of `priority`, `require`"),
            "{unknown}"
        );
        for null in [r#"{"priority": null}"#, r#"{"queue": null}"#, r#"{"by": null, "priority": 1}"#] {
            assert!(read_wish(null).unwrap_err().starts_with("invalid type: null"), "{null}");
        }
    }

    #[test]
    fn a_refusal_says_where_the_interaction_stands() {
        let wish = read_wish(r#"{"queue": "billing"}"#).expect("right");
        let id = InteractionId(7);
        let refused = |refusal, state| wish.refused(refusal, id, state);
        let talks = refused(Refusal::WrongStage(id), InteractionState::Talking);
        assert_eq!(
            (talks.status, talks.detail.as_str()),
            (409, "interaction 7 does not wait any more: its state is `talking`")
        );
        let rings = refused(Refusal::WrongStage(id), InteractionState::Ringing);
        assert!(rings.detail.contains("only its `priority`"), "{}", rings.detail);
        let gone = refused(Refusal::UnknownInteraction(id), InteractionState::Ended);
        assert!(gone.detail.ends_with("`ended`"), "{}", gone.detail);
        let chats = refused(Refusal::OtherChannel(QueueId(1)), InteractionState::Waiting);
        assert_eq!(
            (chats.status, chats.detail.as_str()),
            (422, "queue `billing` is of another channel than the interaction")
        );
    }

    #[test]
    fn what_was_changed_is_told_and_what_was_not_is_absent() {
        let record = |change| ChangeRecord { at: Instant::ORIGIN, by: Some(SupervisorId(3)), change };
        let told = |change| {
            let changed = with_words(|words| Changed::new(&record(change), words));
            serde_json::to_value(changed).expect("it is JSON")
        };
        let english = Requirement::at_least(SkillId(1), 3);
        assert_eq!(told(Change::requirement(Some(english)))["require"], "english >= 3");
        let nothing = told(Change::requirement(None));
        assert!(nothing["require"].is_null() && nothing.get("require").is_some());
        assert!(nothing.get("priority").is_none() && nothing.get("queue").is_none());
        assert_eq!(
            (&nothing["by"], told(Change::queue(QueueId(1)))["queue"].as_str()),
            (&"park".into(), Some("billing"))
        );
    }
}
