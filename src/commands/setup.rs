//! `setup`: a few questions, and the files that follow from the answers.
//!
//! Owns which files there are. Must not send anything.

mod answers;
mod applications;
mod configuration;
mod exchange;
mod flags;
mod folder;
mod manifest;
mod questions;
mod steps;
mod values;

use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};

use super::credentials::{new_secret, nt_hash};
use super::{Trouble, load, placeholder};
use crate::tenant::{Proof, Secret};
use answers::Answers;
use applications::NAMES;
use configuration::CONFIG;
use exchange::SCRIPT;
use folder::{Draft, Existing};
use questions::Questions;

pub use flags::{CloudName, Flags, Kind, Limit, Purpose};

/// Asks what `flags` leave open, where there is somebody to answer: `input`; questions go to `asking`. Then writes a
/// configuration, manifests and PowerShell, and prints to `out` what is left to do, with the generated secrets.
///
/// # Errors
/// What is missing or wrong, with its flag; what may not be overwritten; what cannot be written.
pub fn run<'a>(
    flags: &Flags,
    input: Option<&'a mut dyn BufRead>,
    asking: &'a mut dyn Write,
    out: &mut dyn Write,
) -> Result<(), Trouble> {
    let input = input.filter(|_| !flags.yes);
    let answers = Answers::collect(flags, &mut Questions::new(input, asking))?;
    let folder = std::path::absolute(&flags.output)?;
    let passwords: Vec<String> = answers.clients.iter().map(|_| new_secret()).collect();
    let (manifests, remarks) = manifests(flags, &answers, &folder)?;
    let mut drafts = vec![draft(CONFIG, configuration::text(&answers, &passwords))];
    drafts.extend(manifests);
    drafts.extend(exchange::script(&answers).map(|script| draft(SCRIPT, script)));
    drafts.extend(secrets(&answers, &passwords));
    for line in folder::write(&folder, &drafts, flags.force)? {
        writeln!(out, "{line}")?;
    }
    for remark in remarks {
        writeln!(out, "remark: {remark}")?;
    }
    steps::clients(&answers, &passwords, out)?;
    steps::next(&answers, &folder, out)?;
    if let Err(trouble) = checked(&folder.join(CONFIG)) {
        writeln!(out, "\nBefore that, because `calendar-relay check` would not be content yet:")?;
        writeln!(out, "{}", trouble.text().trim_end())?;
    }
    Ok(())
}

/// The manifests, merged with those that are there, and what is too much in these.
fn manifests(flags: &Flags, answers: &Answers, folder: &Path) -> Result<(Vec<Draft>, Vec<String>), Trouble> {
    let given = given_manifests(flags, answers)?;
    let (mut drafts, mut remarks) = (Vec::new(), Vec::new());
    for application in &answers.applications {
        if matches!(application.credential.proof, Proof::ManagedIdentity { .. }) {
            continue;
        }
        let name = application.manifest_file();
        let own = folder.join(&name);
        let from = given.iter().find(|(name, _)| *name == application.name).map(|(_, path)| path);
        let is_other = from.is_some_and(|path| path.canonicalize().ok() != own.canonicalize().ok());
        let path = from.unwrap_or(&own);
        let existing = match std::fs::read_to_string(path) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && from.is_none() => None,
            Err(error) => return Err(format!("{}: {error}", path.display()).into()),
        };
        let merged = manifest::merge(existing.as_deref(), &application.roles(), flags.prune)
            .map_err(|problem| format!("{}: {problem}", path.display()))?;
        let what = if flags.prune { "left out" } else { "over-privilege: not needed (--prune leaves it out)" };
        remarks.extend(merged.excessive.iter().map(|role| format!("{}: {what}: {role}", application.name)));
        let existing = if is_other { Existing::Refuse } else { Existing::Replace };
        drafts.push(Draft { existing, ..draft(&name, merged.text) });
    }
    Ok((drafts, remarks))
}

/// Manifests to merge into, by application.
fn given_manifests<'a>(flags: &'a Flags, answers: &'a Answers) -> Result<Vec<(&'a str, PathBuf)>, Trouble> {
    let names: Vec<&str> = answers.applications.iter().map(|it| it.name).collect();
    let mut given: Vec<(&str, PathBuf)> = Vec::new();
    for text in &flags.manifests {
        let (name, path) = match (text.split_once('='), names.as_slice()) {
            (Some((name, path)), _) if NAMES.contains(&name) => (name, path),
            (_, [name]) => (*name, text.as_str()),
            _ => return Err(format!("--manifest: write APPLICATION=FILE, with one of {}", names.join(", ")).into()),
        };
        if !names.contains(&name) {
            return Err(format!("--manifest: {name} is none of the applications {}", names.join(", ")).into());
        }
        if given.iter().any(|(known, _)| *known == name) {
            return Err(format!("--manifest: {name} has two").into());
        }
        given.push((name, PathBuf::from(path)));
    }
    Ok(given)
}

/// Files that only the gateway may read.
fn secrets(answers: &Answers, passwords: &[String]) -> Vec<Draft> {
    let kept = |name: &str, text: String| Draft { is_secret: true, existing: Existing::Keep, ..draft(name, text) };
    let mut drafts = vec![kept(configuration::TOKEN_KEY, new_secret() + "\n")];
    for application in &answers.applications {
        if let Proof::Secret(Secret::File(file)) = &application.credential.proof {
            let text = placeholder::secret(application.name) + "\n";
            drafts.push(kept(&file.to_string_lossy(), text));
        }
    }
    for (client, password) in answers.clients.iter().zip(passwords).filter(|(client, _)| client.ntlm) {
        // Of the password that is shown now: an older one would not fit the configuration.
        let hash = draft(&configuration::nt_hash_file(client), nt_hash(password) + "\n");
        drafts.push(Draft { is_secret: true, ..hash });
    }
    drafts
}

fn checked(config: &Path) -> Result<(), Trouble> {
    if let Some(files) = load(config)?.server.tls {
        files.read()?;
    }
    Ok(())
}

fn draft(name: &str, text: String) -> Draft {
    Draft { name: name.to_owned(), text, is_secret: false, existing: Existing::Refuse }
}
