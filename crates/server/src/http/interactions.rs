//! Interactions: in progress and over, and why each went to whom.
#![expect(
    unused_qualifications,
    reason = "the macro of the API's description writes longer paths than it needs"
)]

use std::sync::Arc;

use acd::{AgentId, Command, InteractionId, QueueId};
use axum::Json;
use axum::extract::State;
use cti::{
    CallbackWish, ChangeWish, Filter, Interaction, InteractionState, Interactions, Problem, Words,
    not_withdrawn, withdrawn_by,
};
use engine::{NoCallback, Ongoing};
use report::EstimatedWait;
use serde::Deserialize;
use tracing::info;
use utoipa::{IntoParams, ToSchema};

use super::View;
use super::api::Dictionary;
use super::problem::{Answer, Body, NoQuery, Parameters, Path, Trouble};
use crate::mask;

/// The most interactions of an answer.
const LIMIT_MAX: usize = 500;
/// How many they are, where nobody says.
const LIMIT: usize = 100;

/// Which interactions are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// In progress (the default), or over.
    #[serde(default)]
    state: Wherever,
    /// Only those that are in this queue, or were in it last; also one that the configuration has no longer.
    queue: Option<String>,
    /// Only those with this agent: in conversation or rung; of those that are over, also those who were rung.
    agent: Option<String>,
    /// How many at most: 1 to 500, else 100.
    limit: Option<usize>,
    /// The `next` of the answer before.
    from: Option<u64>,
}

/// Who takes a callback back.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Withdrawal {
    /// The id of one of the `[[supervisor]]`s; left out: nobody in particular, such as the customer.
    by: Option<String>,
}

/// Where interactions are looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Wherever {
    /// In progress: oldest first.
    #[default]
    Ongoing,
    /// Over, as far as they are remembered (`ended_interactions` of `[http]`): newest first.
    Ended,
}

