//! The stage most tests play on: a repository of loose overlays and two real registries.

use promote_bot::domain::Digest;

use super::{DockerRegistry, Image, Program, Repository, digest_of, push, single};

/// The modules of the repository.
pub const MODULES: [&str; 5] = ["api", "web", "worker", "mailer", "search"];

/// A repository laid out as `<module>/overlays/<environment>/patch-image.yaml`, and the registries of `dev` and
/// `production`. Every module is at 1.0.0 everywhere.
pub struct Stage {
    pub repository: Repository,
    pub dev: DockerRegistry,
    pub production: DockerRegistry,
    pub program: Program,
}

impl Stage {
    pub fn new() -> Self {
        let (dev, production) = (DockerRegistry::start(), DockerRegistry::start());
        let mut repository = Repository::new();
        repository.write(&[("promote-bot.yaml", &config(dev.host(), production.host()))]);
        for module in MODULES {
            let overlays = format!("{module}/overlays");
            let image = |host: &str| patch_image(module, &format!("{host}/{module}:1.0.0"));
            repository.write(&[
                (&format!("{overlays}/dev/patch-image.yaml"), &image(dev.host())),
                (&format!("{overlays}/production/patch-image.yaml"), &image(&format!("{}/team", production.host()))),
                (&format!("{overlays}/production/patch-replicas.yaml"), &patch_replicas(module)),
            ]);
        }
        repository.commit("all at 1.0.0");
        repository.branch("change");
        Self { repository, dev, production, program: Program::new() }
    }

    /// Puts an image into the dev registry.
    pub fn seed(&self, module: &str, tag: &str, image: &Image) -> Digest {
        push(image, &format!("{}/{module}:{tag}", self.dev.host()));
        image.digest()
    }

    /// Puts a small image of this name into the dev registry.
    pub fn seed_small(&self, module: &str, tag: &str) -> Digest {
        self.seed(module, tag, &single(&format!("{module} {tag}"), &[]))
    }

    /// Makes production use `tag` of `module`.
    pub fn bump(&self, module: &str, tag: &str) {
        let path = format!("{module}/overlays/production/patch-image.yaml");
        self.repository.replace(&path, ":1.0.0", &format!(":{tag}"));
    }

    /// What skopeo finds in production.
    pub fn in_production(&self, module: &str, tag: &str) -> Option<Digest> {
        digest_of(&self.production_image(module, tag))
    }

    pub fn production_image(&self, module: &str, tag: &str) -> String {
        format!("{}/team/{module}:{tag}", self.production.host())
    }

    /// The entry of one image in an environment of a report.
    #[track_caller]
    pub fn image<'a>(report: &'a serde_json::Value, environment: &str, name: &str) -> &'a serde_json::Value {
        let environments = report["environments"].as_array().unwrap();
        let found = environments.iter().find(|entry| entry["name"] == environment).expect("no such environment");
        let images = found["images"].as_array().unwrap();
        images.iter().find(|image| image["name"] == name).unwrap_or_else(|| panic!("no image {name} in {found:#}"))
    }
}

pub fn config(dev: &str, production: &str) -> String {
    format!(
        "version: 1\nenvironments:\n  dev:\n    overlays: '*/overlays/dev'\n    registry: {dev}\n  production:\n    \
         overlays: '*/overlays/production'\n    registry: {production}/team\n    from: dev\n"
    )
}

/// A Deployment patch as it lies beside a chart: line 11, column 18 begin the image.
pub fn patch_image(name: &str, image: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {name}\nspec:\n  template:\n    spec:\n      containers:\n        \
         - name: {name}\n          imagePullPolicy: Always\n          image: {image}\n"
    )
}

fn patch_replicas(name: &str) -> String {
    format!("apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {name}\nspec:\n  replicas: 3\n")
}
