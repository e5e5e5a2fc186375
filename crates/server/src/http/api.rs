//! What all handlers of the API need: questions to the machines, and names for what they say.

use std::sync::Arc;
use std::time::Duration;

use acd::{AgentSnapshot, Command, Distributor, InteractionId, Refusal};
use arc_swap::{ArcSwap, Guard};
use cti::{Problem, TrunkNames, Words};
use engine::{Engine, NoCallback, Ongoing};
use report::Names;
use tokio::sync::oneshot;

use super::View;
use crate::published::Published;
use crate::remembered::Remembered;
use crate::ring::Producer;
use crate::threads::Look;
use crate::threads::distributor::Ask;
use crate::threads::engine as engine_thread;

/// How long a thread may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// The ways to the machines.
pub struct Api {
    /// To the engine's thread.
    pub engine: Producer<engine_thread::Ask>,
    /// To the distributor's thread.
    pub asks: Producer<Ask>,
    /// Interactions that are over.
    pub remembered: Arc<Remembered>,
    /// What trunks are called.
    pub trunks: Arc<ArcSwap<TrunkNames>>,
}

impl Api {
    /// What the engine says.
    pub(super) async fn engine<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Engine) -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let (reply, answer) = oneshot::channel();
        // Who asked may have given up.
        let look = Look::new(move |engine: &Engine| drop(reply.send(question(engine))));
        self.engine.send(engine_thread::Ask::Look(look)).map_err(|_| Problem::busy())?;
        in_time(answer).await
    }

    /// Has a customer called back who waits; why not.
    pub(super) async fn call_back(
        &self,
        interaction: InteractionId,
        number: Option<String>,
    ) -> Result<Result<(), NoCallback>, Problem> {
        let (reply, answer) = oneshot::channel();
        let ask = engine_thread::Ask::CallBack { interaction, number, reply };
        self.engine.send(ask).map_err(|_| Problem::busy())?;
        in_time(answer).await
    }

    /// What the distributor says.
    pub(super) async fn distributor<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Distributor) -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let (reply, answer) = oneshot::channel();
        let look = Look::new(move |distributor: &Distributor| drop(reply.send(question(distributor))));
        self.asks.send(Ask::Look(look)).map_err(|_| Problem::busy())?;
        in_time(answer).await
    }

    /// Has the distributor do something for an agent; how the agent is then.
    pub(super) async fn tell(
        &self,
        agent: acd::AgentId,
        command: Command,
    ) -> Result<Result<AgentSnapshot, Refusal>, Problem> {
        let (reply, answer) = oneshot::channel();
        self.asks.send(Ask::Tell { agent, command, reply }).map_err(|_| Problem::busy())?;
        in_time(answer).await
    }

    /// Has the distributor change an interaction: how that went, and what the engine knows of it when it has heard of
    /// the change and of all that followed from it.
    pub(super) async fn change(
        &self,
        interaction: InteractionId,
        command: Command,
    ) -> Result<(Result<(), Refusal>, Option<Ongoing>), Problem> {
        let (reply, done) = oneshot::channel();
        let (seen, answer) = oneshot::channel();
        // Who asked may have given up.
        let then = Look::new(move |engine: &Engine| drop(seen.send(engine.interaction(interaction))));
        self.asks.send(Ask::Change { command, reply, then }).map_err(|_| Problem::busy())?;
        let ongoing = in_time(answer).await?;
        Ok((in_time(done).await?, ongoing))
    }
}

async fn in_time<T>(answer: oneshot::Receiver<T>) -> Result<T, Problem> {
    match tokio::time::timeout(PATIENCE, answer).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(_)) | Err(_) => Err(Problem::busy()),
    }
}

/// Names at one moment.
pub(super) struct Dictionary<'a> {
    view: &'a View,
    names: Guard<Arc<Names>>,
    trunks: Guard<Arc<TrunkNames>>,
    published: Guard<Arc<Published>>,
}

impl<'a> Dictionary<'a> {
    pub(super) fn of(view: &'a View) -> Dictionary<'a> {
        Dictionary {
            view,
            names: view.names.load(),
            trunks: view.api.trunks.load(),
            published: view.published.load(),
        }
    }

    /// The names, and what time it is.
    pub(super) fn words(&self) -> Words<'_> {
        Words {
            names: &self.names,
            trunks: &self.trunks,
            calling_back: &self.published.figures.calling_back,
            now: self.view.clock.now(),
            since_1970: crate::process::since_1970(),
        }
    }
}
