//! What is wrong with a configuration, line by line.
//!
//! Owns line numbers. Must not know the keys.

use std::fmt;
use std::ops::Range;

use toml::Spanned;

use super::raw::Seen;

/// Everything that is wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems {
    found: Vec<Problem>,
    /// Where each line starts.
    lines: Vec<usize>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The line, from 1.
    pub line: usize,
    /// What it is about, and the remedy.
    pub text: String,
}

impl Problems {
    pub(super) fn new(text: &str) -> Self {
        let starts = text.match_indices('\n').map(|(at, _)| at + 1);
        Self { found: Vec::new(), lines: std::iter::once(0).chain(starts).collect() }
    }

    pub(super) fn of_toml(text: &str, error: &toml::de::Error) -> Self {
        let mut problems = Self::new(text);
        let line = problems.line(&error.span().unwrap_or_default());
        problems.found.push(Problem { line, text: error.message().to_owned() });
        problems
    }

    pub(super) fn add<T>(&mut self, at: &Spanned<T>, key: &str, remedy: &str) {
        let line = self.line(&at.span());
        self.found.push(Problem { line, text: format!("{key}: {remedy}") });
    }

    /// Notes a name that was there before.
    pub(super) fn unique<T>(&mut self, seen: &mut Seen, name: &str, at: &Spanned<T>, key: &str) {
        let line = self.line(&at.span());
        if let Some(first) = seen.insert(name.to_lowercase(), line) {
            self.add(at, key, &format!("{name:?} is already on line {first}"));
        }
    }

    pub(super) fn none(mut self) -> Result<(), Self> {
        self.found.sort_by_key(|problem| problem.line);
        if self.found.is_empty() { Ok(()) } else { Err(self) }
    }

    /// The problems, by line.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.found.iter()
    }

    fn line(&self, span: &Range<usize>) -> usize {
        self.lines.partition_point(|start| *start <= span.start).max(1)
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.found.iter().try_for_each(|problem| writeln!(f, "line {}: {}", problem.line, problem.text))
    }
}
