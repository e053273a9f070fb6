//! Plain values for the tests of this part.

use crate::domain::{
    Change, ChangeKind, Environment, ImageSite, ImageUse, LoadRestrictor, Location, Origins, Sites, TreePath, UseClass,
    Workload,
};

pub(crate) fn environment(name: &str, registry: &str, from: Option<&str>) -> Environment {
    Environment {
        name: name.to_owned(),
        overlays: vec![format!("overlays/{name}")],
        registry: Some(registry.parse().unwrap()),
        from: from.map(str::to_owned),
        rewrites: Vec::new(),
        policies: Vec::new(),
        load_restrictor: LoadRestrictor::Root,
    }
}

pub(crate) fn change(image: &str) -> Change {
    let location = Location::new("overlays/production/patch-image.yaml", 9, 18);
    let tag = image.rfind(':').map(|colon| location.right(colon as u32 + 1));
    let image_use = ImageUse {
        image: image.to_owned(),
        class: UseClass::Container,
        workload: Workload { kind: "Deployment".into(), name: "api".into(), ..Workload::default() },
        container: Some("api".to_owned()),
        field: "spec.template.spec.containers[0].image".to_owned(),
        location: location.clone(),
        origins: Origins { name: location, tag, digest: None },
    };
    Change {
        kind: ChangeKind::Added,
        before: None,
        after: Some(image.to_owned()),
        sites: Sites::new(ImageSite { overlay: TreePath::parse("overlays/production").unwrap(), image_use }),
    }
}
