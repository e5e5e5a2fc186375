//! A text that must never be printed.

use std::fmt;

/// A password or a token. It shows as dots wherever it is printed; [`Secret::reveal`] is the only way out.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps the text.
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }

    /// The text, for the one place that needs it: never for a log line or an error.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(•••)")
    }
}

/// The fewest characters of a password.
const PASSWORD_MIN: usize = 8;

/// Passwords that every scanner of SIP servers tries, in lower case, beside those that are too short.
const WELL_KNOWN: [&str; 26] = [
    "12341234",
    "12345678",
    "123456789",
    "1234567890",
    "11111111",
    "00000000",
    "87654321",
    "abcd1234",
    "abc12345",
    "admin123",
    "administrator",
    "asterisk",
    "changeme",
    "cordboard",
    "freeswitch",
    "iloveyou",
    "letmein1",
    "password",
    "password1",
    "password123",
    "passw0rd",
    "p@ssw0rd",
    "qwerty123",
    "qwertyui",
    "secret123",
    "welcome1",
];

/// Why a password must be refused; `owner` is the name that it protects.
pub(super) fn weakness(password: &str, owner: &str) -> Option<&'static str> {
    let lower = password.to_lowercase();
    let stem = lower.trim_end_matches(|letter: char| letter.is_ascii_digit() || "!.-_".contains(letter));
    let first = lower.chars().next();
    if password.is_empty() {
        return Some("is empty");
    }
    if password.chars().count() < PASSWORD_MIN {
        return Some("is shorter than 8 characters");
    }
    if WELL_KNOWN.contains(&lower.as_str()) {
        return Some("is one of those that everybody tries first");
    }
    if lower.chars().all(|letter| Some(letter) == first) {
        return Some("repeats one character");
    }
    if is_run(lower.as_bytes()) {
        return Some("counts from its first character on");
    }
    if !owner.is_empty() && (lower == owner.to_lowercase() || stem == owner.to_lowercase()) {
        return Some("is the name that it protects");
    }
    None
}

/// Whether each character is the next after the one before it, or each the one before it; 0 follows 9.
fn is_run(text: &[u8]) -> bool {
    let next = |octet: u8| if octet == b'9' { b'0' } else { octet.wrapping_add(1) };
    let rises = text.windows(2).all(|pair| next(pair[0]) == pair[1]);
    rises || text.windows(2).all(|pair| next(pair[1]) == pair[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_never_prints_itself() {
        assert_eq!(format!("{:?}", Some(Secret::new("correct horse"))), "Some(Secret(•••))");
        assert_eq!(Secret::new("correct horse").reveal(), "correct horse");
    }

    #[test]
    fn weak_passwords_are_told_from_good_ones() {
        for weak in [
            "",
            "short",
            "Password",
            "12345678",
            "aaaaaaaaaa",
            "1234567890123456",
            "zyxwvutsrq",
            "kim-minji",
            "Kim-Minji2026!",
        ] {
            assert!(weakness(weak, "kim-minji").is_some(), "{weak}");
        }
        assert_eq!(weakness("correct horse", "kim"), None);
        assert_eq!(weakness("v7!kq-Lm2p", "kim"), None);
    }
}
