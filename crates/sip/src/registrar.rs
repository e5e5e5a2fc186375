//! The registrar: who can be reached where (RFC 3261 §10.3).
//!
//! It believes what it is told about the account: authentication comes before it
//! ([`crate::digest::Authenticator`]), and so does the check that To names the account. What it gets
//! is a request from the owner, what it gives is the status and headers of the answer, the contacts,
//! and events.

mod request;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use timing::{Instant, TimerId, TimerWheel};

use crate::{ConnectionId, Flow, Message, Name, NameAddr, Params, Uri};
use request::{Change, Update};

/// The bounds of registrations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistrarSettings {
    /// What a phone gets that asks for nothing.
    pub expires: Duration,
    /// Less is refused with 423 and Min-Expires.
    pub expires_min: Duration,
    /// More is cut to this.
    pub expires_max: Duration,
    /// Contacts of an account; more is refused with 503 and Retry-After.
    pub contacts_per_account: usize,
    /// Contacts of all accounts; more is refused with 503 and Retry-After.
    pub contacts: usize,
    /// Seconds in Retry-After.
    pub retry_after: Duration,
}

impl Default for RegistrarSettings {
    fn default() -> RegistrarSettings {
        RegistrarSettings {
            expires: Duration::from_secs(3_600),
            expires_min: Duration::from_secs(60),
            expires_max: Duration::from_secs(7_200),
            contacts_per_account: 8,
            contacts: 20_000,
            retry_after: Duration::from_secs(60),
        }
    }
}

/// One place where an account can be reached.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Contact {
    /// The URI that goes into the Request-URI of a call to it.
    pub uri: Uri,
    /// The way to it: back where the registration came from, through NAT or down the TCP connection; to
    /// the contact's own port where no NAT lies between.
    pub flow: Flow,
    /// Preference in thousandths, 0 to 1000 (RFC 3261 §20.10).
    pub q: u16,
    /// When it ends unless refreshed.
    pub expires: Instant,
    /// What names the device over its restarts (RFC 5626 §4.1), unquoted.
    pub instance: Option<String>,
    /// The phone's User-Agent header.
    pub user_agent: Option<String>,
    /// Call-ID of its REGISTER requests.
    pub call_id: Vec<u8>,
    /// CSeq of the latest.
    pub cseq: u32,
}

/// Why a contact is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Cause {
    /// It was not refreshed in time.
    Expired,
    /// The phone took it back, or replaced it.
    Removed,
    /// Its TCP connection is closed.
    FlowLost,
    /// [`Registrar::remove_account`].
    AccountRemoved,
}

/// What happened to an account's contacts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// A contact is there, new or refreshed.
    Registered {
        /// Whose.
        account: String,
        /// Which.
        contact: Contact,
        /// Whether it was not there before.
        is_new: bool,
    },
    /// A contact is gone.
    Unregistered {
        /// Whose.
        account: String,
        /// Which.
        contact: Contact,
        /// Why.
        cause: Cause,
        /// Contacts that the account still has.
        remaining: usize,
    },
}

/// What to answer a REGISTER with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// 200, 400, 423, 500 or 503.
    pub status: u16,
    /// Headers to add: Contact for each binding, Min-Expires, Retry-After.
    pub headers: Vec<(Name, String)>,
}

/// Names a binding for its timer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct BindingKey {
    account: String,
    number: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Binding {
    number: u64,
    timer: TimerId,
    /// Parameters to repeat in the answer, without `expires`.
    params: Params,
    contact: Contact,
}

/// The bindings of all accounts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Registrar {
    settings: RegistrarSettings,
    accounts: BTreeMap<String, Vec<Binding>>,
    /// Which bindings live on a connection.
    connections: BTreeMap<ConnectionId, Vec<(String, u64)>>,
    timers: TimerWheel<BindingKey>,
    events: VecDeque<Event>,
    last_number: u64,
    len: usize,
}

impl Registrar {
    /// Nobody is registered.
    pub fn new(settings: RegistrarSettings) -> Registrar {
        Registrar {
            settings,
            accounts: BTreeMap::new(),
            connections: BTreeMap::new(),
            timers: TimerWheel::new(),
            events: VecDeque::new(),
            last_number: 0,
            len: 0,
        }
    }

    /// New bounds, for the requests to come.
    pub fn configure(&mut self, settings: RegistrarSettings) {
        self.settings = settings;
    }

    /// Carries out a REGISTER by the owner of `account`, all of it or nothing (RFC 3261 §10.3).
    pub fn handle_register(&mut self, now: Instant, account: &str, flow: Flow, request: &Message) -> Reply {
        let updates = match request::read(request, flow, now, &self.settings) {
            Ok(Change::Query) => return self.bindings_reply(now, account),
            Ok(Change::RemoveAll { call_id, cseq }) => return self.remove_all(now, account, &call_id, cseq),
            Ok(Change::Updates(updates)) => updates,
            Err(reply) => return reply,
        };
        if updates.iter().any(|update| self.is_out_of_order(account, &update.contact)) {
            return Reply { status: 500, headers: Vec::new() };
        }
        if !self.has_room(account, &updates) {
            let seconds = self.settings.retry_after.as_secs().to_string();
            return Reply { status: 503, headers: vec![(Name::RetryAfter, seconds)] };
        }
        for update in updates {
            self.apply(account, update);
        }
        self.bindings_reply(now, account)
    }

    /// The contacts of an account, the preferred and then the latest registered first.
    pub fn contacts(&self, account: &str) -> Vec<Contact> {
        let mut bindings: Vec<&Binding> = self.accounts.get(account).into_iter().flatten().collect();
        bindings.sort_by_key(|binding| (1_000 - binding.contact.q.min(1_000), u64::MAX - binding.number));
        bindings.into_iter().map(|binding| binding.contact.clone()).collect()
    }

