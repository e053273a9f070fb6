//! The architecture, held: rows of the map, homes of outside crates, purity, and sizes that one can read at once.

#![expect(clippy::unwrap_used, reason = "sources that cannot be read are a failure")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The map of `src/lib.rs`, ground first. A module uses only modules of strictly lower rows.
const ROWS: &[&[&str]] = &[
    &["domain", "yaml"],
    &["manifest"],
    &["kustomize", "helm", "gitops"],
    &["overlay", "diff"],
    &["signature", "attestation"],
    &["plan", "policy"],
    &["git", "registry", "forge", "render"],
    &["config", "report"],
    &["commands"],
    &["cli"],
];

/// Outside crates and the modules they live in.
const HOMES: &[(&str, &[&str])] = &[
    ("annotate_snippets", &["report"]),
    ("anstream", &["cli", "report"]),
    ("anstyle", &["cli", "report"]),
    ("clap", &["cli", "commands"]),
    ("clap_complete", &["cli", "commands"]),
    ("docker_credential", &["registry"]),
    ("flate2", &["commands"]),
    ("gix", &["git"]),
    ("globset", &["domain"]),
    ("hyper", &["registry"]),
    ("http", &["forge"]),
    ("indicatif", &["cli"]),
    ("jsonwebtoken", &["forge"]),
    ("libyaml_safer", &["yaml"]),
    ("oci_client", &["registry"]),
    ("regex", &["policy", "kustomize", "signature"]),
    ("cel", &["policy"]),
    ("croner", &["policy"]),
    ("crypto_secretbox", &["signature"]),
    ("ed25519_dalek", &["signature"]),
    ("p256", &["signature"]),
    ("p384", &["signature"]),
    ("rsa", &["signature"]),
    ("rustix", &["render"]),
    ("scrypt", &["signature"]),
    ("sigstore_verify", &["signature"]),
    ("octocrab", &["forge"]),
    ("pulldown_cmark", &["report"]),
    ("quick_junit", &["report"]),
    ("reqwest", &["registry", "forge"]),
    ("rustls", &["registry", "forge"]),
    ("serde_sarif", &["report"]),
    ("schemars", &["config", "policy", "report"]),
    ("semver", &["policy"]),
    ("sha2", &["domain"]),
    ("strsim", &["yaml", "policy"]),
    ("tar", &["commands"]),
    ("tokio", &["registry", "forge", "commands", "cli"]),
    ("tracing_subscriber", &["cli"]),
];

/// What pure modules never touch.
const IO: &[&str] = &[
    "tokio::",
    "reqwest::",
    "gix::",
    "oci_client::",
    "std::fs",
    "std::env",
    "std::process",
    "std::net::Tcp",
    "SystemTime::now",
    "Instant::now",
    "Timestamp::now",
    "Zoned::now",
];

const MAX_FILE_LINES: usize = 400;
const MAX_FUNCTION_LINES: usize = 60;

struct Source {
    path: PathBuf,
    module: String,
    /// The lines outside test modules.
    lines: Vec<String>,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sources = Vec::new();
    let mut directories = vec![root.clone()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let relative = path.strip_prefix(&root).unwrap().to_owned();
                let first = relative.components().next().unwrap().as_os_str().to_str().unwrap();
                let module = first.trim_end_matches(".rs").to_owned();
                let is_test =
                    relative.components().any(|part| part.as_os_str() == "tests" || part.as_os_str() == "tests.rs")
                        || path.ends_with("testing.rs");
                let lines = if is_test { Vec::new() } else { product_lines(&fs::read_to_string(&path).unwrap()) };
                sources.push(Source { path: relative, module, lines });
            }
        }
    }
    assert!(sources.len() > 20, "the sources were not found");
    sources
}

/// Leaves out `#[cfg(test)] mod … { … }` blocks.
fn product_lines(text: &str) -> Vec<String> {
    let (mut lines, mut inside) = (Vec::new(), false);
    let mut all = text.lines().peekable();
    while let Some(line) = all.next() {
        if line == "#[cfg(test)]" && all.peek().is_some_and(|next| next.contains("mod ") && next.ends_with('{')) {
            inside = true;
        }
        if !inside {
            lines.push(line.to_owned());
        }
        if line == "}" {
            inside = false;
        }
    }
    lines
}

