//! cosign's encrypted private keys: PKCS#8 in a NaCl secret box, whose key scrypt makes of the password.
//!
//! Follows <https://github.com/secure-systems-lab/go-securesystemslib/blob/v0.9.1/encrypted/encrypted.go>.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto_secretbox::aead::{Aead as _, KeyInit as _};
use crypto_secretbox::{Key as BoxKey, Nonce, XSalsa20Poly1305};
use p256::elliptic_curve::zeroize::Zeroizing;
use serde_json::Value;

use super::json;
use super::key::InvalidKey;

/// What scrypt may take: cosign asks for 64 MiB.
const MAX_MEMORY_BYTES: u64 = 256 * 1024 * 1024;
const MAX_PARALLEL: u64 = 4;

/// Opens an encrypted key and returns its PKCS#8.
///
/// # Errors
/// When it is encrypted in another way, would take more than 256 MiB, or the password does not fit.
pub(super) fn open(sealed: &[u8], password: &str) -> Result<Zeroizing<Vec<u8>>, InvalidKey> {
    let sealed = json::read(sealed, json::FRAME).map_err(|_| unsupported("it is not JSON"))?;
    let text = |path: &str| sealed.pointer(path).and_then(Value::as_str).unwrap_or_default();
    let bytes = |path: &str| STANDARD.decode(text(path)).map_err(|_| unsupported("a part of it is not base64"));
    if text("/kdf/name") != "scrypt" || text("/cipher/name") != "nacl/secretbox" {
        return Err(unsupported("expected scrypt and nacl/secretbox"));
    }
    let parameters = parameters(&sealed)?;
    let mut nonce = Nonce::default();
    let found = bytes("/cipher/nonce")?;
    if found.len() != nonce.len() {
        return Err(unsupported("the nonce has not 24 bytes"));
    }
    nonce.copy_from_slice(&found);
    let mut key = BoxKey::default();
    scrypt::scrypt(password.as_bytes(), &bytes("/kdf/salt")?, &parameters, &mut key)
        .map_err(|_| unsupported("scrypt refuses its parameters"))?;
    let opened = XSalsa20Poly1305::new(&key).decrypt(&nonce, bytes("/ciphertext")?.as_slice());
    opened.map(Zeroizing::new).map_err(|_| InvalidKey::Password)
}

fn parameters(sealed: &Value) -> Result<scrypt::Params, InvalidKey> {
    let number = |name: &str| {
        let found = sealed.pointer("/kdf/params").and_then(|params| params.get(name)).and_then(Value::as_u64);
        found.filter(|number| *number > 0).ok_or_else(|| unsupported("a parameter of scrypt is missing"))
    };
    let (n, r, p) = (number("N")?, number("r")?, number("p")?);
    let memory = n.checked_mul(r).and_then(|blocks| blocks.checked_mul(128));
    if memory.is_none_or(|bytes| bytes > MAX_MEMORY_BYTES) || p > MAX_PARALLEL {
        return Err(unsupported("scrypt would take more than 256 MiB"));
    }
    let log_n = u8::try_from(n.ilog2()).ok().filter(|_| n.is_power_of_two());
    let parameters = log_n.zip(u32::try_from(r).ok()).zip(u32::try_from(p).ok());
    parameters
        .and_then(|((log_n, r), p)| scrypt::Params::new(log_n, r, p, 32).ok())
        .ok_or_else(|| unsupported("scrypt refuses its parameters"))
}

fn unsupported(why: &'static str) -> InvalidKey {
    InvalidKey::Encryption { why }
}
