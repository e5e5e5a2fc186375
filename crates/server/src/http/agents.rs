//! Agents and their presence.

use std::sync::Arc;

use acd::{AgentId, AgentSnapshot, Command, InteractionId};
use axum::Json;
use axum::extract::State;
use cti::{AfterCallWorkEnd, Agent, Agents, Extension, PresenceWish, Problem, Words};
use tracing::info;

use super::View;
use super::api::Dictionary;
use super::problem::{Answer, Body, MaybeBody, Path, Trouble};

/// Every agent as they are now.
#[utoipa::path(get, path = "/api/v1/agents", tag = "agents", operation_id = "list_agents", security(("token" = [])), responses(
    (status = 200, description = "Every agent, by id", body = Agents),
    (status = 401, description = "No token, or a wrong one", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn list(State(view): State<Arc<View>>) -> Json<Agents> {
    let published = view.published.load();
    Json(Agents::new(&published.snapshot, &Dictionary::of(&view).words()))
}

/// One agent as they are at this moment.
#[utoipa::path(get, path = "/api/v1/agents/{id}", tag = "agents", operation_id = "show_agent", security(("token" = [])),
    params(("id" = String, Path, description = "The id in the configuration", example = "kim")),
    responses(
        (status = 200, description = "The agent", body = Agent),
        (status = 401, description = "No token, or a wrong one", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is no such agent", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "A thread is stuck", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn show(State(view): State<Arc<View>>, Path(id): Path<String>) -> Answer<Agent> {
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
        (status = 401, description = "No token, or a wrong one", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is no such agent", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "No phone of the agent is registered, or a supervisor has forced another presence that holds", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The reason or the supervisor is missing, unknown or out of place", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "A thread is stuck", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn set_presence(
    State(view): State<Arc<View>>,
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
    params(("id" = String, Path, description = "The id in the configuration", example = "kim")),
    responses(
        (status = 200, description = "The agent as they are then", body = Agent),
        (status = 401, description = "No token, or a wrong one", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is no such agent", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "A thread is stuck", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn lift_forced(State(view): State<Arc<View>>, Path(id): Path<String>) -> Answer<Agent> {
    let agent = find(&view, &id)?;
    let told = tell(&view, &id, agent, Command::LiftForced { agent }).await?;
    info!(agent = id, "forced presence lifted by the API");
    Ok(told)
}

/// After-call work is done before its time, but not before the queue's `after_call_work_min`: the agent is free for
/// the next call. Of several it is that of `interaction`, or else the one that began first.
#[utoipa::path(post, path = "/api/v1/agents/{id}/after-call-work/end", tag = "agents", operation_id = "end_after_call_work", security(("token" = [])),
    params(("id" = String, Path, description = "The id in the configuration", example = "kim")),
    request_body = Option<AfterCallWorkEnd>,
    responses(
        (status = 200, description = "The agent as they are then", body = Agent),
        (status = 401, description = "No token, or a wrong one", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is no such agent", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The agent is not in after-call work, or it must last longer", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "A thread is stuck", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn end_after_call_work(
    State(view): State<Arc<View>>,
    Path(id): Path<String>,
    MaybeBody(end): MaybeBody<AfterCallWorkEnd>,
) -> Answer<Agent> {
    let agent = find(&view, &id)?;
    let interaction = end.unwrap_or_default().interaction.map(InteractionId);
    tell(&view, &id, agent, Command::EndAfterCallWork { agent, interaction }).await
}

/// After-call work lasts longer, up to `after_call_work_max` of the queue and of `[routing]` in all.
#[utoipa::path(post, path = "/api/v1/agents/{id}/after-call-work/extend", tag = "agents", operation_id = "extend_after_call_work", security(("token" = [])),
    params(("id" = String, Path, description = "The id in the configuration", example = "kim")),
    request_body = Extension,
    responses(
        (status = 200, description = "The agent as they are then", body = Agent),
        (status = 401, description = "No token, or a wrong one", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is no such agent", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The agent is not in after-call work", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "So many seconds cannot be", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "A thread is stuck", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn extend_after_call_work(
    State(view): State<Arc<View>>,
    Path(id): Path<String>,
    Body(extension): Body<Extension>,
) -> Answer<Agent> {
    let agent = find(&view, &id)?;
    let (interaction, by) = (extension.interaction.map(InteractionId), extension.duration()?);
    tell(&view, &id, agent, Command::ExtendAfterCallWork { agent, interaction, by }).await
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
