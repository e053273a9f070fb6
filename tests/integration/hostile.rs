//! Hostile repositories: whatever they hold, a run ends with an answer or an error that names the file, in bounded memory.

mod run;

use std::os::unix::fs::symlink;
use std::path::Path;

use crate::support::{Repository, patch_image};
use run::{images, overlay, refused};

const RESOURCE: &str = "apiVersion: v1\nkind: Widget\nmetadata: {name: w}\n";
/// A kustomization whose `what` stands in each place that YAML is read from, with the file that is to be named.
fn everywhere(what: &str) -> Vec<(Vec<(&'static str, String)>, &'static str)> {
    let text = |text: &str| text.to_owned();
    let block = format!("  |\n    {what}\n");
    let reading = |field: &str, name: &'static str| {
        let kustomization = format!("resources: [w.yaml]\n{field}\n");
        let files = vec![("kustomization.yaml", kustomization), ("w.yaml", text(RESOURCE)), (name, text(what))];
        (files, name)
    };
    let within = |field: String| {
        (
            vec![("kustomization.yaml", format!("resources: [w.yaml]\n{field}")), ("w.yaml", text(RESOURCE))],
            "kustomization.yaml",
        )
    };
    vec![
        (vec![("kustomization.yaml", text(what))], "kustomization.yaml"),
        (vec![("kustomization.yaml", text("resources: [r.yaml]\n")), ("r.yaml", text(what))], "r.yaml"),
        (vec![("loose.yaml", text(what))], "loose.yaml"),
        reading("patches: [{path: p.yaml}]", "p.yaml"),
        reading("patches: [{path: p.json, target: {kind: Widget}}]", "p.json"),
        reading("patchesStrategicMerge: [p.yaml]", "p.yaml"),
        reading("configurations: [c.yaml]", "c.yaml"),
        reading("replacements: [{path: r.yaml}]", "r.yaml"),
        reading("transformers: [t.yaml]", "t.yaml"),
        reading("generators: [g.yaml]", "g.yaml"),
        reading("openapi: {path: schema.json}", "schema.json"),
        reading("helmCharts: [{name: c, valuesFile: v.yaml}]", "v.yaml"),
        within(format!("patches:\n- target: {{kind: Widget}}\n  patch:\n  {block}")),
    ]
}

#[track_caller]
fn refused_everywhere(what: &str, word: &str) {
    for (files, name) in everywhere(what) {
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
        refused(&files, &[&format!("o/{name}"), word]);
    }
}

fn alias_bomb() -> String {
    let level = |text: String, at: usize| {
        let below = at - 1;
        format!("{text}, a{at}: &a{at} [*a{below},*a{below},*a{below},*a{below}]")
    };
    format!("{}}}", (1..30).fold("{a0: &a0 [x]".to_owned(), level))
}

#[test]
fn an_alias_bomb_is_refused_wherever_it_stands() {
    refused_everywhere(&alias_bomb(), "aliases expanded");
}

#[test]
fn nesting_of_100_000_levels_is_refused_wherever_it_stands() {
    for open in ["[", "{\"a\":"] {
        refused_everywhere(&open.repeat(100_000), "levels deep");
    }
    for open in ["- ", "? "] {
        let text = open.repeat(100_000);
        refused(&[("kustomization.yaml", "resources: [r.yaml]\n"), ("r.yaml", &text)], &["o/r.yaml", "levels deep"]);
    }
}

#[test]
fn nesting_as_deep_as_is_allowed_is_read_merged_and_reported() {
    let depth = 120;
    let deep = |inner: &str| format!("{RESOURCE}spec: {}{inner}{}\n", "{a: ".repeat(depth), "}".repeat(depth));
    let operation = r#"[{"op": "copy", "from": "/spec", "path": "/spec/a/a/a/b"}]"#;
    let kustomization = format!(
        "resources: [r.yaml]\npatches:\n- path: p.yaml\n- {{target: {{kind: Widget}}, patch: '{operation}'}}\n\
         images: [{{name: x, newTag: '2'}}]\nlabels: [{{pairs: {{a: b}}}}]\n"
    );
    let files = [
        ("kustomization.yaml", kustomization.as_str()),
        ("r.yaml", &deep("{containers: [{name: a, image: 'x:1'}]}")),
        ("p.yaml", &deep("{b: 1}")),
    ];
    let run = images(&overlay(&files), &["-f", "json"]).expect(0);
    assert!(run.stdout.contains("x:2"), "{}", run.all());
}

