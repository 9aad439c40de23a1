//! What to do when an item is no longer what the caller knows: `ConflictResolution`.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/updateitem>

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::failure::Failure;

/// How a conflict is resolved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Resolution {
    /// The caller wins.
    AlwaysOverwrite,
    /// Exchange merges, and mostly the caller wins (MS-OXWSCORE R584). Here the caller always does:
    /// what is not set stays as somebody else made it, which is all that there is to merge.
    #[default]
    AutoResolve,
    /// The caller loses.
    NeverOverwrite,
}

/// The schema's names.
pub(super) const NAMES: [(&str, Resolution); 3] = [
    ("AlwaysOverwrite", Resolution::AlwaysOverwrite),
    ("AutoResolve", Resolution::AutoResolve),
    ("NeverOverwrite", Resolution::NeverOverwrite),
];

impl Resolution {
    /// The change key that the item must still have, if any.
    pub(super) fn expects(self, key: Option<&str>) -> Result<Option<&str>, Failure> {
        let is_key = |key: &str| STANDARD.decode(key.trim()).is_ok();
        match (self, key) {
            (Self::AlwaysOverwrite, _) | (Self::AutoResolve, None) => Ok(None),
            (Self::NeverOverwrite, None) => Err(Failure::ChangeKeyRequired),
            (_, Some(key)) if !is_key(key) => Err(Failure::BadChangeKey),
            (Self::AutoResolve, Some(_)) => Ok(None),
            (Self::NeverOverwrite, Some(key)) => Ok(Some(key)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_never_overwrite_expects_a_key() {
        let key = Some("DwAAABYA");
        assert_eq!(Resolution::NeverOverwrite.expects(key), Ok(key));
        assert_eq!(Resolution::NeverOverwrite.expects(None), Err(Failure::ChangeKeyRequired));
        assert_eq!(Resolution::AutoResolve.expects(key), Ok(None));
        assert_eq!(Resolution::AutoResolve.expects(None), Ok(None));
        for resolution in [Resolution::AutoResolve, Resolution::NeverOverwrite] {
            assert_eq!(resolution.expects(Some("not a key")), Err(Failure::BadChangeKey));
        }
        // Respa stores a missing key as this.
        assert_eq!(Resolution::AlwaysOverwrite.expects(Some("None")), Ok(None));
    }
}
