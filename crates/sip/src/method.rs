//! Methods of requests.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a request asks for. Methods are case-sensitive (RFC 3261 §7.1), so `invite` is [`Method::Other`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Method {
    /// RFC 3261 §17.1.1.3.
    Ack,
    /// RFC 3261 §15.
    Bye,
    /// RFC 3261 §9.
    Cancel,
    /// RFC 6086.
    Info,
    /// RFC 3261 §13.
    Invite,
    /// RFC 3428.
    Message,
    /// RFC 6665.
    Notify,
    /// RFC 3261 §11.
    Options,
    /// RFC 3262.
    Prack,
    /// RFC 3903.
    Publish,
    /// RFC 3515.
    Refer,
    /// RFC 3261 §10.
    Register,
    /// RFC 6665.
    Subscribe,
    /// RFC 3311.
    Update,
    /// Any other token: answered 501 or 405, never dropped.
    Other(String),
}

/// The methods with a variant of their own, in its order.
const KNOWN: [(Method, &str); 14] = [
    (Method::Ack, "ACK"),
    (Method::Bye, "BYE"),
    (Method::Cancel, "CANCEL"),
    (Method::Info, "INFO"),
    (Method::Invite, "INVITE"),
    (Method::Message, "MESSAGE"),
    (Method::Notify, "NOTIFY"),
    (Method::Options, "OPTIONS"),
    (Method::Prack, "PRACK"),
    (Method::Publish, "PUBLISH"),
    (Method::Refer, "REFER"),
    (Method::Register, "REGISTER"),
    (Method::Subscribe, "SUBSCRIBE"),
    (Method::Update, "UPDATE"),
];

impl Method {
    /// The method spelled so; `None` where `spelling` is not a token (RFC 3261 §25.1).
    pub fn parse(spelling: &[u8]) -> Option<Method> {
        if let Some((method, _)) = KNOWN.iter().find(|(_, name)| name.as_bytes() == spelling) {
            return Some(method.clone());
        }
        if !crate::lexis::is_all_token(spelling) {
            return None;
        }
        let spelling = std::str::from_utf8(spelling).expect("the octets of a token are ASCII");
        Some(Method::Other(spelling.to_owned()))
    }

    /// As it stands in a message.
    pub fn as_str(&self) -> &str {
        match self {
            Method::Other(token) => token,
            Method::Ack => "ACK",
            Method::Bye => "BYE",
            Method::Cancel => "CANCEL",
            Method::Info => "INFO",
            Method::Invite => "INVITE",
            Method::Message => "MESSAGE",
            Method::Notify => "NOTIFY",
            Method::Options => "OPTIONS",
            Method::Prack => "PRACK",
            Method::Publish => "PUBLISH",
            Method::Refer => "REFER",
            Method::Register => "REGISTER",
            Method::Subscribe => "SUBSCRIBE",
            Method::Update => "UPDATE",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_methods_are_found_by_their_exact_spelling() {
        for (method, name) in KNOWN {
            assert_eq!(Method::parse(name.as_bytes()), Some(method.clone()));
            assert_eq!(method.as_str(), name);
        }
    }

    #[test]
    fn any_token_is_a_method_and_nothing_else_is() {
        assert_eq!(Method::parse(b"invite"), Some(Method::Other("invite".into())));
        assert_eq!(
            Method::parse(b"!interesting-Method0123456789_*+`.%indeed'~"),
            Some(Method::Other("!interesting-Method0123456789_*+`.%indeed'~".into()))
        );
        assert_eq!(Method::parse(b""), None);
        assert_eq!(Method::parse(b"IN VITE"), None);
        assert_eq!(Method::parse(b"INVITE\0"), None);
    }
}