#[test]
fn bombs_in_the_texts_of_other_controllers_are_told_or_passed_over() {
    for what in [alias_bomb(), "[".repeat(100_000)] {
        let application = format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: a}}\nspec:\n  source:\n    chart: c\n    \
             repoURL: https://x\n    helm:\n      values: |\n        # image\n        {what}\n"
        );
        let run = images(&overlay(&[("a.yaml", &application)]), &["-f", "json"]).expect(0);
        assert!(run.stdout.contains("declared-text") && run.stdout.contains("o/a.yaml"), "{}", run.all());
        let files =
            [("kustomization.yaml", "resources: [w.yaml]\n"), ("w.yaml", RESOURCE), (".argocd-source.yaml", &what)];
        let run = images(&overlay(&files), &["-f", "json"]).expect(0);
        assert!(run.stdout.contains("o/.argocd-source.yaml"), "{}", run.all());
        let data = format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\ndata:\n  x: |\n    {what}\n");
        let replace = "resources: [r.yaml]\nreplacements:\n- {sourceValue: a, targets: [{select: {kind: ConfigMap}, fieldPaths: [data.x.y]}]}\n";
        images(&overlay(&[("kustomization.yaml", replace), ("r.yaml", &data)]), &[]).expect(1);
    }
}

#[test]
fn cycles_are_refused_at_the_entry_that_closes_them() {
    let component = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n";
    refused(&[("kustomization.yaml", "resources: [.]\n")], &["o/kustomization.yaml:1", "leads back"]);
    refused(&[("kustomization.yaml", "resources: [..]\n")], &["o/kustomization.yaml:1", "leads back"]);
    let there = ("kustomization.yaml", "resources: [a]\n");
    refused(&[there, ("a/kustomization.yaml", "resources: [../../o]\n")], &["o/a/kustomization.yaml:1", "leads back"]);
    let back = format!("{component}components: [../b]\n");
    let forth = format!("{component}components: [../a]\n");
    let files = [
        ("kustomization.yaml", "components: [a]\n"),
        ("a/kustomization.yaml", back.as_str()),
        ("b/kustomization.yaml", forth.as_str()),
    ];
    refused(&files, &["o/b/kustomization.yaml:3", "leads back"]);
}

#[test]
fn links_in_circles_and_out_of_the_tree_are_refused_and_show_nothing_of_what_they_lead_to() {
    let fields = [
        "resources: [link]",
        "patches: [{path: link}]",
        "patchesStrategicMerge: [link]",
        "components: [link]",
        "configMapGenerator: [{name: c, files: [link]}]",
        "configMapGenerator: [{name: c, envs: [link]}]",
        "configurations: [link]",
        "replacements: [{path: link}]",
        "transformers: [link]",
        "crds: [link]",
        "openapi: {path: link}",
    ];
    for target in ["link", "/etc/passwd", "../../../../../../../../etc/passwd", "/etc", "../.git/../../x"] {
        for field in fields {
            let repository = overlay(&[("kustomization.yaml", &format!("{field}\n")), ("w.yaml", RESOURCE)]);
            symlink(target, repository.path().join("o/link")).unwrap();
            let run = images(&repository, &[]).expect(1);
            assert!(run.all().contains("o/kustomization.yaml:"), "{field} {target}\n{}", run.all());
            assert!(run.all().contains("symbolic link"), "{field} {target}\n{}", run.all());
            assert!(!run.all().contains("root:"), "{}", run.all());
        }
        let repository = overlay(&[("w.yaml", RESOURCE)]);
        let target = if target == "link" { "kustomization.yaml" } else { target };
        symlink(target, repository.path().join("o/kustomization.yaml")).unwrap();
        let run = images(&repository, &[]).expect(1);
        assert!(run.all().contains("o/kustomization.yaml is a symbolic link"), "{}", run.all());
    }
}

