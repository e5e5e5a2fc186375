//! Transactions: one request and its answer, made reliable (RFC 3261 §17 with RFC 6026).
//!
//! [`Client`] and [`Server`] are the four machines of the RFC as two structs (each with an INVITE and
//! a non-INVITE side, as the RFC draws them); [`Transactions`] holds all of them, finds the right one
//! for a message and owns their deadlines. What is sent stays as octets, so a retransmission is a
//! copy. Nothing here knows a dialog or a session: whoever made a transaction is named by its *user*
//! (the RFC's transaction user) and is told what happened.

mod allowance;
mod client;
mod key;
mod server;
mod timers;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use timing::{Instant, TimerWheel};

pub(crate) use allowance::{AMPLIFICATION_MAX, Allowance, Worth};
pub(crate) use client::ClientState;
use client::{Client, Expiry, Verdict};
pub(crate) use key::Key;
use server::{Server, ServerState};
pub use timers::Timers;

use crate::user_agent::{ExchangeId, SessionId};
use crate::{Flow, Message, Method, Transmit, compose};

/// Names a client transaction; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct ClientId(u64);

/// Names a server transaction; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct ServerId(u64);

/// On whose behalf a request of ours was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ClientUser {
    /// The INVITE that began a session.
    Invite(SessionId),
    /// A request inside a session.
    Exchange(SessionId, ExchangeId),
    /// The BYE that ends a session.
    Bye(SessionId),
    /// Nobody waits for the answer: a CANCEL, or the BYE to a fork that came too late.
    Nobody,
}

/// On whose behalf a request is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ServerUser {
    /// The INVITE that began a session.
    Invite(SessionId),
    /// A request inside a session.
    Exchange(SessionId, ExchangeId),
    /// It was answered at once.
    Nobody,
}

/// Whose deadline it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Alarm {
    /// A client transaction's.
    Client(ClientId),
    /// A server transaction's.
    Server(ServerId),
}

/// What stands in the wheel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Deadline {
    /// Timers A, E, G and other repetitions.
    Retransmit(Alarm),
    /// Timers B, C, D, F, H, I, J, K, L, M: the end of a state.
    Expire(Alarm),
}

/// A request of ours that has got a response worth telling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answered {
    pub(crate) id: ClientId,
    pub(crate) user: ClientUser,
    /// The way the request went.
    pub(crate) flow: Flow,
    pub(crate) request: Message,
}

/// A request of ours that will not be answered; its transaction is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lost {
    pub(crate) user: ClientUser,
    pub(crate) request: Message,
}

/// What a deadline means for the user of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// No final response came (timers B and F).
    TimedOut(Lost),
    /// The INVITE rang longer than timer C allows; it waits to be cancelled.
    RangTooLong(ClientUser),
    /// Our 2xx was never acknowledged; the transaction is gone (timer L). With what may still be sent where the
    /// source has shown nothing.
    AckMissing(ServerUser, Option<Allowance>),
}

/// What every machine needs below it: the timer settings, the wheel and the way out.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Lower {
    pub(crate) timers: Timers,
    pub(crate) wheel: TimerWheel<Deadline>,
    pub(crate) transmits: VecDeque<Transmit>,
}

impl Lower {
    pub(crate) fn send(&mut self, flow: Flow, bytes: Bytes) {
        self.transmits.push_back(Transmit { flow, bytes });
    }
}

/// All transactions of a user agent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Transactions {
    pub(crate) lower: Lower,
    clients: BTreeMap<ClientId, Box<Client>>,
    client_keys: BTreeMap<Key, ClientId>,
    /// By where they were sent: what a stream or a host that is gone means is found without a search.
    clients_to: BTreeSet<(SocketAddr, ClientId)>,
    servers: BTreeMap<ServerId, Box<Server>>,
    server_keys: BTreeMap<Key, ServerId>,
    merge_keys: BTreeMap<Key, ServerId>,
    next: u64,
}

impl Transactions {
    pub(crate) fn new(timers: Timers) -> Transactions {
        Transactions {
            lower: Lower { timers, wheel: TimerWheel::new(), transmits: VecDeque::new() },
            clients: BTreeMap::new(),
            client_keys: BTreeMap::new(),
            clients_to: BTreeSet::new(),
            servers: BTreeMap::new(),
            server_keys: BTreeMap::new(),
            merge_keys: BTreeMap::new(),
            next: 0,
        }
    }

    pub(crate) fn client_count(&self) -> usize {
        self.clients.len()
    }

    pub(crate) fn server_count(&self) -> usize {
        self.servers.len()
    }

    pub(crate) fn client(&self, id: ClientId) -> Option<&Client> {
        self.clients.get(&id).map(Box::as_ref)
    }

