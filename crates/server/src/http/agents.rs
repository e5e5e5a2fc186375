//! Agents and their presence.
#![expect(
    unused_qualifications,
    reason = "the macro of the API's description writes longer paths than it needs"
)]

use std::sync::Arc;

use acd::{AgentId, AgentSnapshot, Command, InteractionId};
use axum::Json;
use axum::extract::State;
use cti::{AfterCallWorkEnd, Agent, Agents, Extension, PresenceWish, Problem, Words, withdrawn_by};
use serde::Deserialize;
use tracing::info;
use utoipa::IntoParams;

use super::View;
use super::api::Dictionary;
use super::problem::{Answer, Body, MaybeBody, NoQuery, Parameters, Path, Trouble};

/// Who lifts a forced presence.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Lifting {
    /// The id of one of the `[[supervisor]]`s, for the log; left out: nobody in particular.
    by: Option<String>,
}

/// Every agent as they are now.
#[utoipa::path(get, path = "/api/v1/agents", tag = "agents", operation_id = "list_agents", security(("token" = [])), responses(
    (status = 200, description = "Every agent, by id", body = Agents),
    (status = 400, description = "There is a query", body = Problem, content_type = "application/problem+json"),
    (status = 401, description = "No token, or a wrong one", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn list(State(view): State<Arc<View>>, _: NoQuery) -> Json<Agents> {
    let published = view.published.load();
    Json(Agents::new(&published.snapshot, &Dictionary::of(&view).words()))
}

/// One agent as they are at this moment.
#[utoipa::path(get, path = "/api/v1/agents/{id}", tag = "agents", operation_id = "show_agent", security(("token" = [])),
    params(("id" = String, Path, description = "The id in the configuration", example = "kim")),
    responses(
        (status = 200, description = "The agent", body = Agent),
        (status = 400, description = "There is a query", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No token, or a wrong one", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is no such agent", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "A thread is stuck", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn show(State(view): State<Arc<View>>, _: NoQuery, Path(id): Path<String>) -> Answer<Agent> {
    let agent = find(&view, &id)?;
    let seen = view.api.distributor(move |distributor| distributor.agent_snapshot(agent)).await?;
    told(&view, &id, &seen.ok_or_else(|| unknown(&id))?)
}

/// What an agent wants from now on: ready, not ready with a reason, or logged out. Logs in or out where that is
/// needed; saying it twice does no harm. A conversation goes on whatever is said here. With `forced_by` it is a
/// supervisor who says it, against the agent's own wish.
#[utoipa::path(put, path = "/api/v1/agents/{id}/presence", tag = "agents", operation_id = "set_presence", security(("token" = [])),
    params(("id" = String, Path, description = "The id in the configuration", example = "kim")),
    request_body = PresenceWish,
    responses(
        (status = 200, description = "The agent as they are then", body = Agent),
        (status = 400, description = "There is a query, or the body is no JSON", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No token, or a wrong one", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is no such agent", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "No phone of the agent is registered, or a supervisor has forced another presence that holds", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The body is too long", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "The body does not say that it is JSON", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The reason or the supervisor is missing, unknown or out of place", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "A thread is stuck", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn set_presence(
    State(view): State<Arc<View>>,
    _: NoQuery,
    Path(id): Path<String>,
    Body(wish): Body<PresenceWish>,
) -> Answer<Agent> {
    let agent = find(&view, &id)?;
    let (presence, forced) = {
        let dictionary = Dictionary::of(&view);
        let words = dictionary.words();
        (wish.presence(&words)?, wish.forced(&words)?)
    };
    let command = view.api.engine(move |engine| engine.presence(agent, presence)).await?;
    let command = command.map_err(|no_phone| Problem::no_phone(no_phone, &id))?;
    let command = match forced {
        Some((by, why)) => Command::ForcePresence { agent, presence, by, why },
        None => command,
    };
    let told = tell(&view, &id, agent, command).await?;
    let PresenceWish { presence, reason, forced_by } = wish;
    info!(agent = id, ?presence, reason, forced_by, "presence set by the API");
    Ok(told)
}

/// The agent is free to change what a supervisor has forced. The presence stays; where nothing is forced nothing
/// happens.
#[utoipa::path(delete, path = "/api/v1/agents/{id}/presence/forced", tag = "agents", operation_id = "lift_forced_presence", security(("token" = [])),
    params(("id" = String, Path, description = "The id in the configuration", example = "kim"), Lifting),
    responses(
        (status = 200, description = "The agent as they are then", body = Agent),
        (status = 400, description = "The query cannot be taken", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No token, or a wrong one", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is no such agent", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "There is no such supervisor", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "A thread is stuck", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn lift_forced(
    State(view): State<Arc<View>>,
    Path(id): Path<String>,
    Parameters(lifting): Parameters<Lifting>,
) -> Answer<Agent> {
    let agent = find(&view, &id)?;
    withdrawn_by(lifting.by.as_deref(), &Dictionary::of(&view).words())?;
    let seen = view.api.distributor(move |distributor| distributor.agent_snapshot(agent)).await?;
    let seen = seen.ok_or_else(|| unknown(&id))?;
    let Some(forced) = seen.forced else { return told(&view, &id, &seen) };
    let told = tell(&view, &id, agent, Command::LiftForced { agent }).await?;
    let forced_by = Dictionary::of(&view).words().supervisor(forced.by);
    info!(agent = id, by = lifting.by, forced_by, "forced presence lifted by the API");
    Ok(told)
}

/// After-call work is done before its time, but not before the queue's `after_call_work_min`: the agent is free for
/// the next call. Of several it is that of `interaction`, or else the one that began first.
#[utoipa::path(post, path = "/api/v1/agents/{id}/after-call-work/end", tag = "agents", operation_id = "end_after_call_work", security(("token" = [])),
    params(("id" = String, Path, description = "The id in the configuration", example = "kim")),
    request_body = Option<AfterCallWorkEnd>,
    responses(
        (status = 200, description = "The agent as they are then", body = Agent),
        (status = 400, description = "There is a query, or the body is no JSON", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No token, or a wrong one", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is no such agent", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The agent is not in after-call work, or not of this interaction, or it must last longer", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The body is too long", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "The body does not say that it is JSON", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body says something else", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "A thread is stuck", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn end_after_call_work(
    State(view): State<Arc<View>>,
    _: NoQuery,
    Path(id): Path<String>,
    MaybeBody(end): MaybeBody<AfterCallWorkEnd>,
) -> Answer<Agent> {
    let agent = find(&view, &id)?;
    let interaction = end.unwrap_or_default().interaction.map(InteractionId);
    let ended = view.api.tell(agent, Command::EndAfterCallWork { agent, interaction }).await?;
    told(&view, &id, &ended.map_err(|refusal| Problem::not_wrapping_up(refusal, &id, interaction))?)
}

/// After-call work lasts longer, up to `after_call_work_max` of the queue and of `[routing]` in all.
#[utoipa::path(post, path = "/api/v1/agents/{id}/after-call-work/extend", tag = "agents", operation_id = "extend_after_call_work", security(("token" = [])),
    params(("id" = String, Path, description = "The id in the configuration", example = "kim")),
    request_body = Extension,
    responses(
        (status = 200, description = "The agent as they are then", body = Agent),
        (status = 400, description = "There is a query, or the body is no JSON", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No token, or a wrong one", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is no such agent", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The agent is not in after-call work, or not of this interaction", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The body is too long", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "The body does not say that it is JSON", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "So many seconds cannot be", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "A thread is stuck", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn extend_after_call_work(
    State(view): State<Arc<View>>,
    _: NoQuery,
    Path(id): Path<String>,
    Body(extension): Body<Extension>,
) -> Answer<Agent> {
    let agent = find(&view, &id)?;
    let (interaction, by) = (extension.interaction.map(InteractionId), extension.duration()?);
    let extended = view.api.tell(agent, Command::ExtendAfterCallWork { agent, interaction, by }).await?;
    told(&view, &id, &extended.map_err(|refusal| Problem::not_wrapping_up(refusal, &id, interaction))?)
}

async fn tell(view: &View, id: &str, agent: AgentId, command: Command) -> Answer<Agent> {
    let seen = view.api.tell(agent, command).await?;
    told(view, id, &seen.map_err(|refusal| Problem::refused(refusal, id))?)
}

fn find(view: &View, id: &str) -> Result<AgentId, Trouble> {
    let found = Dictionary::of(view).words().find_agent(id).map(|(agent, _)| agent);
    found.ok_or_else(|| unknown(id))
}

fn unknown(id: &str) -> Trouble {
    Trouble(Problem::unknown("agent", id, "see GET /api/v1/agents for all of them"))
}

fn told(view: &View, id: &str, seen: &AgentSnapshot) -> Answer<Agent> {
    let dictionary = Dictionary::of(view);
    let words: Words<'_> = dictionary.words();
    let (_, name) = words.find_agent(id).ok_or_else(|| unknown(id))?;
    Ok(Json(Agent::new(seen, name, &words)))
}
