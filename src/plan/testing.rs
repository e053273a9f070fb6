//! Plain values for the tests of this part.

use crate::domain::testing::site;
use crate::domain::{Change, ChangeKind, Environment, LoadRestrictor, Sites};

pub(crate) fn environment(name: &str, registry: &str, from: Option<&str>) -> Environment {
    Environment {
        name: name.to_owned(),
        overlays: vec![format!("overlays/{name}")],
        helm: Vec::new(),
        fields: Vec::new(),
        registry: Some(registry.parse().unwrap()),
        from: from.map(str::to_owned),
        rewrites: Vec::new(),
        policies: Vec::new(),
        load_restrictor: LoadRestrictor::Root,
    }
}

pub(crate) fn change(image: &str) -> Change {
    Change { kind: ChangeKind::Added, before: None, after: Some(image.to_owned()), sites: Sites::new(site(image)) }
}
