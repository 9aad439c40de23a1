//! Asking: what a flag does not say is asked for, where somebody is there to answer.
//!
//! Owns the order of flag, answer and default. Must not know what is asked.

use std::io::{BufRead, Write};

use clap::ValueEnum;

use crate::commands::Trouble;

/// Whoever can be asked.
pub(super) struct Questions<'a> {
    /// Answers, line by line; nobody is there without it.
    input: Option<&'a mut dyn BufRead>,
    out: &'a mut dyn Write,
}

/// One question.
#[derive(Clone, Copy)]
pub(super) struct Question<'a> {
    /// The flag that answers it.
    pub(super) flag: &'a str,
    /// The question.
    pub(super) text: &'a str,
    /// What holds without an answer.
    pub(super) default: Option<&'a str>,
}

impl<'a> Questions<'a> {
    pub(super) fn new(input: Option<&'a mut dyn BufRead>, out: &'a mut dyn Write) -> Self {
        Self { input, out }
    }

    /// What the flag says, else what somebody answers, else the default.
    ///
    /// # Errors
    /// When the flag says what `read` refuses, and when there is neither flag, answer nor default: names the flag.
    pub(super) fn ask<T>(
        &mut self,
        question: Question<'_>,
        given: Option<&str>,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, Trouble> {
        let Question { flag, text, default } = question;
        if let Some(given) = given {
            return Ok(read(given).map_err(|problem| format!("--{flag}: {problem}"))?);
        }
        let missing = || format!("--{flag} is needed: {text}");
        let Some(input) = self.input.as_mut() else {
            let default = default.ok_or_else(missing)?;
            return Ok(read(default).map_err(|problem| format!("--{flag}: {problem}"))?);
        };
        loop {
            match default {
                Some("") | None => write!(self.out, "{text}: ")?,
                Some(default) => write!(self.out, "{text} [{default}]: ")?,
            }
            self.out.flush()?;
            let mut line = String::new();
            if input.read_line(&mut line)? == 0 {
                return Err(missing().into());
            }
            let answer = match (line.trim(), default) {
                ("", Some(default)) => default,
                ("", None) => continue,
                (answer, _) => answer,
            };
            match read(answer) {
                Ok(answer) => return Ok(answer),
                Err(problem) => writeln!(self.out, "  {problem}")?,
            }
        }
    }

    /// Whether something is to be, which it is not unless somebody says so.
    ///
    /// # Errors
    /// When answers end.
    pub(super) fn whether(&mut self, flag: &str, text: &str, given: bool) -> Result<bool, Trouble> {
        let question = Question { flag, text, default: Some("no") };
        self.ask(question, given.then_some("yes"), |answer| match answer.to_lowercase().as_str() {
            "y" | "yes" => Ok(true),
            "n" | "no" => Ok(false),
            _ => Err("answer yes or no".to_owned()),
        })
    }

    /// Says something before a question.
    ///
    /// # Errors
    /// When nothing can be said.
    pub(super) fn say(&mut self, text: &str) -> Result<(), Trouble> {
        if self.input.is_some() {
            writeln!(self.out, "{text}")?;
        }
        Ok(())
    }
}

/// The name of a value.
pub(super) fn name<T: ValueEnum>(value: &T) -> String {
    value.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
}

/// Reads a value by its name.
pub(super) fn named<T: ValueEnum>(text: &str) -> Result<T, String> {
    T::from_str(text.trim(), true).map_err(|_| format!("{text:?} is none of {}", names::<T>()))
}

/// The names of all values.
pub(super) fn names<T: ValueEnum>() -> String {
    T::value_variants().iter().map(name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn number(text: &str) -> Result<u8, String> {
        text.parse().map_err(|_| "is no number".to_owned())
    }

    const QUESTION: Question<'_> = Question { flag: "count", text: "How many", default: None };

    #[test]
    fn a_flag_is_not_asked_for_and_a_wrong_one_is_an_error() {
        let mut answers: &[u8] = b"7\n";
        let mut out = Vec::new();
        let mut questions = Questions::new(Some(&mut answers), &mut out);
        assert_eq!(questions.ask(QUESTION, Some("3"), number).unwrap(), 3);
        let trouble = questions.ask(QUESTION, Some("many"), number).unwrap_err();
        assert_eq!(trouble.text(), "--count: is no number");
        assert!(out.is_empty());
    }

    #[test]
    fn a_wrong_answer_is_asked_for_again_and_the_end_of_answers_is_an_error() {
        let mut answers: &[u8] = b"\nmany\n7\n\n";
        let mut out = Vec::new();
        let mut questions = Questions::new(Some(&mut answers), &mut out);
        assert_eq!(questions.ask(QUESTION, None, number).unwrap(), 7);
        let default = Question { default: Some("9"), ..QUESTION };
        assert_eq!(questions.ask(default, None, number).unwrap(), 9);
        assert!(questions.ask(default, None, number).unwrap_err().text().contains("--count is needed"));
        let asked = String::from_utf8(out).unwrap();
        assert_eq!(asked, "How many: How many:   is no number\nHow many: How many [9]: How many [9]: ");
    }

    #[test]
    fn where_nobody_is_defaults_hold_and_the_rest_is_an_error() {
        let mut out = Vec::new();
        let mut questions = Questions::new(None, &mut out);
        assert_eq!(questions.ask(Question { default: Some("9"), ..QUESTION }, None, number).unwrap(), 9);
        assert!(!questions.whether("ntlm", "NTLM?", false).unwrap() && questions.whether("ntlm", "", true).unwrap());
        let trouble = questions.ask(QUESTION, None, number).unwrap_err();
        assert_eq!(trouble.text(), "--count is needed: How many");
        assert!(out.is_empty());
    }
}
