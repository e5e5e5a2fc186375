//! Keeping telephone numbers and secrets out of what people read.

use std::borrow::Cow;
use std::ops::Range;

/// A number with fewer digits is an extension of one's own house and shows nothing about a customer.
const DIGITS_MIN: usize = 7;
/// How many of the last digits are hidden.
const HIDDEN: usize = 4;

/// `text` with the last four digits of each telephone number in it hidden. A number is a run of digits, with what
/// people and URIs put between them (`+82 10-1234-5678`, `tel:02-123-4567;npdi`); what letters begin or end, such
/// as the name of an account, is none.
pub fn number(text: &str) -> Cow<'_, str> {
    let mut masked: Option<Vec<u8>> = None;
    for run in runs(text.as_bytes()) {
        let digits = run.clone().filter(|&at| text.as_bytes()[at].is_ascii_digit());
        if digits.clone().count() < DIGITS_MIN {
            continue;
        }
        let masked = masked.get_or_insert_with(|| text.as_bytes().to_vec());
        digits.rev().take(HIDDEN).for_each(|at| masked[at] = b'*');
    }
    match masked {
        // Only ASCII digits were exchanged, for another ASCII character.
        Some(masked) => String::from_utf8(masked).map_or(Cow::Borrowed(""), Cow::Owned),
        None => Cow::Borrowed(text),
    }
}

/// The parts of a text that may be numbers.
fn runs(text: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let is_part = |at: usize| text[at].is_ascii_digit() || b"+-.() *#_".contains(&text[at]);
    let is_name = |at: usize| text[at].is_ascii_alphanumeric() && !text[at].is_ascii_digit();
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let begin = (from..text.len()).find(|&at| is_part(at))?;
            let end = (begin..text.len()).find(|&at| !is_part(at)).unwrap_or(text.len());
            from = end;
            let belongs_to_a_name =
                begin.checked_sub(1).is_some_and(is_name) || (end < text.len() && is_name(end));
            if !belongs_to_a_name {
                return Some(begin..end);
            }
        }
    })
}

/// A SIP message as text for people: one line per header, secrets and control characters replaced.
///
/// Hidden are the values of `Authorization` and `Proxy-Authorization` (digests can be guessed offline), a digest's
/// `response` wherever it stands (octets of a stream may begin in the middle of a header), and passwords inside
/// URIs (RFC 3261 §19.1.1 allows them and recommends against them).
pub fn sip_message(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut out = String::with_capacity(text.len() + 64);
    let mut hiding = false;
    for line in text.split('\n') {
        let line = line.strip_suffix('\r').unwrap_or(line);
        if !out.is_empty() {
            out.push('\n');
        }
        // A folded line belongs to the header before it (RFC 3261 §7.3.1).
        let folded = line.starts_with([' ', '\t']);
        if !folded {
            hiding = is_secret(line);
            if hiding {
                let name = line.split(':').next().unwrap_or_default();
                out.push_str(name.trim_end());
                out.push_str(": (hidden)");
            }
        }
        if !hiding {
            push_line(&mut out, line);
        }
    }
    out
}

fn is_secret(line: &str) -> bool {
    let name = line.split(':').next().unwrap_or_default().trim();
    name.eq_ignore_ascii_case("authorization") || name.eq_ignore_ascii_case("proxy-authorization")
}

fn push_line(out: &mut String, line: &str) {
    let mut rest = line;
    while let Some((start, end)) = first_secret(rest) {
        push_clean(out, &rest[..start]);
        out.push_str("(hidden)");
        rest = &rest[end..];
    }
    push_clean(out, rest);
}

fn push_clean(out: &mut String, text: &str) {
    out.extend(text.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }));
}

/// Where the first secret of a line begins and ends.
fn first_secret(text: &str) -> Option<(usize, usize)> {
    uri_password(text).into_iter().chain(digest_response(text)).min()
}

/// Where a digest's response begins and ends (RFC 7616 §3.4).
fn digest_response(text: &str) -> Option<(usize, usize)> {
    const NAME: &str = "response=\"";
    let begin = text.find(NAME)? + NAME.len();
    let end = text[begin..].find('"').map_or(text.len(), |length| begin + length);
    (end > begin && text[begin..end] != *"(hidden)").then_some((begin, end))
}

