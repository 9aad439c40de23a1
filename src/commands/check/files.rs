//! Who else may read or change the files that decide what the gateway does.
//! <https://pubs.opengroup.org/onlinepubs/9799919799/basedefs/sys_stat.h.html>
//!
//! Owns what is told of files' modes. Must not read what is in them.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::client::Source;
use crate::config::Config;
use crate::graph::{Finding, Sheet, Verdict};
use crate::tenant::{Certificate, Proof, Secret};

/// What is wrong with the modes of files.
pub(super) fn findings(config: &Config, name: &str) -> Vec<Finding> {
    let mut seen: Vec<(&Path, bool)> = vec![(Path::new(name), false)];
    let mut add = |path, is_secret| {
        if !seen.contains(&(path, is_secret)) {
            seen.push((path, is_secret));
        }
    };
    if let Some(tls) = &config.server.tls {
        add(&tls.private_key, true);
    }
    for credential in config.tenants.iter().flat_map(|tenant| &tenant.credentials) {
        match &credential.proof {
            Proof::Secret(Secret::File(path)) => add(path, true),
            Proof::Certificates(all) => all.iter().flat_map(keys).for_each(|path| add(path, true)),
            // The platform writes its own tokens, which do not live long.
            Proof::Secret(Secret::Kept(_)) | Proof::FederatedToken(_) | Proof::ManagedIdentity { .. } => {}
        }
    }
    let mailboxes = config.clients.iter().flat_map(|client| client.policy.mailboxes());
    for roster in mailboxes.flat_map(|mailboxes| &mailboxes.rosters) {
        if let Source::File(path) = roster.source() {
            add(path, false);
        }
    }
    seen.into_iter().flat_map(|(path, is_secret)| of_file(path, is_secret)).collect()
}

fn keys(certificate: &Certificate) -> Vec<&Path> {
    match certificate {
        Certificate::Pem { private_key, .. } => vec![private_key],
        Certificate::Pkcs12 { path, password: Secret::File(password) } => vec![path, password],
        Certificate::Pkcs12 { path, password: Secret::Kept(_) } => vec![path],
    }
}

fn of_file(path: &Path, is_secret: bool) -> Vec<Finding> {
    let mut sheet = Sheet::of(path.display().to_string());
    // Whether it is there is another check's.
    let Ok(data) = std::fs::metadata(path) else { return Vec::new() };
    let mode = data.permissions().mode() & 0o777;
    let mut warn = |text: &str, change: &str| {
        let remedy = format!("chmod {change} '{}'", path.display());
        sheet.note("file_mode", Verdict::Warning, format!("{text} (mode {mode:03o})"), Some(remedy));
    };
    if mode & OTHERS_WRITE != 0 {
        warn("others than its owner may change it", "go-w");
    }
    if is_secret && mode & WORLD_READS != 0 {
        warn("everybody on this host may read it", "o-r");
    }
    sheet.findings()
}

const OTHERS_WRITE: u32 = 0o022;
const WORLD_READS: u32 = 0o004;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn what_others_may_change_or_read_is_told_with_its_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("it's");
        std::fs::write(&path, "").unwrap();
        for (mode, is_secret, remedies) in [
            (0o600, true, vec![]),
            (0o640, true, vec![]),
            (0o644, false, vec![]),
            (0o644, true, vec!["chmod o-r"]),
            (0o620, false, vec!["chmod go-w"]),
            (0o606, true, vec!["chmod go-w", "chmod o-r"]),
        ] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let found = of_file(&path, is_secret);
            let told: Vec<&str> = found.iter().filter_map(|it| it.remedy.as_deref()?.split(" '").next()).collect();
            assert_eq!(told, remedies, "{mode:o}");
            assert!(found.iter().all(|it| it.verdict == Verdict::Warning));
        }
        assert!(of_file(&folder.path().join("nothing"), true).is_empty());
    }
}
