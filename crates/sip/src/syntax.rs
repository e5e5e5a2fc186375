//! Why a value could not be read.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What is wrong with a URI, an address, a Via or another value. It is always the sender's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Syntax {
    /// Not UTF-8 where the grammar is ASCII.
    Utf8,
    /// No URI.
    Uri,
    /// No host name and no address.
    Host,
    /// No port number.
    Port,
    /// A malformed parameter.
    Param,
    /// Angle brackets that do not match, or missing where they must stand (RFC 3261 §20.10).
    Bracket,
    /// Quotes that do not match, or a display name that needs them.
    Quote,
    /// No Via.
    Via,
    /// A number out of range or with other octets in it.
    Number,
    /// A value that is none of those the header may have.
    Value,
}

impl fmt::Display for Syntax {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Syntax::Utf8 => "not UTF-8",
            Syntax::Uri => "not a URI",
            Syntax::Host => "not a host",
            Syntax::Port => "not a port",
            Syntax::Param => "malformed parameter",
            Syntax::Bracket => "angle brackets do not match or are missing",
            Syntax::Quote => "quotes do not match or are missing",
            Syntax::Via => "not a Via",
            Syntax::Number => "not a number in range",
            Syntax::Value => "not one of the values allowed",
        })
    }
}

impl std::error::Error for Syntax {}
