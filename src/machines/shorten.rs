//! Answers for a reader that takes only so many characters: what is short comes first, what is long is shortened evenly and
//! says so.

use serde_json::{Map, Value};

use super::text;

/// Keys of texts that may be long: an agent's own words.
const TEXTS: [&str; 4] = ["result", "message", "final_answer", "summary"];
/// A value that a text beside it holds as well.
const TWICE: &str = "parsed_result";
/// The key that comes last wherever it stands.
const LAST: &str = "result";

/// The answer with `result` as the last key of every object. What its reader cuts off is then the end of a text, not the
/// session, the cost and the hint behind it.
#[must_use]
pub fn result_last(mut answer: Value) -> Value {
    each_object(&mut answer, &mut |object| {
        if let Some(result) = object.shift_remove(LAST) {
            object.insert(LAST.to_owned(), result);
        }
    });
    answer
}

/// The answer in at most `max` characters as JSON, as a JavaScript program counts them, if shortening its texts can do that.
/// Every text is cut to the same length, and ends with where the rest is; values that stand in a text as well are left out
/// first. An answer that fits stays as it is.
#[must_use]
pub fn to_fit(mut answer: Value, max: usize, rest: &str) -> Value {
    if length(&answer) <= max {
        return answer;
    }
    each_object(&mut answer, &mut |object| {
        if TEXTS.iter().any(|key| object.get(*key).is_some_and(Value::is_string)) {
            object.shift_remove(TWICE);
        }
    });
    // How long the texts are. None can stay longer than the whole; cut to that at once, an answer of 50 MB costs no more.
    let mut lengths = Vec::new();
    each_text(&mut answer, &mut |text| {
        lengths.push(text.chars().count());
        text.truncate(text::first_chars(text, max).len());
    });
    let shortened = |kept: usize| {
        let mut shortened = answer.clone();
        let mut lengths = lengths.iter();
        each_text(&mut shortened, &mut |text| {
            let length = lengths.next().copied().unwrap_or_default();
            if length > kept {
                text.truncate(text::first_chars(text, kept).len());
                text.push_str(&format!("\n[cut here: {kept} of {length} characters; {rest}]"));
            }
        });
        shortened
    };
    // The longest common length with which the whole fits, by halving: the shorter the texts, the shorter the whole.
    let (mut fits, mut over) = (0, max);
    while over - fits > 1 {
        let half = usize::midpoint(fits, over);
        if length(&shortened(half)) <= max { fits = half } else { over = half }
    }
    shortened(fits)
}

fn each_text(answer: &mut Value, change: &mut impl FnMut(&mut String)) {
    each_object(answer, &mut |object| {
        for key in TEXTS {
            if let Some(Value::String(text)) = object.get_mut(key) {
                change(text);
            }
        }
    });
}

fn each_object(value: &mut Value, change: &mut impl FnMut(&mut Map<String, Value>)) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| each_object(item, change)),
        Value::Object(object) => {
            change(object);
            // What an agent answered as JSON is its own.
            let ours = object.iter_mut().filter(|(key, _)| *key != TWICE);
            ours.for_each(|(_, value)| each_object(value, change));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Characters of the value as compact JSON, in UTF-16 units.
fn length(value: &Value) -> usize {
    value.to_string().encode_utf16().count()
}