#[test]
fn paths_above_the_root_of_the_repository_are_refused() {
    for field in [
        "resources: [../../x]",
        "components: [../../x]",
        "patches: [{path: ../../x}]",
        "configMapGenerator: [{name: c, files: [../../x]}]",
        "configurations: [../../x]",
        "replacements: [{path: ../../x}]",
        "crds: [../../x]",
        "openapi: {path: ../../x}",
        "resources: [/etc/passwd]",
    ] {
        let word = if field.contains("/etc") { "absolute" } else { "leads out of the repository" };
        refused(&[("kustomization.yaml", &format!("{field}\n"))], &["o/kustomization.yaml:1", word]);
    }
}

#[test]
fn a_submodule_as_a_base_is_named() {
    let repository = Repository::with(&[("o/kustomization.yaml", "resources: [../sub/base]\n")]);
    let commit = repository.git(&["rev-parse", "HEAD"]);
    repository.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{commit},sub")]);
    repository.git(&["commit", "--quiet", "-m", "a submodule"]);
    let run = images(&repository, &["--rev", "HEAD"]).expect(1);
    assert!(run.all().contains("o/kustomization.yaml:1") && run.all().contains("submodule"), "{}", run.all());
    repository.write(&[("o/kustomization.yaml", "resources: [../sub]\n")]);
    repository.git(&["add", "o"]);
    repository.git(&["commit", "--quiet", "-m", "the submodule itself"]);
    let run = images(&repository, &["--rev", "HEAD"]).expect(1);
    assert!(run.all().contains("o/kustomization.yaml:1") && run.all().contains("submodule"), "{}", run.all());
}

/// A file of zeros that takes no space.
fn make_large(path: &Path) {
    std::fs::File::create(path).unwrap().set_len(100 << 20).unwrap();
}

#[test]
fn a_file_of_100_mb_is_refused_unread_in_the_work_tree_and_in_a_commit() {
    let fields = [
        "resources: [large.yaml]",
        "patches: [{path: large.yaml}]",
        "configMapGenerator: [{name: c, files: [large.yaml]}]",
        "secretGenerator: [{name: c, envs: [large.yaml]}]",
    ];
    let mut repository = overlay(&[]);
    repository.write(&[("o/w.yaml", RESOURCE)]);
    make_large(&repository.path().join("o/large.yaml"));
    repository.commit("large");
    for field in fields {
        repository.write(&[("o/kustomization.yaml", &format!("{field}\n"))]);
        repository.commit(field);
        for arguments in [&[][..], &["--rev", "HEAD"]] {
            let run = images(&repository, arguments).expect(1);
            assert!(run.all().contains("o/kustomization.yaml:1"), "{field}\n{}", run.all());
            assert!(run.all().contains("o/large.yaml has 104857600 bytes"), "{field}\n{}", run.all());
        }
    }
    let loose = overlay(&[("w.yaml", RESOURCE)]);
    make_large(&loose.path().join("o/large.yaml"));
    assert!(images(&loose, &[]).expect(1).all().contains("o/large.yaml has 104857600 bytes"));
    let kustomization = overlay(&[("w.yaml", RESOURCE)]);
    make_large(&kustomization.path().join("o/kustomization.yaml"));
    assert!(images(&kustomization, &[]).expect(1).all().contains("o/kustomization.yaml has 104857600 bytes"));
}

/// So many resources.
fn resources(count: usize) -> String {
    let one = |at: usize| format!("apiVersion: v1\nkind: Widget\nmetadata: {{name: w{at}}}\n");
    (0..count).map(one).collect::<Vec<_>>().join("---\n")
}

#[test]
fn ten_thousand_documents_and_a_patch_for_all_of_them_are_read() {
    let patch = r#"'[{"op": "add", "path": "/image", "value": "x:1"}]'"#;
    let kustomization = format!("resources: [r.yaml]\npatches:\n- {{target: {{kind: Widget}}, patch: {patch}}}\n");
    let run =
        images(&overlay(&[("kustomization.yaml", &kustomization), ("r.yaml", &resources(10_000))]), &["-f", "json"])
            .expect(0);
    assert_eq!(run.stdout.matches("\"w9999\"").count(), 1);
}

