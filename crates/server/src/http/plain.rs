//! What a reader of requests says is wrong, in plain words: serde speaks of types of Rust, and of no field.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Characters of a value that are shown.
const SHOWN: usize = 60;

/// Reads an object, or says what is wrong with it and with which field.
pub(super) fn read<T: DeserializeOwned>(object: &Map<String, Value>) -> Result<T, String> {
    let try_to = |object: &Map<String, Value>| T::deserialize(Value::Object(object.clone()));
    let error = match try_to(object) {
        Ok(read) => return Ok(read),
        Err(error) => error.to_string(),
    };
    // The field is the one without which something else is said.
    let is_culprit = |key: &&String| {
        let mut without = object.clone();
        without.remove(*key);
        try_to(&without).err().is_none_or(|other| other.to_string() != error)
    };
    let culprit = object.keys().find(is_culprit);
    let value = culprit.and_then(|key| object.get(key)).map(ToString::to_string);
    Err(explained(culprit.map(String::as_str), value.as_deref(), &error))
}

/// A query of the URL that cannot be taken: `error` as the reader of queries tells it, with the field before it.
pub(super) fn of_query(error: &str) -> String {
    let error = error.strip_prefix("Failed to deserialize query string: ").unwrap_or(error);
    match error.split_once(": ") {
        Some((field, error)) if !field.contains(' ') => explained(Some(field), None, error),
        Some(_) | None => explained(None, None, error),
    }
}

/// A part of the path that cannot be taken.
pub(super) fn of_path(error: &str) -> String {
    let quoted = error.split('`').nth(1).filter(|_| error.contains("Cannot parse"));
    match quoted {
        Some(written) => format!("`{written}` in the path is no whole number"),
        None => error.to_owned(),
    }
}

fn explained(field: Option<&str>, value: Option<&str>, error: &str) -> String {
    let named: Vec<&str> = error.split('`').skip(1).step_by(2).collect();
    let list =
        |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<String>>().join(", ");
    match named.as_slice() {
        [unknown, known @ ..] if error.starts_with("unknown field") => match known {
            [] => format!("there is no `{unknown}` here: nothing is asked for"),
            known => format!("there is no `{unknown}` here; there is {}", list(known)),
        },
        [missing] if error.starts_with("missing field") => format!("`{missing}` is missing"),
        [twice] if error.starts_with("duplicate field") => format!("`{twice}` is there twice"),
        [unknown, known @ ..] if error.starts_with("unknown variant") => {
            let subject = field.map_or_else(String::new, |field| format!("`{field}`: "));
            format!("{subject}`{unknown}` cannot be; choose one of {}", list(known))
        }
        _ => wanted(field, value, error),
    }
}

/// A value of the wrong kind.
fn wanted(field: Option<&str>, value: Option<&str>, error: &str) -> String {
    let Some(field) = field else { return "the fields have other kinds of values than they must".to_owned() };
    let is_shown = |value: &&str| value.chars().count() <= SHOWN;
    let is = value.filter(is_shown).map_or_else(String::new, |value| format!(" is {value}, and"));
    let expected = error.rsplit_once("expected ").map_or(error, |(_, expected)| expected);
    let kind = match expected.trim_start_matches("an ").trim_start_matches("a ") {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, not below 0",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "string" => "a text",
        "boolean" => "true or false",
        "f32" | "f64" => "a number",
        _ if error.contains("digit") || error.contains("integer") || error.contains("number too") => {
            "a whole number, not below 0"
        }
        _ => return format!("`{field}`{is} cannot be taken").replace(", and cannot", ", which cannot"),
    };
    format!("`{field}`{is} must be {kind}")
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Wish {
        Ready,
        NotReady,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Asked {
        #[serde(default)]
        seconds: Option<u32>,
        #[serde(default)]
        points: i32,
        wish: Wish,
        #[serde(default)]
        reason: Option<String>,
    }

    fn said(body: &Value) -> String {
        let object = body.as_object().expect("an object");
        match read::<Asked>(object) {
            Ok(Asked { seconds, points, wish, reason }) => {
                panic!("{seconds:?} {points} {wish:?} {reason:?} was taken")
            }
            Err(said) => said,
        }
    }

    #[test]
    fn a_wrong_field_is_named_and_its_kind_is_told_in_plain_words() {
        let ready = |key: &str, value: Value| json!({"wish": "ready", key: value});
        assert_eq!(
            said(&ready("seconds", json!(-1))),
            "`seconds` is -1, and must be a whole number, not below 0"
        );
        assert_eq!(
            said(&ready("seconds", json!("x"))),
            "`seconds` is \"x\", and must be a whole number, not below 0"
        );
        assert_eq!(said(&ready("points", json!("high"))), "`points` is \"high\", and must be a whole number");
        assert_eq!(said(&ready("reason", json!(7))), "`reason` is 7, and must be a text");
        assert_eq!(
            said(&ready("reason", json!("long ".repeat(20).split(' ').collect::<Vec<&str>>()))),
            "`reason` must be a text"
        );
        assert_eq!(
            said(&json!({"wish": "asleep"})),
            "`wish`: `asleep` cannot be; choose one of `ready`, `not_ready`"
        );
        assert_eq!(said(&json!({})), "`wish` is missing");
        assert_eq!(
            said(&ready("band", json!(1))),
            "there is no `band` here; there is `seconds`, `points`, `wish`, `reason`"
        );
        let wish = said(&json!({"wish": 5}));
        assert!(wish.starts_with("`wish` is 5, "), "{wish}");
    }

    #[test]
    fn a_query_and_a_path_are_told_of_the_same_way() {
        let query = |error: &str| of_query(&format!("Failed to deserialize query string: {error}"));
        assert_eq!(
            query("limit: invalid digit found in string"),
            "`limit` must be a whole number, not below 0"
        );
        assert_eq!(
            query("state: unknown variant `gone`, expected `ongoing` or `ended`"),
            "`state`: `gone` cannot be; choose one of `ongoing`, `ended`"
        );
        assert_eq!(
            query("sort: unknown field `sort`, expected `line`"),
            "there is no `sort` here; there is `line`"
        );
        assert_eq!(
            query("unknown field `sort`, there are no fields"),
            "there is no `sort` here: nothing is asked for"
        );
        assert_eq!(
            of_path("Invalid URL: Cannot parse `one` to a `u64`"),
            "`one` in the path is no whole number"
        );
    }
}