/// Where the password of the first URI that has one begins and ends.
fn uri_password(text: &str) -> Option<(usize, usize)> {
    let mut from = 0;
    while let Some(found) = text[from..].find("sip") {
        let after_scheme = from + found + 3;
        let rest = text[after_scheme..].strip_prefix('s').unwrap_or(&text[after_scheme..]);
        from = after_scheme;
        let Some(rest) = rest.strip_prefix(':') else { continue };
        let begin = text.len() - rest.len();
        let end = rest.find(['>', '<', '"', ',', ' ', '\t']).unwrap_or(rest.len());
        let Some(at) = rest[..end].find('@') else { continue };
        if let Some(colon) = rest[..at].find(':') {
            return Some((begin + colon + 1, begin + at));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_telephone_number_loses_its_last_four_digits() {
        assert_eq!(number("01012345678"), "0101234****");
        assert_eq!(number("+82 10-1234-5678"), "+82 10-1234-****");
        assert_eq!(number("+82_10-1234-5678"), "+82_10-1234-****");
        assert_eq!(number("+821012345678;npdi=yes;cpc=ordinary"), "+82101234****;npdi=yes;cpc=ordinary");
        assert_eq!(number("5678;phone-context=+8210123456"), "5678;phone-context=+821012****");
        assert_eq!(number("sip:01012345678@pbx.example"), "sip:0101234****@pbx.example");
        assert_eq!(number("가01012345678"), "가0101234****");
    }

    #[test]
    fn what_a_stream_cut_or_joined_hides_its_digests_too() {
        let joined =
            b"\r\n\r\nREGISTER sip:cc SIP/2.0\r\nAuthorization: Digest response=\"0123abcd\"\r\n\r\n";
        let cut = b"nonce=\"77\", response=\"0123abcd\", qop=auth\r\n\r\nBYE sip:cc SIP/2.0\r\n\
                    Proxy-Authorization: Digest response=\"0123abcd\"\r\n\r\n";
        for octets in [&joined[..], &cut[..]] {
            let shown = sip_message(octets);
            assert!(!shown.contains("0123abcd"), "{shown}");
        }
    }

    #[test]
    fn extensions_and_names_are_shown() {
        assert_eq!(number("2001"), "2001");
        assert_eq!(number("kim.minji"), "kim.minji");
        assert_eq!(number("agent01012345678"), "agent01012345678");
        assert_eq!(number("3f9c71ab01234567d"), "3f9c71ab01234567d");
        assert_eq!(number("; ,"), "; ,");
    }

    #[test]
    fn authorization_is_hidden_with_its_folded_lines_and_the_body_is_shown() {
        let message =
            b"REGISTER sip:cc SIP/2.0\r\nauthorization : Digest username=\"kim\",\r\n response=\"abc\"\r\n\
            Proxy-Authorization: Digest response=\"def\"\r\nFrom: <sip:kim@cc>\r\n\r\nv=0\r\n";
        let text = sip_message(message);
        assert!(!text.contains("abc") && !text.contains("def"), "{text}");
        assert!(text.contains("authorization: (hidden)"), "{text}");
        assert!(text.contains("From: <sip:kim@cc>"), "{text}");
        assert!(text.contains("v=0"), "{text}");
    }

    #[test]
    fn a_password_inside_a_uri_is_hidden_and_a_port_is_not() {
        let text = sip_message(
            b"Contact: <sip:kim:geheim@host:5060>, <sips:lee:x@h>\r\nRoute: <sip:proxy:5070;lr>\r\n",
        );
        assert_eq!(
            text,
            "Contact: <sip:kim:(hidden)@host:5060>, <sips:lee:(hidden)@h>\nRoute: <sip:proxy:5070;lr>\n"
        );
    }

    #[test]
    fn control_characters_cannot_paint_on_a_terminal() {
        assert_eq!(sip_message(b"X: \x1b[31mred"), "X: \u{fffd}[31mred");
    }

    proptest! {
        #[test]
        fn any_bytes_can_be_shown(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _text = sip_message(&bytes);
        }

        #[test]
        fn any_text_can_be_masked(text in "(sips?:|[a-z:@<>é,0-9+ ]){0,40}") {
            let _text = sip_message(text.as_bytes());
            assert_eq!(number(&text).len(), text.len());
        }
    }
}