#[test]
fn expressions_that_would_explode_are_refused() {
    let long = "a.".repeat(100_000);
    for pattern in ["(a{1000}){1000}", "((((a*)*)*)*{9999}", long.as_str()] {
        let target = format!("resources: [w.yaml]\npatches:\n- {{target: {{name: '{pattern}'}}, patch: 'a: 1'}}\n");
        refused(
            &[("kustomization.yaml", &target), ("w.yaml", RESOURCE)],
            &["o/kustomization.yaml:3", "regular expression"],
        );
        let image = format!("resources: [w.yaml]\nimages:\n- {{name: '{pattern}', newTag: '1'}}\n");
        // A name that no image is held against is never compiled.
        let with_image = format!("{RESOURCE}spec: {{containers: [{{name: a, image: a}}]}}\n");
        // Nor is one in which no character but the dot means anything.
        match pattern == long {
            true => drop(images(&overlay(&[("kustomization.yaml", &image), ("w.yaml", &with_image)]), &[]).expect(0)),
            false => refused(&[("kustomization.yaml", &image), ("w.yaml", &with_image)], &["o/kustomization.yaml:3"]),
        }
        let list = format!("{RESOURCE}list: [a]\n");
        let replace = format!(
            "resources: [w.yaml]\nreplacements:\n- {{sourceValue: a, targets: [{{select: {{kind: Widget}}, fieldPaths: ['list.[={pattern}]']}}]}}\n"
        );
        images(&overlay(&[("kustomization.yaml", &replace), ("w.yaml", &list)]), &[]).expect(1);
    }
    let selector = format!(
        "resources: [w.yaml]\npatches:\n- {{target: {{labelSelector: '{}a'}}, patch: '[]'}}\n",
        "a in (b),".repeat(50_000)
    );
    images(&overlay(&[("kustomization.yaml", &selector), ("w.yaml", RESOURCE)]), &[]);
}

#[test]
fn expressions_beyond_number_are_refused_by_their_sum() {
    let name = |at: usize| format!("x{{500}}{at}");
    let many = |entry: fn(&str) -> String, count| (0..count).map(|at| entry(&name(at))).collect::<Vec<_>>().join(",");
    let target = |name: &str| format!("{{target: {{kind: '{name}'}}, patch: '[]'}}");
    let image = |name: &str| format!("{{name: '{name}', newTag: '1'}}");
    let file = |field: &str, entries: String| format!("resources: [w.yaml]\n{field}: [{entries}]\n");
    for text in [file("patches", many(target, 400)), file("images", many(image, 400))] {
        refused(
            &[("kustomization.yaml", &text), ("w.yaml", RESOURCE)],
            &["o/kustomization.yaml", "more regular expressions than are compiled"],
        );
    }
}

#[test]
fn a_text_that_is_neither_yaml_nor_a_path_is_not_shown_whole() {
    let kustomization = format!("resources: [w.yaml]\ntransformers:\n- |\n  {}\n", "[".repeat(100_000));
    let run = images(&overlay(&[("kustomization.yaml", &kustomization), ("w.yaml", RESOURCE)]), &[]).expect(1);
    assert!(run.all().contains("o/kustomization.yaml:3") && run.all().contains("longer than any path"));
}

#[test]
fn work_that_multiplies_is_refused_by_its_sum() {
    let many =
        |field: &str, entry: &str, count: usize| format!("resources: [r.yaml]\n{field}:\n{}", entry.repeat(count));
    let big = format!("{RESOURCE}list: [{}]\n", "a,".repeat(100_000));
    let list = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec:\n  template:\n    spec:\n      containers:\n";
    let containers: String = (0..5_000).map(|at| format!("      - {{name: c{at}, image: 'x:1'}}\n")).collect();
    let merge =
        "- {target: {kind: Deployment}, patch: '{apiVersion: apps/v1, kind: Deployment, metadata: {name: d}, a: 1}'}\n";
    let add = "- {target: {kind: Widget}, patch: '[{\"op\": \"add\", \"path\": \"/a\", \"value\": 1}]'}\n";
    let stars = "- {sourceValue: a, targets: [{select: {kind: Widget}, fieldPaths: ['list.*']}]}\n";
    for (kustomization, resources) in [
        (many("patches", add, 2_000), &big),
        (many("patches", merge, 200), &format!("{list}{containers}")),
        (many("replacements", stars, 1_000), &big),
    ] {
        refused(
            &[("kustomization.yaml", &kustomization), ("r.yaml", resources)],
            &["o/kustomization.yaml:", "more than"],
        );
    }
}

