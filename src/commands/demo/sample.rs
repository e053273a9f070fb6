//! The demo's repository: two environments of a small shop, with history and one change.

use crate::git::{Creation, Error};

/// The file that the change, and its fix, are about.
pub(super) const PATCH: &str = "overlays/production/patch-image.yaml";

/// Noon of a day in 2026: the history must be the same at every run.
const FIRST_COMMIT: i64 = 1_767_268_800;

/// The tags a production patch names, in the order api, web, worker.
type Tags = [&'static str; 3];

const BEFORE: Tags = ["1.0.0", "1.0.0", "1.0.0"];
const CHANGED: Tags = ["1.1.0", "1.2.0", "latest"];
const FIXED: Tags = ["1.1.0", "1.2.0", "1.1.0"];

/// The sample repository's content, which names the registries' hosts.
pub(super) struct Sample {
    dev: String,
    production: String,
}

impl Sample {
    pub(super) fn new(dev: &str, production: &str) -> Self {
        Self { dev: dev.to_owned(), production: format!("{production}/shop") }
    }

    /// Makes the history: main, and a branch `release` with the change.
    pub(super) fn write(&self, creation: &mut Creation) -> Result<(), Error> {
        let day = 86_400;
        creation.commit("main", "The shop: api, web and worker", FIRST_COMMIT, &self.files(BEFORE, BEFORE))?;
        creation.commit("main", "dev: newer images", FIRST_COMMIT + day, &self.files(FIXED, BEFORE))?;
        creation.commit(
            "release",
            "production: api 1.1.0, web 1.2.0, worker",
            FIRST_COMMIT + 2 * day,
            &self.files(FIXED, CHANGED),
        )?;
        Ok(())
    }

    /// The production patch with the tag that was forbidden put right.
    pub(super) fn fixed_patch(&self) -> String {
        patch_image(&self.production, FIXED)
    }

    pub(super) fn fix_as_diff(&self) -> String {
        let line = |sign: &str, tag: &str| format!("  {sign}           image: {}/worker:{tag}\n", self.production);
        line("-", CHANGED[2]) + &line("+", FIXED[2])
    }

    fn files(&self, dev: Tags, production: Tags) -> Vec<(String, String)> {
        let overlay = |patches: &[&str]| {
            let patches: String = patches.iter().map(|patch| format!("  - path: {patch}\n")).collect();
            format!("resources:\n  - ../../base\npatches:\n{patches}")
        };
        let files = [
            ("promote-bot.yaml", self.config()),
            ("policies/production.yaml", POLICY.to_owned()),
            ("base/kustomization.yaml", "resources:\n  - deployments.yaml\n".to_owned()),
            ("base/deployments.yaml", deployments()),
            ("overlays/dev/kustomization.yaml", overlay(&["patch-image.yaml"])),
            ("overlays/dev/patch-image.yaml", patch_image(&self.dev, dev)),
            ("overlays/production/kustomization.yaml", overlay(&["patch-image.yaml", "patch-replicas.yaml"])),
            (PATCH, patch_image(&self.production, production)),
            ("overlays/production/patch-replicas.yaml", patch_replicas()),
        ];
        files.into_iter().map(|(path, content)| (path.to_owned(), content)).collect()
    }

    fn config(&self) -> String {
        let Self { dev, production } = self;
        format!(
            "version: 1\n\
             environments:                       # in promotion order\n\
             \x20 dev:\n    overlays: overlays/dev\n    registry: {dev}\n\
             \x20 production:\n    overlays: overlays/production\n    registry: {production}\n    from: dev\n    \
             policy: policies/production.yaml\n"
        )
    }
}

const POLICY: &str = "\
version: 1
policy: production
environments: [production]
rules:
  tag:
    forbid: [latest]
    downgrade: warn
";

const SERVICES: [&str; 3] = ["api", "web", "worker"];

fn deployments() -> String {
    let deployment = |name: &&str| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {name}\nspec:\n  replicas: 1\n  selector:\n    \
             matchLabels: {{app: {name}}}\n  template:\n    metadata:\n      labels: {{app: {name}}}\n    spec:\n      \
             containers:\n        - name: {name}\n          image: {name}\n"
        )
    };
    SERVICES.iter().map(deployment).collect::<Vec<_>>().join("---\n")
}

fn patch_image(registry: &str, tags: Tags) -> String {
    let patch = |(name, tag): (&&str, &str)| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {name}\nspec:\n  template:\n    spec:\n      \
             containers:\n        - name: {name}\n          image: {registry}/{name}:{tag}\n"
        )
    };
    SERVICES.iter().zip(tags).map(patch).collect::<Vec<_>>().join("---\n")
}

fn patch_replicas() -> String {
    let patch = |name: &&str| {
        format!("apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {name}\nspec:\n  replicas: 3\n")
    };
    SERVICES.iter().map(patch).collect::<Vec<_>>().join("---\n")
}
