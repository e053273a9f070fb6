//! `render` and `vendored`: the ways out where an overlay cannot be resolved wholly.

use crate::domain::{RemoteBase, Render, TreePath, Vendored};
use crate::yaml::{Faults, Fields, Node};

/// Reads `render`: a directory, or a mapping with a `command`.
pub(super) fn read_render(node: &Node, faults: &Faults) -> Option<Render> {
    if let Some(directory) = node.as_str() {
        return read_directory(node, directory, faults);
    }
    let mut fields = Fields::of(node, "`render`", faults)?;
    fields.required("command");
    let command: Vec<String> = fields.strings("command").iter().map(|(_, word)| (*word).to_owned()).collect();
    fields.finish();
    if !command.iter().any(|word| word.contains("{overlay}") || word.contains("{name}")) {
        faults.push_with_hint(
            node,
            "the command of `render` does not say which overlay it is for",
            "write {overlay} for the overlay's path: [kustomize, build, --enable-helm, \"{overlay}\"]",
        );
        return None;
    }
    Some(Render::Command(command))
}

fn read_directory(node: &Node, directory: &str, faults: &Faults) -> Option<Render> {
    if TreePath::parse(directory).is_none() {
        faults.push(node, format!("`{directory}` leaves the repository: rendered manifests are named from its root"));
        return None;
    }
    if !directory.contains("{overlay}") && !directory.contains("{name}") {
        let hint = "write {overlay} for the overlay's path, or {name} for its last component";
        faults.push_with_hint(node, "all overlays cannot have their rendered manifests in one directory", hint);
        return None;
    }
    Some(Render::Directory(directory.trim_start_matches("./").trim_end_matches('/').to_owned()))
}

/// Reads an entry of `vendored`.
pub(super) fn read_vendored(url: &Node, path: &Node, faults: &Faults) -> Option<Vendored> {
    let text = url.as_str().unwrap_or_default();
    let base = RemoteBase::parse(text);
    let is_file = [".yaml", ".yml", ".json"].iter().any(|extension| text.ends_with(extension));
    if base.revision().is_none() && !is_file {
        let hint = "write the revision as the overlays do: …?ref=v1.2.3";
        faults.push_with_hint(url, "a copy is of one revision, and this names none", hint);
        return None;
    }
    match path.as_str().and_then(TreePath::parse).filter(|path| !path.as_str().is_empty()) {
        Some(path) => Some(Vendored { base, path }),
        None => {
            faults.push(path, "a copy lies at a path of this repository, named from its root");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::read;
    use crate::domain::Render;

    fn with(environment: &str, end: &str) -> Result<crate::config::Config, Vec<String>> {
        let text = format!(
            "version: 1\nenvironments:\n  production:\n    overlays: o\n    registry: r.example\n    {environment}\n{end}"
        );
        read("c", text.as_bytes()).map_err(|faults| {
            faults.iter().map(|fault| format!("{}:{}: {}", fault.line, fault.column, fault.message)).collect()
        })
    }

    #[test]
    fn a_directory_a_command_and_copies_are_read() {
        let config = with("render: ./rendered/{name}/", "vendored:\n  'github.com/o/r//b?ref=v1': vendor/b\n").unwrap();
        assert_eq!(config.environments[0].render, Some(Render::Directory("rendered/{name}".to_owned())));
        assert_eq!(config.environments[0].vendored[0].path.as_str(), "vendor/b");
        let config = with("render: {command: [kustomize, build, '{overlay}']}", "").unwrap();
        let words = ["kustomize", "build", "{overlay}"].map(str::to_owned).to_vec();
        assert_eq!(config.environments[0].render, Some(Render::Command(words)));
    }

    #[test]
    fn what_cannot_be_meant_is_a_fault_with_its_place() {
        for (environment, end, fault) in [
            ("render: rendered", "", "6:13: all overlays cannot have"),
            ("render: ../{name}", "", "6:13: `../{name}` leaves the repository"),
            ("render: {command: [make]}", "", "6:13: the command of `render` does not say"),
            ("render: {}", "", "6:13: "),
            ("", "vendored: {github.com/o/r: vendor/b}\n", "7:12: a copy is of one revision"),
            ("", "vendored: {'github.com/o/r?ref=v1': ../b}\n", "7:37: a copy lies at a path"),
        ] {
            let faults = with(environment, end).unwrap_err();
            assert!(faults.iter().any(|found| found.starts_with(fault)), "{environment}{end}: {faults:?}");
        }
    }
}
