use serde_json::{Value, json};

use super::super::tests::value;
use super::*;

macro_rules! sample {
    ($name:literal) => {
        value(include_str!(concat!("../../../tests/signing/claims/", $name)))
    };
}

const ONES: &str = "1111111111111111111111111111111111111111";

/// Repositories, references and commits.
fn told(provenance: &Provenance) -> (Vec<&str>, Vec<&str>, Vec<&str>) {
    (provenance.repositories(), provenance.references(), provenance.commits())
}

#[test]
fn github_names_repository_reference_and_commit() {
    let provenance = read_v1(&sample!("slsa1-github.json")).unwrap();
    assert_eq!(
        provenance.builder.as_deref(),
        Some("https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main")
    );
    assert_eq!(told(&provenance), (vec!["https://github.com/acme/app"], vec!["refs/heads/main"], vec![ONES]));
    let places: Vec<&str> = provenance.sources.iter().map(|source| source.place).collect();
    assert_eq!(places, ["externalParameters.workflow", "resolvedDependencies"], "checkout is not the source");
}

#[test]
fn gitlab_names_no_reference_and_its_variables_are_not_asked() {
    let provenance = read_v1(&sample!("slsa1-gitlab.json")).unwrap();
    assert_eq!(told(&provenance), (vec!["https://gitlab.example/acme/app"], vec![], vec![ONES]));
}

#[test]
fn cloud_build_names_what_it_was_configured_by_and_what_it_built() {
    let provenance = read_v1(&sample!("slsa1-cloudbuild.json")).unwrap();
    assert_eq!(
        told(&provenance),
        (
            vec!["https://github.com/acme/pipelines", "https://github.com/acme/app"],
            vec!["refs/heads/main", "refs/heads/feature"],
            vec![ONES]
        )
    );
}

#[test]
fn tekton_names_its_source_as_a_result() {
    let provenance = read_v1(&sample!("slsa1-tekton.json")).unwrap();
    let repositories = vec!["https://git.example/acme/pipelines", "https://git.example/acme/app"];
    assert_eq!(told(&provenance), (repositories, vec![], vec!["2".repeat(40).as_str(), ONES]));
    let older = read_v02(&sample!("slsa02-tekton.json")).unwrap();
    assert_eq!(told(&older), (vec!["https://git.example/acme/app"], vec![], vec![ONES]));
}

#[test]
fn buildkit_and_the_generator_write_locators() {
    let buildkit = read_v1(&sample!("slsa1-buildkit.json")).unwrap();
    assert_eq!(told(&buildkit), (vec!["https://github.com/acme/app"], vec!["refs/tags/v1.4.2"], vec![ONES]));
    assert_eq!(buildkit.builder, None, "an empty id is none");
    let generator = read_v02(&sample!("slsa02-generator.json")).unwrap();
    assert_eq!(told(&generator), (vec!["https://github.com/acme/app"], vec!["refs/tags/v1.4.2"], vec![ONES]));
}

#[test]
fn a_workflow_and_a_dependency_that_disagree_are_both_reported() {
    let mut predicate = sample!("slsa1-github.json");
    predicate["buildDefinition"]["resolvedDependencies"][0]["uri"] =
        json!("git+https://github.com/acme/app@refs/heads/evil");
    let provenance = read_v1(&predicate).unwrap();
    assert_eq!(provenance.references(), ["refs/heads/main", "refs/heads/evil"]);
    predicate["buildDefinition"]["resolvedDependencies"] =
        json!([{"uri": "git+https://github.com/evil/app@refs/heads/main"}]);
    let provenance = read_v1(&predicate).unwrap();
    assert_eq!(provenance.repositories(), ["https://github.com/acme/app", "https://github.com/evil/app"]);
}

