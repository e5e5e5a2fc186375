//! `[otlp]`

use super::reader::Section;

/// Where spans go that nobody gave a path (OTLP 1.9, OTLP/HTTP Request).
const TRACES: &str = "/v1/traces";
/// What a collector calls us unless the file says otherwise.
const SERVICE: &str = "cordboard";
/// The port of OTLP over HTTP.
const PORT: u16 = 4318;

/// Traces of calls for an OpenTelemetry collector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Otlp {
    /// Where they are sent; none: nowhere.
    pub endpoint: Option<Endpoint>,
    /// What the collector calls us: `service.name`.
    pub service: String,
}

/// A place to which spans are posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// A name or an address; an IPv6 address without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The path, from `/` on.
    pub path: String,
}

impl Endpoint {
    /// The value of `Host`.
    pub fn authority(&self) -> String {
        let Endpoint { host, port, .. } = self;
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }

    fn parse(text: &str) -> Result<Endpoint, &'static str> {
        let Some(rest) = text.strip_prefix("http://") else {
            return Err("must begin with `http://`; for TLS put a collector on this machine in between");
        };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let path = if path.trim_matches('/').is_empty() { TRACES } else { path };
        let wrong = "must be `http://host:port`, like \"http://127.0.0.1:4318\"";
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().map_err(|_| wrong)?),
            Some(_) | None => (authority, PORT),
        };
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let is_host = |letter: char| letter.is_ascii_alphanumeric() || "-._:".contains(letter);
        let is_path = |letter: char| letter.is_ascii_graphic();
        if host.is_empty() || !host.chars().all(is_host) || !path.chars().all(is_path) {
            return Err(wrong);
        }
        Ok(Endpoint { host: host.to_owned(), port, path: path.to_owned() })
    }
}

pub(super) fn read(section: &mut Section<'_>) -> Otlp {
    let endpoint = section.text("endpoint").and_then(|(text, span)| match Endpoint::parse(&text) {
        Ok(endpoint) => Some(endpoint),
        Err(wrong) => {
            section.error(span, format!("`endpoint` {wrong}"));
            None
        }
    });
    let service = section.text_or("service", SERVICE).map_or_else(|| SERVICE.to_owned(), |(name, _)| name);
    Otlp { endpoint, service }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> String {
        Endpoint::parse(text).map_or_else(str::to_owned, |at| format!("{} {}", at.authority(), at.path))
    }

    #[test]
    fn an_endpoint_has_the_port_and_path_of_otlp_unless_it_says_others() {
        assert_eq!(parsed("http://127.0.0.1:4318"), "127.0.0.1:4318 /v1/traces");
        assert_eq!(parsed("http://collector/"), "collector:4318 /v1/traces");
        assert_eq!(parsed("http://[::1]"), "[::1]:4318 /v1/traces");
        assert_eq!(parsed("http://[::1]:80/otlp/v1/traces"), "[::1]:80 /otlp/v1/traces");
    }

    #[test]
    fn what_is_no_endpoint_says_how_one_is_written() {
        assert!(parsed("https://collector:4318").contains("TLS"));
        for wrong in
            ["http://", "http://:4318", "http://a b", "http://a:port", "http://a\r\nX: y", "http://a/\u{7f}"]
        {
            assert!(parsed(wrong).contains("must be"), "{wrong:?}: {}", parsed(wrong));
        }
    }
}
