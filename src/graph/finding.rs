//! What a check found, as operators and their programs read it.
//!
//! Owns the words for verdicts. Must not know what is checked.

/// One thing that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is about: a tenant, one of its applications, a client, a file or an address.
    pub subject: String,
    /// What was looked at; these names stay as they are.
    pub check: &'static str,
    /// What came of it.
    pub verdict: Verdict,
    /// What was found, in words; in Microsoft's where Microsoft refused something.
    pub text: String,
    /// What to do about it.
    pub remedy: Option<String>,
}

/// What came of a check, the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Could not be looked at; says nothing.
    Skipped,
    /// As it should be.
    Ok,
    /// Works, and should be seen to.
    Warning,
    /// Does not work, or gives away what it must not.
    Failed,
}

/// Findings about one subject, as they come.
#[derive(Debug)]
pub struct Sheet {
    subject: String,
    findings: Vec<Finding>,
}

impl Verdict {
    /// The verdict in a report.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Skipped => "skipped",
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
        }
    }
}

impl Sheet {
    /// Nothing found yet.
    #[must_use]
    pub fn of(subject: impl Into<String>) -> Self {
        Self { subject: subject.into(), findings: Vec::new() }
    }

    /// Notes that something is as it should be.
    pub fn ok(&mut self, check: &'static str, text: impl Into<String>) {
        self.note(check, Verdict::Ok, text, None);
    }

    /// Notes that something was not looked at, and why.
    pub fn skip(&mut self, check: &'static str, text: impl Into<String>) {
        self.note(check, Verdict::Skipped, text, None);
    }

    /// Notes anything.
    pub fn note(&mut self, check: &'static str, verdict: Verdict, text: impl Into<String>, remedy: Option<String>) {
        let (subject, text) = (self.subject.clone(), text.into());
        self.findings.push(Finding { subject, check, verdict, text, remedy });
    }

    /// All that was found.
    #[must_use]
    pub fn findings(self) -> Vec<Finding> {
        self.findings
    }
}