    pub(crate) fn server(&self, id: ServerId) -> Option<&Server> {
        self.servers.get(&id).map(Box::as_ref)
    }

    /// Sends a request whose top Via carries `branch`.
    pub(crate) fn request(
        &mut self,
        now: Instant,
        branch: &str,
        user: ClientUser,
        flow: Flow,
        request: Message,
    ) -> ClientId {
        let id = ClientId(self.number());
        let method = request.method();
        let key = Key::client(branch, &method);
        let mut client = Client::new(key.clone(), user, flow, request, method == Method::Invite);
        client.start(now, Alarm::Client(id), &mut self.lower);
        self.client_keys.insert(key, id);
        self.clients_to.insert((flow.remote, id));
        self.clients.insert(id, Box::new(client));
        id
    }

    /// The request of ours with this branch and method, where it is not forgotten.
    pub(crate) fn find_client(&self, branch: &str, method: &Method) -> Option<ClientId> {
        self.client_keys.get(&Key::client(branch, method)).copied()
    }

    /// A response arrived: what it answers, where that is news. `None`: it was seen before.
    pub(crate) fn response(&mut self, now: Instant, id: ClientId, response: &Message) -> Option<Answered> {
        let client = self.clients.get_mut(&id).expect("only a known transaction is answered");
        let answered = Answered { id, user: client.user, flow: client.flow, request: client.request.clone() };
        let (verdict, is_over) = client.response(now, Alarm::Client(id), response, &mut self.lower);
        if verdict == Verdict::DeliverAndAcknowledge
            && let Ok(ack) = compose::ack_of(&client.request, response)
        {
            client.refused(ack.bytes().clone(), &mut self.lower);
        }
        if is_over {
            self.drop_client(id);
        }
        match verdict {
            Verdict::Deliver | Verdict::DeliverAndAcknowledge => Some(answered),
            Verdict::Absorbed => None,
        }
    }

    /// The ACK for a 2xx; sent even where the transaction is gone, because the other side waits.
    pub(crate) fn acknowledge_2xx(&mut self, id: ClientId, remote_tag: &[u8], ack: Transmit) {
        match self.clients.get_mut(&id) {
            Some(client) => client.accepted(remote_tag, ack, &mut self.lower),
            None => self.lower.transmits.push_back(ack),
        }
    }

    /// A CANCEL for this INVITE was sent.
    pub(crate) fn cancelled(&mut self, now: Instant, id: ClientId) {
        if let Some(client) = self.clients.get_mut(&id) {
            client.cancelled(now, Alarm::Client(id), &mut self.lower);
        }
    }

    /// Nobody waits for the answer of this request any more.
    pub(crate) fn disown_client(&mut self, now: Instant, id: ClientId) {
        if let Some(client) = self.clients.get_mut(&id) {
            client.disown(now, Alarm::Client(id), &mut self.lower);
        }
    }

    /// A stream was opened: requests that waited for one to that address are on it now. `true` where there
    /// were any.
    pub(crate) fn stream_opened(&mut self, opened: Flow) -> bool {
        let mut is_awaited = false;
        for id in self.sent_to(opened.remote) {
            let client = self.clients.get_mut(&id).expect("every address names a transaction");
            if client.flow.connection.is_none() && client.flow.protocol == opened.protocol {
                client.flow = opened;
                is_awaited = true;
            }
        }
        is_awaited
    }

    fn sent_to(&self, remote: SocketAddr) -> Vec<ClientId> {
        let all = (remote, ClientId(0))..=(remote, ClientId(u64::MAX));
        self.clients_to.range(all).map(|(_, id)| *id).collect()
    }

    /// Every request to `remote` without a final response for which `is_lost` holds cannot be answered
    /// any more: the transactions are gone.
    pub(crate) fn transport_failed(
        &mut self,
        remote: SocketAddr,
        is_lost: impl Fn(&Flow) -> bool,
    ) -> Vec<Lost> {
        let is_waiting = |client: &Client| match client.state {
            ClientState::Calling | ClientState::Proceeding | ClientState::Cancelled => true,
            ClientState::Completed | ClientState::Accepted => false,
        };
        let mut lost = self.sent_to(remote);
        lost.retain(|id| {
            let client = self.clients.get(id).expect("every address names a transaction");
            is_waiting(client) && is_lost(&client.flow)
        });
        lost.into_iter().map(|id| self.drop_client(id)).collect()
    }

    /// Whether a request with this key is known; answers it again if so.
    pub(crate) fn request_again(&mut self, key: &Key) -> bool {
        let Some(id) = self.server_keys.get(key) else { return false };
        let server = self.servers.get_mut(id).expect("every key names a transaction");
        server.request_again(&mut self.lower);
        true
    }

