//! PEM as key files have it: one block, nothing else that matters.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::key::InvalidKey;
use super::proof::shown;

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

/// More than any key; bounds what is decoded.
const MAX_BYTES: usize = 64 * 1024;

/// What stood between the two lines of dashes.
pub(super) struct Block {
    pub(super) label: String,
    pub(super) der: Vec<u8>,
}

/// Reads the one block of `text`.
///
/// # Errors
/// When there is none, more than one, or it is not base64.
pub(super) fn single(text: &str) -> Result<Block, InvalidKey> {
    if text.len() > MAX_BYTES {
        return Err(InvalidKey::TooLong { found: text.len(), most: MAX_BYTES });
    }
    let lines = || text.lines().map(str::trim);
    let begins = lines().filter(|line| line.starts_with(BEGIN)).count();
    match begins {
        0 => return Err(InvalidKey::NotPem),
        1 => (),
        found => return Err(InvalidKey::SeveralBlocks { found }),
    }
    let mut rest = lines().skip_while(|line| !line.starts_with(BEGIN));
    let label =
        rest.next().and_then(|line| line.strip_prefix(BEGIN)?.strip_suffix(DASHES)).ok_or(InvalidKey::NotPem)?;
    let malformed = || InvalidKey::Encoding { label: shown(label) };
    let mut base64 = String::new();
    for line in rest {
        if let Some(end) = line.strip_prefix(END) {
            let der = (end.strip_suffix(DASHES) == Some(label)).then(|| STANDARD.decode(&base64).ok());
            let der = der.flatten().ok_or_else(malformed)?;
            return Ok(Block { label: label.to_owned(), der });
        }
        base64.push_str(line);
    }
    Err(malformed())
}
