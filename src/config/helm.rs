//! `helm` of an environment: values files that are overlays.

use super::fields::{read_optional_path, read_path, read_required_path};
use super::read::tidy;
use crate::domain::{FieldPath, HelmImage, HelmValues, TreePath};
use crate::yaml::{Faults, Fields, Node};

/// Reads an entry of `helm`.
pub(super) fn read_values(node: &Node, faults: &Faults) -> Option<HelmValues> {
    let mut fields = Fields::of(node, "an entry of `helm`", faults)?;
    let values_node = fields.required("values");
    let values = fields.strings("values");
    if let Some(empty) = values_node.filter(|node| node.as_sequence().is_some_and(<[Node]>::is_empty)) {
        faults.push(empty, "`values` names no file");
    }
    let chart_node = fields.optional("chart");
    let chart = fields.non_empty_string("chart");
    let images_node = fields.optional("images");
    let images = fields.list("images");
    fields.finish();
    let stars = values.last().map_or(0, |(_, pattern)| pattern.matches('*').count());
    for (node, pattern) in values.iter().copied().chain(chart_node.zip(chart)) {
        check_pattern(node, pattern, stars, faults);
    }
    if let Some(empty) = images_node.filter(|_| images.is_empty()) {
        faults.push_with_hint(empty, "`images` names no image", "remove it, and images are found by their shape");
    }
    let read: Vec<HelmImage> = images.iter().filter_map(|image| read_image(image, faults)).collect();
    Some(HelmValues {
        values: values.iter().map(|(_, pattern)| tidy(pattern)).collect(),
        chart: chart.map(tidy),
        images: images_node.map(|_| read),
    })
}

fn check_pattern(node: &Node, pattern: &str, stars: usize, faults: &Faults) {
    if TreePath::parse(pattern).is_none() {
        faults.push(node, format!("`{pattern}` leaves the repository: values and charts are named from its root"));
    }
    if !HelmValues::is_pattern(pattern) {
        let hint = "`*` may stand once in each component, and no other wildcard";
        faults.push_with_hint(node, format!("`{pattern}` is not a pattern for values files"), hint);
    } else if pattern.matches('*').count() > stars {
        let message = format!("`{pattern}` has a `*` that the last values file has not");
        faults.push_with_hint(node, message, "`*` stands for what it stands for in the last of `values`");
    }
}

fn read_image(node: &Node, faults: &Faults) -> Option<HelmImage> {
    if let Some(text) = node.as_str() {
        return read_path(node, text, faults).map(HelmImage::At);
    }
    let mut fields = Fields::of(node, "an image of `helm`", faults)?;
    let repository = read_required_path(&mut fields, "repository", faults);
    let wildcards = repository.as_ref().map_or(usize::MAX, FieldPath::wildcards);
    let mut part = |key| {
        let path = read_optional_path(&mut fields, key, faults);
        if let Some((path, node)) =
            path.as_ref().zip(fields.optional(key)).filter(|(path, _)| path.wildcards() > wildcards)
        {
            let message = format!("`{path}` has a wildcard that `repository` has not");
            faults.push_with_hint(node, message, "a wildcard stands for what it stands for in `repository`");
        }
        path
    };
    let (tag, registry, digest) = (part("tag"), part("registry"), part("digest"));
    fields.finish();
    Some(HelmImage::Parts { repository: repository?, tag, registry, digest })
}

#[cfg(test)]
mod tests {
    use crate::config::read;
    use crate::yaml::Fault;

    fn told(text: &str) -> Vec<String> {
        let faults = read("promote-bot.yaml", text.as_bytes()).unwrap_err();
        let tell = |fault: &Fault| {
            let hint = fault.hint.as_ref().map(|hint| format!(" | {hint}")).unwrap_or_default();
            format!("{}:{} {}{hint}", fault.line, fault.column, fault.message)
        };
        faults.iter().map(tell).collect()
    }

    #[test]
    fn faults_in_helm_and_fields_are_told_with_the_others() {
        let text = "\
version: 1
environments:
  a:
    registry: a.example
    helm:
      - values: [x/**/v.yaml, ../v.yaml, v-*/*.yaml, v.yaml]
        images: [a..b, {tag: c}, {repository: 'd', tag: 'd[].e'}, [f]]
      - {value: x}
      - {values: [], images: []}
fields:
  - {kind: Cluster, path: 'spec.tags[0]'}
  - {path: x}
";
        let pattern = "`*` may stand once in each component, and no other wildcard";
        let steps = "join keys by `.`, and write `[]` for all elements of a list, `*` for all values of a mapping";
        let brackets = "has brackets that are not `[]` at the end of a key; `[]` stands for every element of a list";
        assert_eq!(
            told(text),
            [
                format!("6:18 `x/**/v.yaml` is not a pattern for values files | {pattern}"),
                "6:31 `../v.yaml` leaves the repository: values and charts are named from its root".to_owned(),
                "6:42 `v-*/*.yaml` has a `*` that the last values file has not | `*` stands for what it stands for in the last of `values`".to_owned(),
                format!("7:18 `a..b` has an empty key | {steps}"),
                "7:24 an image of `helm` needs `repository`".to_owned(),
                "7:58 `d[].e` has a wildcard that `repository` has not | a wildcard stands for what it stands for in `repository`".to_owned(),
                "7:67 an image of `helm` must be a mapping, found a list".to_owned(),
                "8:9 an entry of `helm` needs `values`".to_owned(),
                "8:10 an entry of `helm` has no field `value` | did you mean `values`?".to_owned(),
                "9:18 `values` names no file".to_owned(),
                "9:30 `images` names no image | remove it, and images are found by their shape".to_owned(),
                format!("11:28 `spec.tags[0]` {brackets} | {steps}"),
                "12:5 an entry of `fields` needs `kind`".to_owned(),
            ]
        );
    }

    #[test]
    fn an_environment_has_overlays_or_helm() {
        let helm = "version: 1\nenvironments: {a: {registry: a.example, helm: [{values: v.yaml}]}}\n";
        assert!(read("c", helm.as_bytes()).unwrap().environments[0].overlays.is_empty());
        let neither = "version: 1\nenvironments: {a: {registry: a.example}}\n";
        assert_eq!(told(neither), ["2:19 environment `a` needs `overlays`"]);
    }
}
