//! Parameters: `;name=value` lists of URIs and headers.

use std::fmt;

use memchr::{memchr, memchr_iter};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::Syntax;
use crate::lexis::{self, Octets};

/// One parameter. The value stands as it does in the message, quotes included.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Param {
    /// The name as spelled; compared without regard to case.
    pub name: SmolStr,
    /// The value as spelled (quotes and escapes included); `None` for a flag such as `lr`.
    pub value: Option<SmolStr>,
}

/// Parameters in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Params(Vec<Param>);

/// Parameters of one value; more is an error. Comparing two values costs the product of their numbers.
const PARAMS_MAX: usize = 64;

/// `token` and what else URIs have in names of parameters (RFC 3261 §25.1, paramchar).
const NAME: Octets = Octets::alphanumeric_and(b"-.!%*_+`'~[]/:&$");

/// What ends no parameter: all but controls, white space, quotes, angle brackets and separators.
const VALUE: Octets = Octets::all_but(b"\"<>;,");

impl Params {
    /// No parameters.
    pub fn new() -> Params {
        Params::default()
    }

    /// Reads `;a=b;c`, white space around the separators allowed (RFC 3261 §25.1, generic-param).
    pub fn parse(text: &[u8]) -> Result<Params, Syntax> {
        let text = lexis::trim(text);
        if text.is_empty() {
            return Ok(Params::new());
        }
        let text = text.strip_prefix(b";").ok_or(Syntax::Param)?;
        // Dialogs keep parameters as long as their call lasts, mostly a single one.
        let number = memchr_iter(b';', text).count() + 1;
        let mut params = Vec::with_capacity(number.min(PARAMS_MAX));
        for param in lexis::split_bare(text, b';') {
            if params.len() == PARAMS_MAX {
                return Err(Syntax::Param);
            }
            params.push(Param::parse(param)?);
        }
        Ok(Params(params))
    }

    /// In order.
    pub fn iter(&self) -> impl Iterator<Item = &Param> {
        self.0.iter()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The parameter of this name.
    pub fn find(&self, name: &str) -> Option<&Param> {
        self.0.iter().find(|param| param.name.eq_ignore_ascii_case(name))
    }

    /// Whether there is a parameter of this name, with or without a value.
    pub fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// The value of the parameter of this name, as it stands.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.find(name)?.value.as_deref()
    }

    /// The value of the parameter of this name without quotes and their escapes.
    pub fn unquoted(&self, name: &str) -> Option<String> {
        let value = self.value(name)?;
        match lexis::unquote(value.as_bytes()) {
            Some(plain) => String::from_utf8(plain).ok(),
            None => Some(value.to_owned()),
        }
    }

    /// Sets a parameter, in its old place where it had one.
    pub fn set(&mut self, name: &str, value: Option<&str>) {
        let value = value.map(SmolStr::from);
        match self.0.iter_mut().find(|param| param.name.eq_ignore_ascii_case(name)) {
            Some(param) => param.value = value,
            None => {
                self.0.reserve_exact(1);
                self.0.push(Param { name: name.into(), value });
            }
        }
    }

    /// Takes a parameter out.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|param| !param.name.eq_ignore_ascii_case(name));
    }
}

impl Param {
    fn parse(text: &[u8]) -> Result<Param, Syntax> {
        let equals = memchr(b'=', text);
        let (name, value) = match equals {
            Some(at) => (lexis::trim(&text[..at]), Some(lexis::trim(&text[at + 1..]))),
            None => (text, None),
        };
        if name.is_empty() || !NAME.has_all(name) {
            return Err(Syntax::Param);
        }
        if value.is_some_and(|value| !is_value(value)) {
            return Err(Syntax::Param);
        }
        let text = |part: &[u8]| std::str::from_utf8(part).map(SmolStr::from).map_err(|_| Syntax::Utf8);
        Ok(Param { name: text(name)?, value: value.map(text).transpose()? })
    }
}

/// A quoted string, or something without octets that end a parameter.
fn is_value(value: &[u8]) -> bool {
    if value.first() == Some(&b'"') {
        return lexis::unquote(value).is_some();
    }
    !value.is_empty() && VALUE.has_all(value)
}

impl fmt::Display for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for param in &self.0 {
            match &param.value {
                Some(value) => write!(f, ";{}={value}", param.name)?,
                None => write!(f, ";{}", param.name)?,
            }
        }
        Ok(())
    }
}
