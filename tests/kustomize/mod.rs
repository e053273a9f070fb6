//! Overlays against what the real kustomize printed for them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use promote_bot::domain::tree::MemoryTree;
use promote_bot::domain::{ImageUse, LoadRestrictor, Location, OverlayError, OverlayImages, TreePath, UseClass};
use promote_bot::kustomize::{Files, Options, images, read_loose, resolve, sites_digest};
use serde_json::{Value, json};

fn build(tree: &MemoryTree, overlay: &str, load_restrictor: LoadRestrictor) -> Result<OverlayImages, OverlayError> {
    let overlay = TreePath::parse(overlay).unwrap();
    let files = Files::default();
    resolve(tree, &overlay, &Options { load_restrictor, ..Options::new(&files) }).map(|rendered| images(&rendered))
}

fn of_class(images: &OverlayImages, class: UseClass) -> Vec<String> {
    let uses = images.uses.iter().filter(|image_use| image_use.class == class);
    let set: BTreeSet<_> = uses.map(|image_use| image_use.image.clone()).collect();
    set.into_iter().collect()
}

fn summary(images: &OverlayImages) -> Value {
    json!({
        "images": of_class(images, UseClass::Container),
        "fields": of_class(images, UseClass::Field),
        "helm": of_class(images, UseClass::Helm),
        "n": images.uses.len(),
        "sites": sites_digest(images),
    })
}

/// Holds every one-rule case of `quirks.jsonl` (one JSON object a line: files, and what kustomize 5.8.1 made of them) against
/// what is resolved here: equal where both accept, refused or partial where kustomize fails.
#[test]
fn no_quirk_of_kustomize_is_answered_wrongly() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kustomize/quirks.jsonl");
    let (mut equal, mut wrong) = (0, Vec::new());
    for line in fs::read_to_string(path).unwrap().lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        match quirk(&case) {
            Ok(()) => equal += 1,
            Err(difference) => wrong.push(format!("{}: {}\n{difference}", case["section"], case["title"])),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(equal >= 175, "only {equal} cases were found");
}

fn quirk(case: &Value) -> Result<(), String> {
    let expected = &case["expect"];
    let files = case["files"].as_object().unwrap();
    let tree = MemoryTree::of(files.iter().map(|(path, text)| (path.as_str(), text.as_str().unwrap())));
    let load_restrictor = if expected["lr"] == "none" { LoadRestrictor::None } else { LoadRestrictor::Root };
    match (expected["ok"] == true, build(&tree, case["overlay"].as_str().unwrap(), load_restrictor)) {
        (false, Err(_)) => Ok(()),
        (false, Ok(images)) if !images.partial.is_empty() => Ok(()),
        (true, Err(error)) => Err(format!("  expected {expected}\n  refused  {error}")),
        (accepted, Ok(images)) => {
            let found = summary(&images);
            let is_equal = ["images", "fields", "helm", "n", "sites"].iter().all(|key| found[key] == expected[key]);
            match accepted && is_equal {
                true => Ok(()),
                false => Err(format!("  expected {expected}\n  found    {found}")),
            }
        }
    }
}

