//! Plain values for the tests of this part.

use crate::domain::testing::site;
use crate::domain::{Change, ChangeKind, Environment, ImageStore, Sites};

pub(crate) fn environment(name: &str, registry: &str, from: Option<&str>) -> Environment {
    Environment {
        registry: Some(ImageStore::Registry(registry.parse().unwrap())),
        from: from.map(str::to_owned),
        ..Environment::of_overlays(name.to_owned(), vec![format!("overlays/{name}")])
    }
}

pub(crate) fn change(image: &str) -> Change {
    Change { kind: ChangeKind::Added, before: None, after: Some(image.to_owned()), sites: Sites::new(site(image)) }
}