#[test]
fn a_build_from_a_local_directory_gets_no_source_from_what_it_fetches() {
    let mut predicate = sample!("slsa1-buildkit.json");
    predicate["buildDefinition"]["externalParameters"]["configSource"] = json!({"path": "Dockerfile"});
    assert_eq!(read_v1(&predicate).unwrap().sources, []);
    let older = json!({"buildType": "https://mobyproject.org/buildkit@v1",
        "invocation": {"configSource": {"entryPoint": "Dockerfile"}},
        "materials": [{"uri": "https://github.com/acme/app.git#main", "digest": {"sha1": ONES}}]});
    assert_eq!(read_v02(&older).unwrap().sources, []);
}

#[test]
fn a_dependency_lends_no_reference_to_a_commit() {
    let mut predicate = sample!("slsa1-buildkit.json");
    let uri = json!(format!("https://github.com/acme/app.git#{}", "9".repeat(40)));
    predicate["buildDefinition"]["externalParameters"]["configSource"]["uri"] = uri;
    let provenance = read_v1(&predicate).unwrap();
    assert_eq!(provenance.references(), Vec::<&str>::new());
    assert_eq!(provenance.repositories(), ["https://github.com/acme/app"]);
}

fn github(repository: &str, reference: &str) -> Value {
    let workflow = json!({"repository": repository, "ref": reference});
    json!({"buildDefinition": {"buildType": "x", "externalParameters": {"workflow": workflow}}})
}

#[test]
fn references_are_kept_to_the_letter() {
    for reference in ["refs/heads/main\n", "refs/heads/main@x", "main", "refs/heads/MAIN", "refs/heads/main ", "1.4"] {
        let provenance = read_v1(&github("https://git.example/acme/app", reference)).unwrap();
        assert_eq!(provenance.references(), [reference]);
    }
}

#[test]
fn addresses_that_are_none_make_it_unreadable() {
    for repository in
        ["https://user@git.example/acme/app", "git+ssh://git@git.example/acme/app", "acme/app", "https://git.example"]
    {
        let told = read_v1(&github(repository, "refs/heads/main")).unwrap_err().to_string();
        assert!(told.contains("is not the address of a repository: "), "{told}");
    }
    let told = read_v1(&github("", "refs/heads/main")).unwrap_err().to_string();
    assert_eq!(told, "`externalParameters.workflow.repository` is missing");
}

#[test]
fn wrong_types_make_it_unreadable() {
    for (parameters, told) in [
        (json!([]), "`externalParameters` is a list, and must be an object"),
        (
            json!({"workflow": "https://git.example/acme/app"}),
            "`externalParameters.workflow` is a text, and must be an object",
        ),
        (
            json!({"workflow": {"repository": ["https://git.example/acme/app"]}}),
            "`externalParameters.workflow.repository` is a list, and must be a text",
        ),
        (json!({"source": 7}), "`externalParameters.source` is a number, and must be a text or an object"),
        (
            json!({"configSource": {"uri": "https://git.example/a/b", "digest": "x"}}),
            "`digest` is a text, and must be an object",
        ),
    ] {
        let predicate = json!({"buildDefinition": {"buildType": "x", "externalParameters": parameters}});
        assert_eq!(read_v1(&predicate).unwrap_err().to_string(), told);
    }
    assert_eq!(read_v1(&json!({})).unwrap_err().to_string(), "`buildDefinition` is missing");
    assert_eq!(
        read_v1(&json!({"buildDefinition": {}})).unwrap_err().to_string(),
        "`buildDefinition.buildType` is missing"
    );
    for (key, wrong) in [("builder", json!({"id": 7})), ("materials", json!([7])), ("invocation", json!([]))] {
        let mut predicate = sample!("slsa02-generator.json");
        predicate[key] = wrong;
        assert!(read_v02(&predicate).is_err(), "{key}");
    }
}

#[test]
fn a_hundred_thousand_dependencies_take_linear_time() {
    let mut predicate = github("https://git.example/acme/app", "refs/heads/main");
    let dependency = |n: usize| json!({"uri": format!("git+https://git.example/other/{n}@refs/heads/main")});
    predicate["buildDefinition"]["resolvedDependencies"] = (0..100_000).map(dependency).collect();
    assert_eq!(read_v1(&predicate).unwrap().repositories().len(), 100_001);
}