    /// Contacts of all accounts.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nobody is registered.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Takes all contacts of an account away.
    pub fn remove_account(&mut self, account: &str) {
        for number in self.numbers(account) {
            self.remove(account, number, Cause::AccountRemoved);
        }
    }

    /// A connection is closed: what was registered over it cannot be reached any more.
    pub fn handle_connection_closed(&mut self, connection: ConnectionId) {
        for (account, number) in self.connections.remove(&connection).unwrap_or_default() {
            self.remove(&account, number, Cause::FlowLost);
        }
    }

    /// Contacts whose time is over are gone.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(BindingKey { account, number }) = self.timers.poll(now) {
            self.remove(&account, number, Cause::Expired);
        }
    }

    /// What happened, in order.
    pub fn poll_output(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When to call [`Registrar::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timers.next_deadline()
    }

    fn numbers(&self, account: &str) -> Vec<u64> {
        self.accounts.get(account).into_iter().flatten().map(|binding| binding.number).collect()
    }

    /// RFC 3261 §10.3 step 6, `*`: every binding goes, unless the request is older than one of them.
    fn remove_all(&mut self, now: Instant, account: &str, call_id: &[u8], cseq: u32) -> Reply {
        let bindings = self.accounts.get(account).into_iter().flatten();
        let is_old = bindings
            .map(|binding| &binding.contact)
            .any(|contact| contact.call_id == call_id && contact.cseq >= cseq);
        if is_old {
            return Reply { status: 500, headers: Vec::new() };
        }
        for number in self.numbers(account) {
            self.remove(account, number, Cause::Removed);
        }
        self.bindings_reply(now, account)
    }

    /// RFC 3261 §10.3 step 7: within one Call-ID the CSeq must rise.
    fn is_out_of_order(&self, account: &str, contact: &Contact) -> bool {
        let known = self.find(account, contact).map(|binding| &binding.contact);
        known.is_some_and(|known| known.call_id == contact.call_id && known.cseq >= contact.cseq)
    }

    fn has_room(&self, account: &str, updates: &[Update]) -> bool {
        let is_added = |update: &&Update| !update.is_removal && self.find(account, &update.contact).is_none();
        let added = updates.iter().filter(is_added).count();
        let own = self.accounts.get(account).map_or(0, Vec::len);
        added == 0
            || (own + added <= self.settings.contacts_per_account
                && self.len + added <= self.settings.contacts)
    }

    /// The same URI (RFC 3261 §19.1.4), or the same device (RFC 5626 §6).
    fn find(&self, account: &str, contact: &Contact) -> Option<&Binding> {
        let mut bindings = self.accounts.get(account)?.iter();
        bindings.find(|binding| {
            let known = &binding.contact;
            let is_same_device = known.instance.is_some() && known.instance == contact.instance;
            is_same_device || known.uri.is_equivalent(&contact.uri)
        })
    }

    fn apply(&mut self, account: &str, update: Update) {
        let known = self.find(account, &update.contact).map(|binding| binding.number);
        if update.is_removal {
            if let Some(number) = known {
                self.remove(account, number, Cause::Removed);
            }
            return;
        }
        if let Some(number) = known {
            self.forget(account, number);
        }
        self.last_number += 1;
        let number = self.last_number;
        let key = BindingKey { account: account.to_owned(), number };
        let timer = self.timers.schedule(update.contact.expires, key);
        if let Some(connection) = update.contact.flow.connection {
            self.connections.entry(connection).or_default().push((account.to_owned(), number));
        }
        let Update { contact, params, is_removal: _ } = update;
        self.events.push_back(Event::Registered {
            account: account.to_owned(),
            contact: contact.clone(),
            is_new: known.is_none(),
        });
        self.accounts.entry(account.to_owned()).or_default().push(Binding { number, timer, params, contact });
        self.len += 1;
    }

    /// Takes a binding out of all tables.
    fn forget(&mut self, account: &str, number: u64) -> Option<Contact> {
        let bindings = self.accounts.get_mut(account)?;
        let at = bindings.iter().position(|binding| binding.number == number)?;
        let binding = bindings.remove(at);
        if bindings.is_empty() {
            self.accounts.remove(account);
        }
        self.len -= 1;
        self.timers.cancel(binding.timer);
        if let Some(connection) = binding.contact.flow.connection
            && let Some(there) = self.connections.get_mut(&connection)
        {
            there.retain(|(_, other)| *other != number);
            if there.is_empty() {
                self.connections.remove(&connection);
            }
        }
        Some(binding.contact)
    }

    fn remove(&mut self, account: &str, number: u64, cause: Cause) {
        let Some(contact) = self.forget(account, number) else { return };
        let remaining = self.accounts.get(account).map_or(0, Vec::len);
        self.events.push_back(Event::Unregistered { account: account.to_owned(), contact, cause, remaining });
    }

    /// RFC 3261 §10.3 step 8: every binding there is, with what is left of its time.
    fn bindings_reply(&self, now: Instant, account: &str) -> Reply {
        let header = |binding: &Binding| {
            let mut address = NameAddr::new(binding.contact.uri.clone());
            address.params = binding.params.clone();
            let left = binding.contact.expires.since(now).as_secs();
            address.params.set("expires", Some(&left.to_string()));
            (Name::Contact, address.to_string())
        };
        let bindings = self.accounts.get(account).into_iter().flatten();
        Reply { status: 200, headers: bindings.map(header).collect() }
    }
}
