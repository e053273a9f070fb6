//! Whatever byte is changed: a document is no longer verified, or says what it said.

use proptest::prelude::*;

use super::keyless::{anybody, public, release};
use super::*;

fn is_verified(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Verified { .. })
}

fn survives(name: &str, at: usize, byte: u8) -> Result<(), TestCaseError> {
    let original = document(name);
    let signers = [a(), release()];
    let expected = examine(&original, &signers);
    prop_assert!(is_verified(&expected.outcome));
    let mut bytes = original.bytes.to_vec();
    let at = at % bytes.len();
    bytes[at] = byte;
    let proof = examine(&Document { bytes: bytes.into(), ..original }, &signers);
    if is_verified(&proof.outcome) {
        prop_assert_eq!(proof, expected);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_bundle_does_not_survive_a_flip(at: usize, byte: u8) {
        for name in ["bundle", "bundle of provenance", "keyless", "keyless provenance"] {
            survives(name, at, byte)?;
        }
    }

    #[test]
    fn what_vouches_for_a_keyless_signature_does_not_survive_a_flip(at: usize, bit in 0_u8..8) {
        let expected = examine(&document("keyless"), &[release()]);
        for path in ["/certificate/rawBytes", "/timestampVerificationData/rfc3161Timestamps/0/signedTimestamp"] {
            let flipped = edited("keyless", |bundle| {
                let text = bundle["verificationMaterial"].pointer_mut(path).unwrap();
                let mut bytes = STANDARD.decode(text.as_str().unwrap()).unwrap();
                let at = at % bytes.len();
                bytes[at] ^= 1 << bit;
                *text = STANDARD.encode(bytes).into();
            });
            let proof = examine(&flipped, &[release()]);
            prop_assert!(!is_verified(&proof.outcome) || proof == expected, "{path}: {proof:?}");
        }
    }

    #[test]
    fn a_logged_bundle_does_not_survive_a_flip(at: usize, byte in b' '..=b'~') {
        let subject = "sha256:54303491a8418fbed24344b513546182c29b43bf282ceb433af65e2299f9271f";
        let original = public(fixture!("public-good.json"), subject);
        let signers = [anybody(PUBLIC_GOOD_ROOT)];
        let expected = examine(&original, &signers);
        let mut bytes = original.bytes.to_vec();
        let at = at % bytes.len();
        bytes[at] = byte;
        let proof = examine(&Document { bytes: bytes.into(), ..original }, &signers);
        prop_assert!(!is_verified(&proof.outcome) || proof == expected, "{proof:?}");
    }

    #[test]
    fn an_old_document_does_not_survive_a_flip(at: usize, byte: u8) {
        for name in ["old signature", "old attestation"] {
            survives(name, at, byte)?;
        }
    }

    #[test]
    fn an_old_signature_does_not_survive_a_flip_in_itself(at: usize, byte in b' '..=b'~') {
        let original = document("old signature");
        let mut signature = original.signature.clone().unwrap().into_bytes();
        let at = at % signature.len();
        let same = signature[at] == byte;
        signature[at] = byte;
        let signature = String::from_utf8(signature).ok();
        let outcome = outcome(&Document { signature, ..original });
        prop_assert_eq!(is_verified(&outcome), same);
    }

    #[test]
    fn no_document_panics(text in "[\\[\\]{}:,\"a-c0-9. ]{0,40}", kind in 0_usize..3) {
        let media_type = [BUNDLE, "application/vnd.dsse.envelope.v1+json", "application/vnd.dev.cosign.simplesigning.v1+json"][kind];
        let changed = Document { bytes: text.into_bytes().into(), media_type: media_type.to_owned(), ..document("bundle") };
        prop_assert!(!is_verified(&outcome(&changed)));
    }
}