/// Every directory under `cases` is an overlay in `overlay/` (or itself) with an `expected.json` beside its files.
#[test]
fn all_cases_render_what_kustomize_rendered() {
    run_all_cases(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kustomize/cases"));
}

/// Builds every case below `dir` and compares images with kustomize's own (`images`, `fields`, `helm`, or `error`), and
/// where `positions` are given, the places of the uses with those.
fn run_all_cases(dir: &Path) {
    let mut cases: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    assert!(cases.len() >= 20, "only {} cases found", cases.len());
    let faults: Vec<String> = cases.iter().filter_map(|case| run_case(case).err()).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn run_case(case: &Path) -> Result<(), String> {
    let name = case.file_name().unwrap().to_string_lossy().into_owned();
    let mut files = Vec::new();
    read_files(case, case, &mut files);
    let tree = MemoryTree::of(files.iter().map(|(path, text)| (path.as_str(), text.as_str())));
    let overlay = if case.join("overlay").is_dir() { "overlay" } else { "" };
    let result = build(&tree, overlay, LoadRestrictor::Root);
    let found = answer(result.as_ref().ok());
    if let Ok(rendered) = std::env::var("KZ_RECORD") {
        record(case, &Path::new(&rendered).join(format!("{name}.yaml")), result.as_ref().ok());
    }
    let expected: Value = serde_json::from_str(&fs::read_to_string(case.join("expected.json")).unwrap()).unwrap();
    if found != expected["kustomize"] {
        let error = result.err().map(|error| error.to_string());
        return Err(format!("{name}: expected {}, found {found} {error:?}", expected["kustomize"]));
    }
    let uses = result.map(|images| images.uses).unwrap_or_default();
    let positions = Value::Array(uses.iter().map(position).collect());
    match expected.get("positions") {
        Some(expected) if *expected != positions => Err(format!("{name}: expected {expected}, found {positions}")),
        _ => Ok(()),
    }
}

/// What kustomize would say: it fails where the answer is partial.
fn answer(images: Option<&OverlayImages>) -> Value {
    images.filter(|images| images.partial.is_empty()).map_or(json!({ "error": true }), |images| {
        json!({
            "images": of_class(images, UseClass::Container),
            "fields": of_class(images, UseClass::Field),
            "helm": of_class(images, UseClass::Helm),
            "sites": sites_digest(images),
        })
    })
}

/// Writes `expected.json`: images as in the file kustomize rendered (absent when it failed), positions as found now.
fn record(case: &Path, rendered: &Path, found: Option<&OverlayImages>) {
    let printed = fs::read_to_string(rendered).ok().map(|text| {
        let tree = MemoryTree::of([("rendered.yaml", text.as_str())]);
        images(&read_loose(&tree, &TreePath::root(), &Files::default()).unwrap())
    });
    let positions: Vec<Value> = found.map(|images| images.uses.iter().map(position).collect()).unwrap_or_default();
    let expected = json!({ "kustomize": answer(printed.as_ref()), "positions": positions });
    fs::write(case.join("expected.json"), serde_json::to_string_pretty(&expected).unwrap() + "\n").unwrap();
}

fn position(image_use: &ImageUse) -> Value {
    let part = |place: &Option<Location>| place.as_ref().map(Location::to_string);
    json!({
        "image": image_use.image,
        "field": image_use.field,
        "location": image_use.location.to_string(),
        "name": image_use.origins.name.to_string(),
        "tag": part(&image_use.origins.tag),
        "digest": part(&image_use.origins.digest),
    })
}

fn read_files(root: &Path, directory: &Path, files: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_files(root, &path, files);
        } else {
            let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
            files.push((name, fs::read_to_string(&path).unwrap()));
        }
    }
}

/// Holds every input that the fuzzer kept (`fuzz/`; one JSON array a line: kustomization, base.yaml, patch.yaml) to an answer,
/// or an error with words, and the same one when asked again.
#[test]
fn no_input_that_the_fuzzer_kept_breaks_anything() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kustomize/hostile.jsonl");
    let text = fs::read_to_string(path).unwrap();
    for line in text.lines() {
        let [kustomization, base, patch]: [String; 3] = serde_json::from_str(line).unwrap();
        let tree = MemoryTree::of([
            ("base/kustomization.yaml", include_str!("../../fuzz/world/base/kustomization.yaml")),
            ("base/workloads.yaml", include_str!("../../fuzz/world/base/workloads.yaml")),
            ("base/configuration.yaml", include_str!("../../fuzz/world/base/configuration.yaml")),
            ("component/kustomization.yaml", include_str!("../../fuzz/world/component/kustomization.yaml")),
            ("overlay/kustomization.yaml", &kustomization),
            ("overlay/base.yaml", &base),
            ("overlay/patch.yaml", &patch),
            ("loose/first.yaml", &kustomization),
            ("loose/base.yaml", &base),
            ("loose/patch.yaml", &patch),
        ]);
        let loose = || read_loose(&tree, &TreePath::parse("loose").unwrap(), &Files::default());
        let answers = [build(&tree, "overlay", LoadRestrictor::None), loose().map(|rendered| images(&rendered))];
        assert_eq!(answers[0], build(&tree, "overlay", LoadRestrictor::None), "{line}");
        for error in answers.iter().filter_map(|answer| answer.as_ref().err()) {
            assert!(!error.message.is_empty() && !error.hint.is_empty(), "{line}");
        }
    }
    assert!(text.lines().count() > 100, "the file was cut");
}
