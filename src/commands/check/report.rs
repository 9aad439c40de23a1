//! Findings as text, and as JSON of a shape that stays:
//! `{"version": 1, "verdict": "warning", "counts": {"ok": 9, "warning": 1, "failed": 0, "skipped": 2}, "findings":
//! [{"subject", "check", "verdict", "text", "remedy"}]}`, where a verdict is `ok`, `warning`, `failed` or `skipped`, and a
//! remedy is a text or null. Subjects and texts are for people and may change; the names of checks do not.
//!
//! Owns how reports look. Must not know what is checked.

use std::io::{self, Write};

use serde_json::{Value, json};

use crate::graph::{Finding, Verdict};

/// The worst verdict; all is well where nothing was looked at.
pub(super) fn worst(findings: &[Finding]) -> Verdict {
    findings.iter().map(|finding| finding.verdict).max().unwrap_or(Verdict::Ok).max(Verdict::Ok)
}

/// For people: a line each, its remedy below it, and a sum.
pub(super) fn text(findings: &[Finding], out: &mut impl Write) -> io::Result<()> {
    for finding in findings {
        let verdict = match finding.verdict {
            Verdict::Failed => "FAILED",
            verdict @ (Verdict::Skipped | Verdict::Ok | Verdict::Warning) => verdict.name(),
        };
        let Finding { subject, check, text, .. } = finding;
        writeln!(out, "{verdict:<8} {subject}: {check}: {text}")?;
        if let Some(remedy) = &finding.remedy {
            writeln!(out, "{:<8}   remedy: {remedy}", "")?;
        }
    }
    let [failed, warnings, ok, skipped] = counts(findings);
    writeln!(out, "{failed} failed, {warnings} warnings, {ok} ok, {skipped} skipped")
}

/// For programs.
pub(super) fn json(findings: &[Finding], out: &mut impl Write) -> io::Result<()> {
    let [failed, warnings, ok, skipped] = counts(findings);
    let each = findings.iter().map(|finding| {
        json!({
            "subject": finding.subject,
            "check": finding.check,
            "verdict": finding.verdict.name(),
            "text": finding.text,
            "remedy": finding.remedy,
        })
    });
    let report = json!({
        "version": 1,
        "verdict": worst(findings).name(),
        "counts": { "ok": ok, "warning": warnings, "failed": failed, "skipped": skipped },
        "findings": each.collect::<Vec<Value>>(),
    });
    writeln!(out, "{report:#}")
}

fn counts(findings: &[Finding]) -> [usize; 4] {
    let count = |verdict| findings.iter().filter(|finding| finding.verdict == verdict).count();
    [Verdict::Failed, Verdict::Warning, Verdict::Ok, Verdict::Skipped].map(count)
}
