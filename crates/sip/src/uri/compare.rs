//! When two URIs are the same (RFC 3261 §19.1.4, RFC 3966 §4).

use smol_str::SmolStr;

use super::{SipUri, TelUri, Uri, unescape};
use crate::Params;

/// Parameters that must stand in both URIs or in neither.
const BINDING: [&str; 5] = ["user", "ttl", "method", "maddr", "transport"];

pub(super) fn is_equivalent(one: &Uri, two: &Uri) -> bool {
    match (one, two) {
        (Uri::Sip(one), Uri::Sip(two)) => sip(one, two),
        (Uri::Tel(one), Uri::Tel(two)) => tel(one, two),
        (Uri::Other { .. }, Uri::Other { .. }) => one == two,
        (Uri::Sip(_) | Uri::Tel(_) | Uri::Other { .. }, _) => false,
    }
}

fn sip(one: &SipUri, two: &SipUri) -> bool {
    one.is_secure == two.is_secure
        && same_escaped(one.user.as_deref(), two.user.as_deref())
        && same_escaped(one.password.as_deref(), two.password.as_deref())
        && one.host.is_same(&two.host)
        && one.port == two.port
        && BINDING.iter().all(|name| one.params.has(name) == two.params.has(name))
        && common_params_agree(&one.params, &two.params)
        && same_headers(&one.headers, &two.headers)
}

fn same_escaped(one: Option<&str>, two: Option<&str>) -> bool {
    one.map(unescape) == two.map(unescape)
}

/// A parameter in one URI only is ignored, unless it is in [`BINDING`].
fn common_params_agree(one: &Params, two: &Params) -> bool {
    one.iter().all(|param| match two.find(&param.name) {
        None => true,
        Some(other) => {
            let plain =
                |value: &Option<SmolStr>| value.as_deref().map(|value| unescape(value).to_ascii_lowercase());
            plain(&param.value) == plain(&other.value)
        }
    })
}

fn same_headers(one: &[(String, String)], two: &[(String, String)]) -> bool {
    let sorted = |headers: &[(String, String)]| {
        let plain = |(name, value): &(String, String)| (unescape(name).to_ascii_lowercase(), unescape(value));
        let mut headers: Vec<_> = headers.iter().map(plain).collect();
        headers.sort();
        headers
    };
    sorted(one) == sorted(two)
}

/// Visual separators do not count; every parameter does.
fn tel(one: &TelUri, two: &TelUri) -> bool {
    let digits = |uri: &TelUri| -> String {
        let number = uri.number.chars().filter(|letter| !"-.()".contains(*letter));
        number.map(|letter| letter.to_ascii_lowercase()).collect()
    };
    digits(one) == digits(two)
        && one.params.iter().count() == two.params.iter().count()
        && one.params.iter().all(|param| two.params.has(&param.name))
        && common_params_agree(&one.params, &two.params)
}
