//! Watermarks: a number in a subscription, in a form that means nothing to callers and is refused
//! where it does not belong.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::failure::Failure;

/// The watermark of a number.
#[must_use]
pub fn write(subscription: &str, number: i64) -> String {
    let bytes = number.to_be_bytes();
    STANDARD.encode([&bytes[..], &check(subscription, bytes)].concat())
}

/// The number of a watermark.
///
/// # Errors
/// [`Failure::BadWatermark`] for one of another subscription, or of nobody's.
pub fn read(subscription: &str, watermark: &str) -> Result<i64, Failure> {
    let bytes = STANDARD.decode(watermark.trim()).map_err(|_| Failure::BadWatermark)?;
    let (number, rest) = bytes.split_first_chunk::<8>().ok_or(Failure::BadWatermark)?;
    if rest != check(subscription, *number) {
        return Err(Failure::BadWatermark);
    }
    Ok(i64::from_be_bytes(*number))
}

fn check(subscription: &str, number: [u8; 8]) -> [u8; CHECK] {
    let digest = Sha256::new().chain_update(subscription).chain_update(number).finalize();
    let mut check = [0; CHECK];
    for (to, from) in check.iter_mut().zip(digest) {
        *to = from;
    }
    check
}

const CHECK: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn watermarks_belong_to_one_subscription() {
        let watermark = write("one", 7);
        assert_eq!(read("one", &watermark), Ok(7));
        assert_eq!(read("two", &watermark), Err(Failure::BadWatermark));
        for bad in ["", "AQAAAA==", "!", "AAAAAAAAAAc="] {
            assert_eq!(read("one", bad), Err(Failure::BadWatermark), "{bad}");
        }
    }
}