/// A page of interactions: those in progress, oldest first, or those that are over, newest first.
#[utoipa::path(get, path = "/api/v1/interactions", tag = "interactions", operation_id = "list_interactions", security(("token" = [])),
    params(Wanted),
    responses(
        (status = 200, description = "Some interactions, and how to go on", body = Interactions),
        (status = 400, description = "The query cannot be taken", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No token, or a wrong one", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is no such queue or agent", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "So many cannot be listed", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "A thread is stuck", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn list(
    State(view): State<Arc<View>>,
    Parameters(wanted): Parameters<Wanted>,
) -> Answer<Interactions> {
    let most = wanted.limit.unwrap_or(LIMIT);
    if !(1..=LIMIT_MAX).contains(&most) {
        let detail = format!("`limit` is {most}; it must be 1 to {LIMIT_MAX}");
        return Err(Trouble(Problem::unusable(detail, "ask for fewer, and go on with `from`")));
    }
    let filter = filter(&wanted, &Dictionary::of(&view).words())?;
    let from = wanted.from.map(InteractionId);
    let interactions: Vec<Interaction> = match wanted.state {
        Wherever::Ongoing => {
            let Filter { queue, agent } = filter;
            let found = view.api.engine(move |engine| engine.interactions(from, most, queue, agent)).await?;
            let dictionary = Dictionary::of(&view);
            let words = dictionary.words();
            found.iter().map(|one| Interaction::ongoing(one, &words)).collect()
        }
        Wherever::Ended => {
            let found = view.api.remembered.read(|ledger| ledger.list(from, most, filter)).await;
            let dictionary = Dictionary::of(&view);
            let words = dictionary.words();
            let brief = |one| Interaction { attributes: Vec::new(), ..Interaction::ended(one, &words) };
            found.iter().map(|one| brief(one)).collect()
        }
    };
    let next = interactions.last().filter(|_| interactions.len() == most).map(|last| last.id);
    Ok(Json(Interactions { interactions, next }))
}

/// One interaction: where it stands, through which queues and steps it came, to whom it was offered and why to
/// this agent and no other.
#[utoipa::path(get, path = "/api/v1/interactions/{id}", tag = "interactions", operation_id = "show_interaction", security(("token" = [])),
    params(("id" = u64, Path, description = "The number of the interaction")),
    responses(
        (status = 200, description = "The interaction", body = Interaction),
        (status = 400, description = "That is no number, or there is a query", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No token, or a wrong one", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "Never was, or is forgotten", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "A thread is stuck", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn show(
    State(view): State<Arc<View>>,
    _: NoQuery,
    Path(id): Path<u64>,
) -> Answer<Interaction> {
    looked_up(&view, InteractionId(id)).await
}

/// A caller who waits is rung off and called back when it is their turn, in the place that they have. Whoever asks tells
/// the caller so before: nothing is announced.
#[utoipa::path(post, path = "/api/v1/interactions/{id}/callback", tag = "interactions", operation_id = "call_back", security(("token" = [])),
    params(("id" = u64, Path, description = "The number of the interaction")),
    request_body = CallbackWish,
    responses(
        (status = 200, description = "The interaction as it is then", body = Interaction),
        (status = 400, description = "That is no number, there is a query, or the body is no JSON", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No token, or a wrong one", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "Never was, or is over", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It does not wait, the queue calls nobody back, or has too many to call", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The body is too long", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "The body does not say that it is JSON", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The number is none, or not one that the queue may call", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "A thread is stuck, or the process ends", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn call_back(
    State(view): State<Arc<View>>,
    _: NoQuery,
    Path(id): Path<u64>,
    Body(wish): Body<CallbackWish>,
) -> Answer<Interaction> {
    let interaction = InteractionId(id);
    match view.api.call_back(interaction, wish.number).await? {
        Ok(()) => {}
        // Who is remembered has been there, and does not wait any more.
        Err(NoCallback::Unknown) if looked_up(&view, interaction).await.is_ok() => {
            return Err(Trouble(Problem::no_callback(
                NoCallback::NotWaiting,
                id,
                &Dictionary::of(&view).words(),
            )));
        }
        Err(why) => return Err(Trouble(Problem::no_callback(why, id, &Dictionary::of(&view).words()))),
    }
    let told = looked_up(&view, interaction).await?;
    let number = told.0.callback.as_ref().map(|callback| mask::number(&callback.number).into_owned());
    info!(interaction = id, number, "a callback asked for by the API");
    Ok(told)
}

/// Takes the promise of a callback back: nobody is called any more, and whoever is being called is left alone. Customers who
/// are on the line by now stay.
#[utoipa::path(delete, path = "/api/v1/interactions/{id}/callback", tag = "interactions", operation_id = "withdraw_callback", security(("token" = [])),
    params(("id" = u64, Path, description = "The number of the interaction"), Withdrawal),
    responses(
        (status = 200, description = "The interaction as it is then", body = Interaction),
        (status = 400, description = "That is no number, or the query cannot be taken", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No token, or a wrong one", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "Never was, or is forgotten", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Nobody is to be called back by it, or not any more", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "There is no such supervisor", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "A thread is stuck", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn withdraw_callback(
    State(view): State<Arc<View>>,
    Path(id): Path<u64>,
    Parameters(withdrawal): Parameters<Withdrawal>,
) -> Answer<Interaction> {
    let interaction = InteractionId(id);
    let by = withdrawn_by(withdrawal.by.as_deref(), &Dictionary::of(&view).words())?;
    let command = Command::WithdrawCallback { interaction, by };
    let (done, ongoing) = view.api.change(interaction, command).await?;
    let told = told(&view, interaction, ongoing).await?;
    match done {
        Ok(()) => {
            info!(interaction = id, by = withdrawal.by, "a callback taken back by the API");
            Ok(told)
        }
        Err(refusal) => Err(Trouble(not_withdrawn(refusal, interaction, told.0.state))),
    }
}

/// Changes an interaction that waits: priority, own requirement, queue. All that is given takes effect together and at
/// once, or nothing does; the age stays. While an agent is rung, or a callback rests,
/// only the priority can be changed.
#[utoipa::path(patch, path = "/api/v1/interactions/{id}", tag = "interactions", operation_id = "change_interaction", security(("token" = [])),
    params(("id" = u64, Path, description = "The number of the interaction")),
    request_body = ChangeWish,
    responses(
        (status = 200, description = "The interaction as it is then", body = Interaction),
        (status = 400, description = "That is no number, there is a query, or the body is no JSON", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No token, or a wrong one", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "Never was, or is forgotten", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It does not wait any more", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The body is too long", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "The body does not say that it is JSON", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Nothing to change, an unknown queue, skill, supervisor or field, or a requirement that cannot be read", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "A thread is stuck", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn change(
    State(view): State<Arc<View>>,
    _: NoQuery,
    Path(id): Path<u64>,
    Body(wish): Body<ChangeWish>,
) -> Answer<Interaction> {
    let interaction = InteractionId(id);
    let (change, by) = wish.change(&Dictionary::of(&view).words())?;
    let command = Command::Change { interaction, change, by };
    let (done, ongoing) = view.api.change(interaction, command).await?;
    let Err(refusal) = done else {
        let ChangeWish { priority, require, queue, by } = wish;
        // An empty text is how the wish to need nothing is written, too.
        let require = require.map(Option::unwrap_or_default);
        info!(interaction = id, priority, require, queue, by, "interaction changed by the API");
        return told(&view, interaction, ongoing).await;
    };
    let state = match ongoing {
        Some(ongoing) => InteractionState::of(ongoing.standing),
        // Whoever is not remembered either is unknown.
        None => told(&view, interaction, None).await?.0.state,
    };
    Err(Trouble(wish.refused(refusal, interaction, state)))
}

/// An interaction as it is now.
async fn looked_up(view: &View, interaction: InteractionId) -> Answer<Interaction> {
    let ongoing = view.api.engine(move |engine| engine.interaction(interaction)).await?;
    told(view, interaction, ongoing).await
}

/// What is known of an interaction that goes on, or else is remembered.
async fn told(view: &View, interaction: InteractionId, ongoing: Option<Ongoing>) -> Answer<Interaction> {
    if let Some(ongoing) = ongoing {
        let now = view.clock.now();
        let told =
            view.api.distributor(move |distributor| distributor.estimate_for(now, interaction)).await?;
        let mut answer = Interaction::ongoing(&ongoing, &Dictionary::of(view).words());
        answer.estimated_wait = told.map(|told| EstimatedWait::new(&told));
        return Ok(Json(answer));
    }
    let ended = view.api.remembered.read(|ledger| ledger.find(interaction)).await;
    match ended {
        Some(record) => Ok(Json(Interaction::ended(&record, &Dictionary::of(view).words()))),
        None => Err(Trouble(Problem::unknown(
            "interaction",
            &interaction.0.to_string(),
            "it never was, or is forgotten: see `ended_interactions` of [http]",
        ))),
    }
}

fn filter(wanted: &Wanted, words: &Words<'_>) -> Result<Filter, Problem> {
    let queue = wanted.queue.as_ref().map(|name| -> Result<QueueId, Problem> {
        let unknown = || Problem::unknown("queue", name, "see GET /api/v1/queues for all of them");
        words.find_queue_ever(name).ok_or_else(unknown)
    });
    let agent = wanted.agent.as_ref().map(|id| -> Result<AgentId, Problem> {
        let unknown = || Problem::unknown("agent", id, "see GET /api/v1/agents for all of them");
        words.find_agent_ever(id).ok_or_else(unknown)
    });
    Ok(Filter { queue: queue.transpose()?, agent: agent.transpose()? })
}