#[test]
fn one_long_text_put_in_many_places_is_refused_by_its_sum() {
    let long = "a".repeat(2 << 20);
    let field = format!(
        "patches:\n- target: {{kind: Deployment}}\n  patch: '[{{\"op\": \"add\", \"path\": \"/metadata/namespace\", \"value\": \"{long}\"}}]'"
    );
    let deployment = |at: usize| patch_image("api", "nginx:1").replace("name: api", &format!("name: api{at}"));
    let resources = (0..2_000).map(deployment).collect::<Vec<_>>().join("\n---\n");
    for field in [
        format!("namePrefix: {long}"),
        format!("namespace: {long}"),
        format!("images: [{{name: nginx, newTag: {long}}}]"),
        field,
    ] {
        let kustomization = format!("resources: [r.yaml]\n{field}\n");
        refused(
            &[("kustomization.yaml", &kustomization), ("r.yaml", &resources)],
            &["o/kustomization.yaml:", "more than"],
        );
    }
}

#[test]
fn variables_that_hold_variables_end() {
    let var = |at: usize| {
        format!(
            "- {{name: V{at}, objref: {{apiVersion: v1, kind: ConfigMap, name: c}}, fieldref: {{fieldPath: data.v{at}}}}}\n"
        )
    };
    let value = |at: usize| format!("  v{at}: '{}'\n", format!("$(V{})", at - 1).repeat(20));
    let uses = format!("$(V{})", 29).repeat(1_000);
    let kustomization =
        format!("resources: [r.yaml]\nvars:\n{}configurations: [c.yaml]\n", (0..30).map(var).collect::<String>());
    let text = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c}}\ndata:\n  v0: {}\n{}  use: '{uses}'\n",
        "x".repeat(100_000),
        (1..30).map(value).collect::<String>()
    );
    let fields = "varReference: [{kind: ConfigMap, path: data}]\n";
    images(&overlay(&[("kustomization.yaml", &kustomization), ("c.yaml", fields), ("r.yaml", &text)]), &[]);
    let bomb =
        format!("{}\n", (0..1_000).map(|at| format!("  u{at}: '{}'\n", "$(V0)".repeat(1_000))).collect::<String>());
    let text = text + &bomb;
    let files = [("kustomization.yaml", kustomization.as_str()), ("c.yaml", fields), ("r.yaml", text.as_str())];
    refused(&files, &["o/r.yaml", "bytes of text"]);
}

#[test]
fn names_that_would_steer_a_terminal_are_disarmed() {
    let name = "a\\e[31m\\r\\nb\\u202e";
    let text = format!(
        "apiVersion: apps/v1\nkind: \"{name}\"\nmetadata: {{name: \"{name}\"}}\nspec: {{containers: [{{name: \"{name}\", image: \"{name}:1\"}}], \"{name}\": {{image: x}}}}\n"
    );
    let raw = |text: &str| text.contains('\u{1b}') || text.contains('\u{202e}') || text.contains('\r');
    let repository = overlay(&[("kustomization.yaml", "resources: [r.yaml]\n"), ("r.yaml", &text)]);
    let run = images(&repository, &[]).expect(0);
    assert!(run.stdout.contains("x") && !raw(&run.all()), "{:?}", run.all());
    let run = images(&repository, &["-f", "json"]).expect(0);
    assert!(!run.stdout.contains('\u{1b}') && !run.stdout.contains('\r'), "{:?}", run.all());
    for kustomization in [
        format!("resources: [\"{name}\"]\n"),
        format!("\"{name}\": 1\n"),
        format!("resources: [w.yaml]\npatches: [{{path: \"{name}\"}}]\n"),
        format!("resources: [\"https://x/{name}\"]\n"),
        format!("resources: [w.yaml]\nnamespace: [\"{name}\"]\n"),
        format!("resources: [w.yaml]\npatches: [{{target: {{name: \"*{name}\"}}, patch: 'a: 1'}}]\n"),
    ] {
        let run = images(&overlay(&[("kustomization.yaml", &kustomization), ("w.yaml", RESOURCE)]), &[]);
        assert!(!raw(&run.all()) && run.all().contains("o/kustomization.yaml"), "{:?}", run.all());
    }
    let strange = overlay(&[("a\u{1b}[31m.yaml", "a: [\n")]);
    assert!(!raw(&images(&strange, &[]).expect(1).all()));
}
