//! The session description inside a body, bare or as one part of several (RFC 5621: gateways send
//! ISUP beside SDP).

use bytes::Bytes;
use sip::Body;

/// The most parts of a multipart body that are looked at.
const PARTS_MAX: usize = 16;

/// The session description in a body; `None` where there is none.
pub(crate) fn sdp(body: &Body) -> Option<Bytes> {
    let (kind, parameters) = body.content_type.split_once(';').unwrap_or((&body.content_type, ""));
    let kind = kind.trim().to_ascii_lowercase();
    if kind == "application/sdp" {
        return Some(body.bytes.clone());
    }
    if !kind.starts_with("multipart/") {
        return None;
    }
    let boundary = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then(|| value.trim().trim_matches('"'))
    })?;
    parts(&body.bytes, boundary).into_iter().take(PARTS_MAX).find_map(|part| part_sdp(&part))
}

/// The octets between delimiters (RFC 2046 §5.1.1).
fn parts(bytes: &Bytes, boundary: &str) -> Vec<Bytes> {
    let delimiter = format!("--{boundary}");
    let mut starts = Vec::new();
    let mut at = 0;
    while let Some(offset) = find(&bytes[at..], delimiter.as_bytes()) {
        let position = at + offset;
        at = position + delimiter.len();
        if position == 0 || bytes[position - 1] == b'\n' {
            starts.push((position, at));
        }
    }
    starts
        .windows(2)
        .map(|pair| {
            let part = bytes.slice(pair[0].1..pair[1].0);
            // The line end before a delimiter belongs to the delimiter.
            let end = part.len() - usize::from(part.ends_with(b"\n")) - usize::from(part.ends_with(b"\r\n"));
            part.slice(..end)
        })
        .collect()
}

fn part_sdp(part: &Bytes) -> Option<Bytes> {
    let split = find(part, b"\r\n\r\n").map(|at| (at, at + 4)).or_else(|| {
        let at = find(part, b"\n\n")?;
        Some((at, at + 2))
    })?;
    let head = String::from_utf8_lossy(&part[..split.0]).to_ascii_lowercase();
    let is_sdp = head.lines().any(|line| {
        line.split_once(':').is_some_and(|(name, value)| {
            matches!(name.trim(), "content-type" | "c") && value.trim().starts_with("application/sdp")
        })
    });
    is_sdp.then(|| part.slice(split.1..))
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(content_type: &str, bytes: &'static [u8]) -> Body {
        Body { content_type: content_type.to_owned(), bytes: Bytes::from_static(bytes) }
    }

    #[test]
    fn a_bare_description_is_itself() {
        assert_eq!(
            sdp(&body("Application/SDP; charset=utf-8", b"v=0\r\n")).as_deref(),
            Some(&b"v=0\r\n"[..])
        );
        assert_eq!(sdp(&body("application/json", b"{}")), None);
    }

    #[test]
    fn a_gateways_isup_beside_its_description_is_passed_over() {
        let text = b"--b1\r\nContent-Type: application/ISUP\r\n\r\n\x01\x00\r\n--b1\r\nc:application/sdp\r\n\r\nv=0\r\no=x\r\n\r\n--b1--\r\n";
        let found = sdp(&body("multipart/mixed; boundary=\"b1\"", text));
        assert_eq!(found.as_deref(), Some(&b"v=0\r\no=x\r\n"[..]));
    }

    #[test]
    fn no_more_parts_are_looked_at_than_allowed() {
        let with_parts_before = |count: usize| {
            let other = "--b\r\nContent-Type: application/ISUP\r\n\r\nx\r\n".repeat(count);
            let text = format!("{other}--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--b--\r\n");
            Body { content_type: "multipart/mixed;boundary=b".to_owned(), bytes: Bytes::from(text) }
        };
        assert!(sdp(&with_parts_before(PARTS_MAX - 1)).is_some());
        assert_eq!(sdp(&with_parts_before(PARTS_MAX)), None);
    }

    #[test]
    fn a_boundary_that_never_comes_is_no_description() {
        assert_eq!(sdp(&body("multipart/mixed;boundary=x", b"v=0\r\n")), None);
        assert_eq!(sdp(&body("multipart/mixed", b"--\r\n\r\n--")), None);
    }
}
