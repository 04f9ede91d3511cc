//! JSON of the agent as people read it.

use serde_json::Value;

use crate::stamp;

/// A text as it is, a number in digits, nothing for what is not there.
pub fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The items of a list; none of what is no list.
pub fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// The items of a list, with commas.
pub fn list(value: &Value) -> String {
    items(value).map(text).collect::<Vec<_>>().join(", ")
}

/// Milliseconds since 1970 as a date and time in UTC; nothing for what is not there.
pub fn when(milliseconds: &Value) -> String {
    let milliseconds = milliseconds.as_u64();
    milliseconds.map_or_else(String::new, |at| stamp::plain(at / 1000))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_shown_without_the_marks_of_json() {
        assert_eq!(text(&json!("oden")), "oden");
        assert_eq!(text(&json!(5)), "5");
        assert_eq!(text(&Value::Null), "");
        assert_eq!(list(&json!(["a", 2])), "a, 2");
        assert_eq!(list(&json!("a")), "");
        assert_eq!(when(&json!(1_500)), "1970-01-01 00:00:01");
        assert_eq!(when(&Value::Null), "");
    }
}
