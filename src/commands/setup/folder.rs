//! The folder that `setup` writes into.
//!
//! Owns what may be overwritten and who may read it. Must not know what is written.

use std::fs::{DirBuilder, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::commands::Trouble;

/// A file that is to be.
#[derive(Debug)]
pub(super) struct Draft {
    /// Its path in the folder.
    pub(super) name: String,
    pub(super) text: String,
    /// Whether only its owner may read it.
    pub(super) is_secret: bool,
    pub(super) existing: Existing,
}

/// What happens to one of that name that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Existing {
    /// Nothing is written at all, unless forced.
    Refuse,
    /// It was taken into account.
    Replace,
    /// It stays.
    Keep,
}

/// Writes all of them, or none where one may not be overwritten; says what was done.
///
/// # Errors
/// What may not be overwritten, or cannot be written.
pub(super) fn write(folder: &Path, drafts: &[Draft], force: bool) -> Result<Vec<String>, Trouble> {
    let exists = |draft: &Draft| folder.join(&draft.name).symlink_metadata().is_ok();
    let in_the_way: Vec<String> = drafts
        .iter()
        .filter(|draft| draft.existing == Existing::Refuse && !force && exists(draft))
        .map(|draft| folder.join(&draft.name).display().to_string())
        .collect();
    if !in_the_way.is_empty() {
        return Err(format!("{} is there already; --force overwrites it", in_the_way.join(", ")).into());
    }
    for draft in drafts.iter().filter(|draft| draft.existing == Existing::Keep && exists(draft)) {
        keepable(&folder.join(&draft.name))?;
    }
    DirBuilder::new().recursive(true).create(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut done = Vec::with_capacity(drafts.len());
    for draft in drafts {
        let path = folder.join(&draft.name);
        let trouble = |error| format!("{}: {error}", path.display());
        if exists(draft) && draft.existing == Existing::Keep {
            done.push(format!("kept     {}", path.display()));
            continue;
        }
        put(&path, draft).map_err(trouble)?;
        done.push(format!("written  {}", path.display()));
    }
    Ok(done)
}

/// Whether a secret that is there may stay: somebody else may have put it there, or read it.
fn keepable(path: &Path) -> Result<(), Trouble> {
    let trouble = |problem: &str| {
        let path = path.display();
        Trouble::from(format!("{path} is there already and cannot be kept: {problem}; put it right, or move it away"))
    };
    let data = path.symlink_metadata().map_err(|error| trouble(&error.to_string()))?;
    if !data.file_type().is_file() {
        return Err(trouble("it is no regular file"));
    }
    // Whose this process is; elsewhere than on Linux only the mode tells.
    if std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() != data.uid()) {
        return Err(trouble("it is not this user's"));
    }
    if data.mode() & 0o177 != 0 {
        return Err(trouble("others than its owner may use it (chmod 600)"));
    }
    Ok(())
}

/// Through a new file beside it: nobody else ever reads a secret, and nothing is ever half written.
fn put(path: &Path, draft: &Draft) -> std::io::Result<()> {
    if let Some(parent) = path.parent().filter(|parent| !parent.exists()) {
        DirBuilder::new().recursive(true).mode(if draft.is_secret { 0o700 } else { 0o755 }).create(parent)?;
    }
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    let mode = if draft.is_secret { 0o600 } else { 0o640 };
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&beside)?;
    let written = file.write_all(draft.text.as_bytes()).and_then(|()| file.sync_all());
    written.and_then(|()| std::fs::rename(&beside, path)).inspect_err(|_| {
        // What went wrong is told; that a rest cannot be removed either would only hide it.
        let _ = std::fs::remove_file(&beside);
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn draft(name: &str, text: &str, existing: Existing) -> Draft {
        Draft { name: name.to_owned(), text: text.to_owned(), is_secret: name.starts_with("secrets/"), existing }
    }

    #[test]
    fn nothing_is_overwritten_unless_that_was_said() {
        let folder = tempfile::tempdir().unwrap();
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        let drafts = |text: &str| {
            [
                draft("a", text, Existing::Replace),
                draft("secrets/key", text, Existing::Keep),
                draft("z", text, Existing::Refuse),
            ]
        };
        write(folder.path(), &drafts("1"), false).unwrap();
        let mode = std::fs::metadata(folder.path().join("secrets/key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let trouble = write(folder.path(), &drafts("2"), false).unwrap_err();
        assert!(trouble.text().contains("/z is there already"), "{}", trouble.text());
        assert_eq!([read("a"), read("secrets/key"), read("z")], ["1", "1", "1"], "all or nothing");
        write(folder.path(), &drafts("3"), true).unwrap();
        assert_eq!([read("a"), read("secrets/key"), read("z")], ["3", "1", "3"]);
    }

    #[test]
    fn a_secret_that_others_may_have_put_there_or_read_is_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let drafts = [draft("a", "1", Existing::Replace), draft("secrets/key", "1", Existing::Keep)];
        write(folder.path(), &drafts, false).unwrap();
        let key = folder.path().join("secrets/key");
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o640)).unwrap();
        let trouble = write(folder.path(), &drafts, true).unwrap_err();
        assert!(trouble.text().contains("chmod 600"), "{}", trouble.text());
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o400)).unwrap();
        write(folder.path(), &drafts, false).unwrap();
        std::fs::rename(&key, folder.path().join("elsewhere")).unwrap();
        std::os::unix::fs::symlink(folder.path().join("elsewhere"), &key).unwrap();
        let trouble = write(folder.path(), &drafts, true).unwrap_err();
        assert!(trouble.text().contains("no regular file"), "{}", trouble.text());
        let mode = std::fs::metadata(folder.path().join("a")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
    }

    #[test]
    fn a_link_is_replaced_and_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("target");
        std::fs::write(&target, "untouched").unwrap();
        std::os::unix::fs::symlink(&target, folder.path().join("z")).unwrap();
        assert!(write(folder.path(), &[draft("z", "1", Existing::Refuse)], false).is_err());
        write(folder.path(), &[draft("z", "1", Existing::Refuse)], true).unwrap();
        assert_eq!(std::fs::read_to_string(&target).unwrap(), "untouched");
        assert!(!folder.path().join("z").is_symlink());
    }
}
