//! An answer for the operator to read, in logs and in the outbox.

/// What is wrong, in two forms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::out_of_office) struct Problem {
    /// For the log: without what the recipient says, which may name people.
    pub(in crate::out_of_office) logged: String,
    /// For the outbox.
    pub(in crate::out_of_office) text: String,
}

/// An answer in few words, with the beginning of what it says.
pub(super) fn words(status: u16, text: &str) -> Problem {
    let text: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let beginning: String = text.chars().filter(|character| !character.is_control()).take(MOST_WORDS).collect();
    let logged = format!("answers {status}");
    let text = if beginning.is_empty() { logged.clone() } else { format!("{logged}: {beginning}") };
    Problem { logged, text }
}

/// Of an answer, in characters.
const MOST_WORDS: usize = 200;
