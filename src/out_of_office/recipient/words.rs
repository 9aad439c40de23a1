//! An answer for the operator to read, in logs and in the outbox.

/// An answer in few words, with the beginning of what it says.
pub(super) fn words(status: u16, text: &str) -> String {
    let text: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let beginning: String = text.chars().filter(|character| !character.is_control()).take(MOST_WORDS).collect();
    if beginning.is_empty() { format!("answers {status}") } else { format!("answers {status}: {beginning}") }
}

/// Of an answer, in characters.
const MOST_WORDS: usize = 200;