fn row(module: &str) -> Option<usize> {
    ROWS.iter().position(|row| row.contains(&module))
}

/// The modules a piece of code names through `crate::`, grouped imports included.
fn used_modules(lines: &[String]) -> BTreeSet<String> {
    let code: String = code(lines).collect::<Vec<_>>().join("\n");
    let mut used = BTreeSet::new();
    for (index, _) in code.match_indices("crate::") {
        let rest = &code[index + "crate::".len()..];
        let names: Vec<&str> = match rest.strip_prefix('{') {
            Some(group) => group.split('}').next().unwrap().split(',').map(str::trim).collect(),
            None => vec![rest],
        };
        for name in names {
            used.insert(name.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect());
        }
    }
    used
}

fn code(lines: &[String]) -> impl Iterator<Item = &str> {
    lines.iter().map(|line| line.trim()).filter(|line| !line.starts_with("//"))
}

fn fail_if_any(breaches: &[String]) {
    assert!(breaches.is_empty(), "\n{}", breaches.join("\n"));
}

#[test]
fn every_module_has_a_row_and_uses_only_lower_ones() {
    let mut breaches = Vec::new();
    for source in sources() {
        if matches!(source.module.as_str(), "lib" | "main") {
            continue;
        }
        let Some(own) = row(&source.module) else {
            breaches.push(format!("{} is in no row of the map", source.path.display()));
            continue;
        };
        for used in used_modules(&source.lines).into_iter().filter(|used| *used != source.module) {
            if row(&used).is_some_and(|other| other >= own) {
                breaches.push(format!("{} uses {used}, which is not below it", source.path.display()));
            }
        }
    }
    fail_if_any(&breaches);
}

#[test]
fn every_outside_crate_has_its_home() {
    let mut breaches = Vec::new();
    for source in sources() {
        for (outside, homes) in HOMES {
            let names = [format!("{outside}::"), format!("use {outside};")];
            let is_named = code(&source.lines).any(|line| {
                names.iter().any(|name| {
                    line.match_indices(name.as_str())
                        .any(|(at, _)| !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':'))
                })
            });
            if is_named && !homes.contains(&source.module.as_str()) {
                breaches.push(format!("{} names {outside}, whose home is {homes:?}", source.path.display()));
            }
        }
    }
    fail_if_any(&breaches);
}

#[test]
fn decisions_and_reports_do_no_io() {
    let edges = ["git", "registry", "forge", "render", "commands", "cli", "main", "lib"];
    let mut breaches = Vec::new();
    for source in sources().iter().filter(|source| !edges.contains(&source.module.as_str())) {
        for line in code(&source.lines) {
            if let Some(io) = IO.iter().find(|io| line.contains(*io)) {
                breaches.push(format!("{} does IO: {io}", source.path.display()));
            }
        }
    }
    fail_if_any(&breaches);
}

#[test]
fn only_the_command_line_prints() {
    let mut breaches = Vec::new();
    for source in sources().iter().filter(|source| !matches!(source.module.as_str(), "cli" | "commands")) {
        if code(&source.lines).any(|line| ["println!(", "print!(", "dbg!("].iter().any(|print| line.contains(print))) {
            breaches.push(format!("{} prints", source.path.display()));
        }
    }
    fail_if_any(&breaches);
}

#[test]
fn files_and_functions_can_be_read_at_once() {
    let mut breaches = Vec::new();
    for source in sources() {
        if source.lines.len() > MAX_FILE_LINES {
            breaches.push(format!("{} has {} lines", source.path.display(), source.lines.len()));
        }
        for (name, length) in functions(&source.lines) {
            if length > MAX_FUNCTION_LINES {
                breaches.push(format!("{}: {name} has {length} lines", source.path.display()));
            }
        }
    }
    fail_if_any(&breaches);
}

fn functions(lines: &[String]) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let indent = line.len() - line.trim_start().len();
        let words = line.trim_start();
        let head = words.split("fn ").next().unwrap();
        let is_function = words.contains("fn ")
            && head.split_whitespace().all(|word| matches!(word, "const" | "async") || word.starts_with("pub"));
        if is_function {
            let end = format!("{}}}", " ".repeat(indent));
            let length = lines[start..].iter().position(|line| *line == end).map_or(1, |length| length + 1);
            found.push((words.split('(').next().unwrap().to_owned(), length));
        }
    }
    found
}
