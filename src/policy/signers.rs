//! The signers file: the only place with keys and identities.

use crate::domain::TreePath;
use crate::signature::{Identity, Key, Keyless, Means, PUBLIC_GOOD_ROOT, Signer};
use crate::yaml::{self, Fault, Faults, Fields, Node};

/// Reads a file that the signers file names, relative to it; the words say why it cannot be read.
pub type ReadFile<'a> = &'a dyn Fn(&str) -> Result<String, String>;

/// Identities that are nobody's: what takes one of them takes everybody's.
const STRANGERS: [&str; 2] = ["https://forge.invalid/a/b/.workflow/c.yml@refs/heads/d", "somebody@mail.invalid"];

/// How many signers there may be: each tries every signature.
const MOST_SIGNERS: usize = 100;

/// What stands for the public-good instance of Sigstore.
const PUBLIC_GOOD: &str = "public-good";

/// Reads `signers.yaml`; `path` names it in faults, `file` reads the keys it names.
///
/// # Errors
/// All faults, ordered by place.
pub fn read_signers(path: &str, text: &[u8], file: ReadFile<'_>) -> Result<Vec<Signer>, Vec<Fault>> {
    yaml::read_file(path, text, "the signers file", |document, faults| read_document(document, file, faults))
}

fn read_document(document: &Node, file: ReadFile<'_>, faults: &Faults) -> Option<Vec<Signer>> {
    yaml::refuse_nulls(document, faults);
    let mut fields = Fields::of(document, "the signers file", faults)?;
    if let Some(version) = fields.optional("version").filter(|version| version.as_str() != Some("1")) {
        faults.push(version, "`version` must be 1");
    }
    fields.required("signers");
    let entries = fields.entries("signers");
    fields.finish();
    if entries.len() > MOST_SIGNERS {
        faults.push(document, format!("there are {} signers, at most {MOST_SIGNERS} are read", entries.len()));
        return None;
    }
    Some(entries.into_iter().filter_map(|(name, node)| read_signer(name, node, file, faults)).collect())
}

fn read_signer(name: &Node, node: &Node, file: ReadFile<'_>, faults: &Faults) -> Option<Signer> {
    let text = name.as_str().unwrap_or_default();
    if !crate::domain::Environment::is_name(text) {
        faults.push(name, "a signer's name has lower-case letters, digits, `-`, `_` and `.`, at most 63");
    }
    let mut fields = Fields::of(node, format!("the signer `{text}`"), faults)?;
    let (key, keyless) = (fields.optional("cosign_key"), fields.optional("keyless"));
    let key_path = fields.non_empty_string("cosign_key");
    fields.finish();
    let means = match (key, keyless) {
        (Some(key), None) => read_key(key, key_path?, file, faults).map(Means::Key),
        (None, Some(keyless)) => read_keyless(keyless, text, file, faults).map(Means::Keyless),
        _ => {
            faults.push(node, format!("the signer `{text}` needs `cosign_key` or `keyless`, and not both"));
            None
        }
    };
    Some(Signer { name: text.to_owned(), means: means? })
}

/// Reads a file beside the signers file; leaving the repository is a fault.
fn read_named(node: &Node, path: &str, file: ReadFile<'_>, faults: &Faults) -> Option<String> {
    if path.starts_with('/') || TreePath::parse(path).is_none() && !path.starts_with("../") {
        faults.push(node, format!("`{path}` leaves the repository: name it from the signers file"));
        return None;
    }
    file(path).map_err(|why| faults.push(node, format!("{path} cannot be read: {why}"))).ok()
}

fn read_key(node: &Node, path: &str, file: ReadFile<'_>, faults: &Faults) -> Option<Key> {
    if path.contains("-----BEGIN") {
        return Key::from_pem(path).map_err(|error| faults.push(node, error.to_string())).ok();
    }
    let text = read_named(node, path, file, faults)?;
    Key::from_pem(&text).map_err(|error| faults.push(node, format!("{path}: {error}"))).ok()
}

fn read_keyless(node: &Node, name: &str, file: ReadFile<'_>, faults: &Faults) -> Option<Keyless> {
    let mut fields = Fields::of(node, format!("`keyless` of the signer `{name}`"), faults)?;
    let issuer = fields.required_string("issuer");
    let (exact, pattern) = (fields.non_empty_string("identity"), fields.non_empty_string("identity_pattern"));
    let pattern_node = fields.optional("identity_pattern");
    let root = fields.non_empty_string("trusted_root");
    let root_node = fields.optional("trusted_root");
    fields.finish();
    let identity = match (exact, pattern) {
        (Some(exact), None) => Some(Identity::Exact(exact.to_owned())),
        (None, Some(pattern)) => {
            let wrong = |_| {
                pattern_node
                    .into_iter()
                    .for_each(|node| faults.push(node, format!("`{pattern}` is not a regular expression")));
            };
            let identity = Identity::pattern(pattern).map_err(wrong).ok();
            if let Some(node) = pattern_node
                && identity.as_ref().is_some_and(|identity| STRANGERS.iter().any(|one| identity.matches(one)))
            {
                faults.push_with_hint(
                    node,
                    "`identity_pattern` takes identities of people nobody knows",
                    "write what the identities have in common",
                );
            }
            identity
        }
        _ => {
            faults.push_with_hint(
                node,
                format!("the keyless signer `{name}` needs `identity`, or `identity_pattern`, and not both"),
                "without it everybody who can sign in anywhere would be this signer",
            );
            None
        }
    };
    let trusted_root = match (root, root_node) {
        (None | Some(PUBLIC_GOOD), _) => PUBLIC_GOOD_ROOT.to_owned(),
        (Some(path), Some(node)) => read_named(node, path, file, faults)?,
        (Some(_), None) => return None,
    };
    let place = root_node.unwrap_or(node);
    Keyless::new(issuer?.to_owned(), identity?, &trusted_root)
        .map_err(|error| faults.push(place, format!("the trusted root of `{name}`: {error}")))
        .ok()
}