    /// The server transaction of this key.
    pub(crate) fn find_server(&self, key: &Key) -> Option<ServerId> {
        self.server_keys.get(key).copied()
    }

    /// Whether another way brought the same request before (RFC 3261 §8.2.2.2).
    pub(crate) fn is_merged(&self, merge_key: &Key) -> bool {
        self.merge_keys.contains_key(merge_key)
    }

    /// A new request that will be answered by [`Transactions::respond`]. `merge_key` for requests
    /// outside dialogs, `allowance` where its source has shown nothing.
    pub(crate) fn accept(
        &mut self,
        key: Key,
        merge_key: Option<Key>,
        user: ServerUser,
        flow: Flow,
        request: Message,
        allowance: Option<Allowance>,
    ) -> ServerId {
        let id = ServerId(self.number());
        self.server_keys.insert(key.clone(), id);
        if let Some(merge_key) = &merge_key {
            self.merge_keys.insert(merge_key.clone(), id);
        }
        self.servers.insert(id, Box::new(Server::new(key, merge_key, user, flow, request, allowance)));
        id
    }

    /// Whether a response can still be sent.
    pub(crate) fn is_unanswered(&self, id: ServerId) -> bool {
        self.servers.get(&id).is_some_and(|server| server.state == ServerState::Proceeding)
    }

    /// Sends a response; the transaction must be [unanswered](Transactions::is_unanswered).
    pub(crate) fn respond(&mut self, now: Instant, id: ServerId, status: u16, response: Bytes) {
        let server = self.servers.get_mut(&id).expect("only a known transaction is answered");
        if server.respond(now, Alarm::Server(id), status, response, &mut self.lower) {
            self.drop_server(id);
        }
    }

    /// An ACK with the key of an INVITE that was refused. `false`: it is not for a refusal.
    pub(crate) fn refusal_acknowledged(&mut self, now: Instant, key: &Key) -> bool {
        let Some(&id) = self.server_keys.get(key) else { return false };
        let server = self.servers.get_mut(&id).expect("every key names a transaction");
        match server.state {
            ServerState::Completed | ServerState::Confirmed => {
                if server.refusal_acknowledged(now, Alarm::Server(id), &mut self.lower) {
                    self.drop_server(id);
                }
                true
            }
            ServerState::Proceeding | ServerState::Accepted | ServerState::Acknowledged => false,
        }
    }

    /// The ACK of a 2xx came; `true` for the first one.
    pub(crate) fn acknowledged(&mut self, id: ServerId) -> bool {
        self.servers.get_mut(&id).is_some_and(|server| server.acknowledged(&mut self.lower))
    }

    /// The next thing that the deadlines up to `now` bring about; call until `None`.
    pub(crate) fn handle_timeout(&mut self, now: Instant) -> Option<Due> {
        while let Some(deadline) = self.lower.wheel.poll(now) {
            match deadline {
                Deadline::Retransmit(alarm @ Alarm::Client(id)) => {
                    let client = self.clients.get_mut(&id).expect("a transaction takes its deadlines along");
                    client.retransmit(now, alarm, &mut self.lower);
                }
                Deadline::Retransmit(alarm @ Alarm::Server(id)) => {
                    let server = self.servers.get_mut(&id).expect("a transaction takes its deadlines along");
                    server.retransmit(now, alarm, &mut self.lower);
                }
                Deadline::Expire(Alarm::Client(id)) => {
                    let client = self.clients.get_mut(&id).expect("a transaction takes its deadlines along");
                    match client.expire() {
                        Expiry::RangTooLong => return Some(Due::RangTooLong(client.user)),
                        Expiry::TimedOut => return Some(Due::TimedOut(self.drop_client(id))),
                        Expiry::Over => {
                            self.drop_client(id);
                        }
                    }
                }
                Deadline::Expire(Alarm::Server(id)) => {
                    let server = self.servers.get_mut(&id).expect("a transaction takes its deadlines along");
                    let due = server.expire();
                    self.drop_server(id);
                    if due.is_some() {
                        return due;
                    }
                }
            }
        }
        None
    }

    fn drop_client(&mut self, id: ClientId) -> Lost {
        let mut client = self.clients.remove(&id).expect("only a known transaction is dropped");
        client.stop(&mut self.lower);
        self.client_keys.remove(&client.key);
        self.clients_to.remove(&(client.flow.remote, id));
        Lost { user: client.user, request: client.request }
    }

    fn drop_server(&mut self, id: ServerId) {
        let mut server = self.servers.remove(&id).expect("only a known transaction is dropped");
        server.stop(&mut self.lower);
        self.server_keys.remove(&server.key);
        if let Some(merge_key) = &server.merge_key
            && self.merge_keys.get(merge_key) == Some(&id)
        {
            self.merge_keys.remove(merge_key);
        }
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}
