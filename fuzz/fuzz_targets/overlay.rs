//! One input is three texts between lines of `%%%%`: a kustomization, `base.yaml` and `patch.yaml`. They stand beside the fixed
//! files of `world/`, and are read in every way a directory can be read.
#![no_main]

use std::panic;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use promote_bot::domain::tree::MemoryTree;
use promote_bot::domain::{
    Difference, Environment, HelmValues, ImageField, LoadRestrictor, OverlayError, OverlayImages, RemoteBase, Render,
    TreePath, Vendored,
};
use promote_bot::kustomize::{Files, sites_digest};
use promote_bot::overlay::{Reach, Settings, resolve};
use promote_bot::yaml;

/// What stands between the three texts.
const SEPARATOR: &str = "\n%%%%\n";

/// The start of a custom resource definition: what follows is its versions.
const DEFINITION: &str = "kind: CustomResourceDefinition\nmetadata: {name: d}\nspec:\n  versions:\n";

/// Files that any input may refer to.
const WORLD: [(&str, &str); 8] = [
    ("base/kustomization.yaml", include_str!("../world/base/kustomization.yaml")),
    ("base/workloads.yaml", include_str!("../world/base/workloads.yaml")),
    ("base/configuration.yaml", include_str!("../world/base/configuration.yaml")),
    ("component/kustomization.yaml", include_str!("../world/component/kustomization.yaml")),
    ("chart/Chart.yaml", "name: chart\nversion: 1.0.0\n"),
    ("chart/values.yaml", include_str!("../world/chart/values.yaml")),
    ("cycle/kustomization.yaml", "resources: [../overlay]\n"),
    ("overlay/env.txt", "A=1\nB=$(A)\n#C=2\n"),
];

static FIELDS: LazyLock<Vec<ImageField>> = LazyLock::new(|| {
    let field = |kind: &str, path: &str| ImageField { kind: kind.to_owned(), group: None, path: path.parse().unwrap() };
    vec![field("Cluster", "spec.imageName"), field("Deployment", "spec.*.containers[].image")]
});

static HELM: LazyLock<Vec<HelmValues>> = LazyLock::new(|| {
    let values = vec!["values/base.yaml".to_owned(), "values/patch.yaml".to_owned()];
    vec![HelmValues { values, chart: Some("chart".to_owned()), images: None }]
});

/// A remote base with a copy, and one that links lead around to.
static VENDORED: LazyLock<Vec<Vendored>> = LazyLock::new(|| {
    let copy = |url: &str, path: &str| Vendored { base: RemoteBase::parse(url), path: TreePath::parse(path).unwrap() };
    vec![copy("github.com/o/r?ref=v1", "base"), copy("github.com/o/loop?ref=v1", "overlay")]
});

fuzz_target!(init: forgive_the_yaml_parser(), |input: &[u8]| {
    let text = String::from_utf8_lossy(input);
    let mut texts = text.splitn(3, SEPARATOR);
    let [kustomization, base, patch] = [0; 3].map(|_| texts.next().unwrap_or_default());
    // Large enough to be read without its schema.
    let definition = format!("{DEFINITION}{base}\n{}", "# filler\n".repeat(500));
    let mut files = WORLD.to_vec();
    files.extend([
        ("overlay/kustomization.yaml", kustomization),
        ("overlay/base.yaml", base),
        ("overlay/patch.yaml", patch),
        ("argo/kustomization.yaml", kustomization),
        ("argo/base.yaml", base),
        ("argo/.argocd-source.yaml", patch),
        ("loose/first.yaml", kustomization),
        ("loose/base.yaml", base),
        ("loose/patch.yaml", patch),
        ("overlay/definition.yaml", &definition),
        ("values/base.yaml", base),
        ("values/patch.yaml", patch),
    ]);
    for text in [kustomization, base, patch] {
        check_skimmed(text);
    }
    let tree = MemoryTree::of(files).with_link("overlay/link.yaml", "base.yaml").with_link("overlay/loop", "loop");

    let files = Files::default();
    let rendered = Render::Directory("loose/{name}".to_owned());
    let mut settings = Settings {
        load_restrictor: LoadRestrictor::None,
        helm: &HELM,
        fields: &FIELDS,
        vendored: &VENDORED,
        render: Some(&rendered),
        ..Settings::new(&files)
    };
    let answer = |path: &str, settings: &Settings<'_>| {
        let answer = resolve(&tree, &TreePath::parse(path).unwrap(), settings);
        check(&answer);
        answer
    };
    let first = answer("overlay", &settings);
    assert_eq!(first, answer("overlay", &settings), "two answers to one question");
    settings.load_restrictor = LoadRestrictor::Root;
    let _ = answer("overlay", &settings);
    let _ = answer("loose", &settings);
    let _ = answer("values/patch.yaml", &settings);
    if patch.contains("kustomize") || patch.contains("helm") {
        let _ = answer("argo", &settings);
    }
    if let Ok(difference) = Difference::between(&MemoryTree::of([]), &tree) {
        let mut environment = Environment::of_overlays("fuzz".to_owned(), vec!["overlay".to_owned()]);
        environment.helm = HELM.clone();
        Reach::new(&tree, &difference, &VENDORED).touches(&TreePath::parse("overlay").unwrap(), &environment);
    }
});

/// What is only looked over must parse, and end where the parser ends it.
fn check_skimmed(text: &str) {
    if let Some(skimmed) = yaml::skim(text.as_bytes(), 0) {
        let good = &text[..skimmed.bytes];
        let lines = good.matches('\n').count() + usize::from(!good.ends_with('\n'));
        assert_eq!(skimmed.lines, lines, "lines of {good:?}");
        let documents = yaml::parse("f.yaml", format!("key:\n{good}\nnext: 1\n").as_bytes());
        let documents = documents.unwrap_or_else(|error| panic!("{error:?} in {good:?}"));
        let keys =
            documents[0].as_mapping().map(|entries| entries.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>());
        assert_eq!(keys, Some(vec![Some("key"), Some("next")]), "keys of {good:?}");
    }
}

/// An answer that nothing can be said of is as bad as none.
fn check(answer: &Result<OverlayImages, OverlayError>) {
    match answer {
        Ok(images) => {
            let _ = sites_digest(images);
            assert!(images.uses.iter().all(|found| found.location.line > 0), "a use without a line");
        }
        Err(error) => assert!(!error.message.is_empty() && !error.hint.is_empty(), "an error without words: {error:?}"),
    }
}

/// Lets panics of libyaml-safer pass: `yaml::parse` catches them. Every other one ends the run, as libfuzzer-sys has it.
fn forgive_the_yaml_parser() {
    let fatal = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let is_forgiven = info.location().is_some_and(|location| location.file().contains("libyaml-safer"));
        if !is_forgiven {
            fatal(info);
        }
    }));
}
