//! Plain values for the tests of this part.

use super::tag::Tag;
use crate::domain::{
    Candidate, ChangeKind, ImageSite, ImageUse, Location, Origins, Sites, TreePath, UseClass, Workload,
};
use crate::yaml::{self, Faults};

pub(crate) fn rule_tag(text: &str) -> Tag {
    let faults = Faults::new();
    let node = yaml::parse("p.yaml", text.as_bytes()).unwrap().remove(0);
    let tag = Tag::read(&node, &faults).unwrap();
    assert!(faults.is_empty(), "{faults:?}");
    tag
}

pub(crate) fn candidate(image: &str, before: Option<&str>) -> Candidate {
    let location = Location::new("overlays/production/patch-image.yaml", 9, 18);
    let to: crate::domain::ImageRef = image.parse().unwrap();
    let tag = to.tag().and_then(|tag| image.find(&format!(":{tag}"))).map(|colon| location.right(colon as u32 + 1));
    let image_use = ImageUse {
        image: image.to_owned(),
        class: UseClass::Container,
        workload: Workload::default(),
        container: None,
        field: "spec.containers[0].image".to_owned(),
        location: location.clone(),
        origins: Origins { name: location, tag, digest: None },
    };
    Candidate {
        environment: "production".to_owned(),
        to,
        from: None,
        kind: ChangeKind::Added,
        before: before.map(str::to_owned),
        sites: Sites::new(ImageSite { overlay: TreePath::root(), image_use }),
    }
}
