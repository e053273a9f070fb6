//! Reading where an environment's images live: `registry` and `names`.

use crate::domain::{ImageLayout, ImageStore, RegistryPrefix, masked};
use crate::yaml::{Faults, Node};

/// Reads a prefix of a registry, or `oci:` and the directory of an image layout; `names` belongs to the latter.
pub(super) fn read_store(registry: &Node, names: Option<&Node>, faults: &Faults) -> Option<ImageStore> {
    let Some(directory) = registry.as_str().and_then(|text| text.strip_prefix("oci:")) else {
        if let Some(names) = names {
            let message = "`names` is for a `registry` that is a directory: the names of others are the registry's";
            faults.push_with_hint(names, message, "write `registry: oci:DIR`, or leave `names` out");
        }
        return Some(ImageStore::Registry(read_prefix(registry, "registry", faults)?));
    };
    let is_plain = !directory.chars().any(|c| c.is_control() || matches!(c, '\\' | '"' | '\''));
    let directory = directory.trim_end_matches('/');
    if directory.is_empty() || !is_plain || directory.starts_with("//") {
        let hint = "write `oci:DIR`; DIR is absolute, or from the root of the repository";
        faults.push_with_hint(registry, "`oci:` needs the directory of an image layout", hint);
        return None;
    }
    let directory = match directory.starts_with('/') {
        true => directory.to_owned(),
        false => format!("./{}", directory.trim_start_matches("./")),
    };
    let names = names.map(|names| read_prefix(names, "names", faults)).map_or(Some(None), |names| names.map(Some))?;
    Some(ImageStore::Layout(ImageLayout { directory, names }))
}

fn read_prefix(node: &Node, key: &str, faults: &Faults) -> Option<RegistryPrefix> {
    let parsed = node.as_str().map(|text| (text, text.parse::<RegistryPrefix>()));
    match parsed {
        Some((_, Ok(prefix))) => Some(prefix),
        Some((text, Err(_))) if text.contains("://") => {
            faults.push_with_hint(node, "a registry prefix has no scheme", "write host[:port][/path]");
            None
        }
        Some((_, Err(error))) => {
            faults.push(node, masked(&error.to_string()));
            None
        }
        None => {
            faults.push(node, format!("`{key}` must be a string, found a {}", node.kind_name()));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;

    fn read_one(entry: &str) -> Result<ImageStore, Vec<String>> {
        let text = format!("version: 1\nenvironments:\n  dev: {{overlays: o, {entry}}}\n");
        match read("c", text.as_bytes()) {
            Ok(config) => Ok(config.environments[0].registry.clone().unwrap()),
            Err(faults) => Err(faults.into_iter().map(|fault| fault.message).collect()),
        }
    }

    #[test]
    fn a_directory_stands_for_a_registry() {
        let layout = |directory: &str, names: Option<&str>| {
            let names = names.map(|names| names.parse().unwrap());
            ImageStore::Layout(ImageLayout { directory: directory.to_owned(), names })
        };
        assert_eq!(read_one("registry: 'oci:bundle/'"), Ok(layout("./bundle", None)));
        assert_eq!(read_one("registry: 'oci:./bundle'"), Ok(layout("./bundle", None)));
        assert_eq!(read_one("registry: 'oci:5000'"), Ok(layout("./5000", None)));
        assert_eq!(
            read_one("registry: 'oci:/media/b', names: prod.example/x"),
            Ok(layout("/media/b", Some("prod.example/x")))
        );
        assert_eq!(read_one("registry: prod.example/x").unwrap().to_string(), "prod.example/x");
    }

    #[test]
    fn what_cannot_be_one_is_said() {
        let needs = "`oci:` needs the directory of an image layout";
        for (entry, why) in [
            ("registry: 'oci:'", needs),
            ("registry: 'oci:/'", needs),
            ("registry: 'oci://bundle'", needs),
            ("registry: \"oci:a\\nb\"", needs),
            ("registry: prod.example, names: prod.example", "`names` is for a `registry` that is a directory"),
            ("registry: 'oci:bundle', names: 'https://prod.example'", "a registry prefix has no scheme"),
            ("registry: 'oci:bundle', names: [a]", "`names` must be a string"),
        ] {
            let found = read_one(entry).unwrap_err().join("; ");
            assert!(found.contains(why), "{entry}: {found}");
        }
    }
}
