//! Addresses as headers hold them: `"Kim" <sip:kim@host>;tag=1`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::{Params, Syntax, Uri, lexis};

/// One value of From, To, Contact, Route, P-Asserted-Identity, Diversion and their like
/// (RFC 3261 §20.10: name-addr or addr-spec, then header parameters).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NameAddr {
    /// The display name without quotes and escapes; octets that are not UTF-8 replaced.
    pub display: Option<SmolStr>,
    /// The address.
    pub uri: Uri,
    /// Parameters of the header, not of the URI: `tag`, `expires`, `q`, `reason`, ...
    pub params: Params,
}

impl NameAddr {
    /// An address without display name and parameters.
    pub fn new(uri: Uri) -> NameAddr {
        NameAddr { display: None, uri, params: Params::new() }
    }

    /// The same with a display name.
    pub fn with_display(mut self, display: &str) -> NameAddr {
        self.display = Some(display.into());
        self
    }

    /// The same with a tag.
    pub fn with_tag(mut self, tag: &str) -> NameAddr {
        self.params.set("tag", Some(tag));
        self
    }

    /// Reads one value. Without angle brackets all parameters belong to the header, and a `?` or a
    /// comma in the URI is an error (RFC 3261 §20.10).
    pub fn parse(text: &[u8]) -> Result<NameAddr, Syntax> {
        let text = lexis::trim(text);
        let Some(open) = lexis::find_bare(text, b'<') else { return NameAddr::parse_addr_spec(text) };
        let display = parse_display(lexis::trim(&text[..open]))?;
        let close = text[open..].iter().position(|&octet| octet == b'>').ok_or(Syntax::Bracket)? + open;
        let uri = Uri::parse(&text[open + 1..close])?;
        let params = Params::parse(&text[close + 1..])?;
        Ok(NameAddr { display, uri, params })
    }

    fn parse_addr_spec(text: &[u8]) -> Result<NameAddr, Syntax> {
        let end = text.iter().position(|&octet| octet == b';').unwrap_or(text.len());
        let address = lexis::trim(&text[..end]);
        if address.iter().any(|octet| matches!(octet, b'?' | b',')) {
            return Err(Syntax::Bracket);
        }
        Ok(NameAddr { display: None, uri: Uri::parse(address)?, params: Params::parse(&text[end..])? })
    }

    /// The tag.
    pub fn tag(&self) -> Option<&str> {
        self.params.value("tag")
    }
}

/// A quoted string, or words. RFC 3261 asks for tokens; other octets are understood all the same
/// (RFC 4475 §3.1.2.15) as long as none of them could end the name.
fn parse_display(text: &[u8]) -> Result<Option<SmolStr>, Syntax> {
    if text.is_empty() {
        return Ok(None);
    }
    let plain = if text[0] == b'"' {
        lexis::unquote(text).ok_or(Syntax::Quote)?
    } else if text.iter().any(|octet| b"\"<>,;:\\".contains(octet)) {
        return Err(Syntax::Quote);
    } else {
        text.to_vec()
    };
    Ok(Some(lexis::readable(plain).into()))
}

impl fmt::Display for NameAddr {
    /// Always with angle brackets, the display name always quoted.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(display) = &self.display {
            write!(f, "{} ", lexis::quote(display))?;
        }
        write!(f, "<{}>{}", self.uri, self.params)
    }
}

impl FromStr for NameAddr {
    type Err = Syntax;

    fn from_str(text: &str) -> Result<NameAddr, Syntax> {
        NameAddr::parse(text.as_bytes())
    }
}
