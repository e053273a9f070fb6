//! Plain values for the tests of every part.

use super::{ImageSite, ImageUse, Location, Origins, TreePath, UseClass, Workload};

/// The use of `image` by the container `api` of a Deployment `api`, at line 9, column 18 of a production patch.
pub(crate) fn site(image: &str) -> ImageSite {
    let location = Location::new("overlays/production/patch-image.yaml", 9, 18);
    let name_start = image.rfind('/').map_or(0, |slash| slash + 1);
    let colon = image[name_start..].split('@').next().and_then(|name| name.find(':'));
    let tag = colon.map(|colon| location.right((name_start + colon) as u32 + 1));
    let image_use = ImageUse {
        image: image.to_owned(),
        class: UseClass::Container,
        workload: Workload { kind: "Deployment".into(), name: "api".into(), ..Workload::default() },
        container: Some("api".to_owned()),
        field: "spec.template.spec.containers[0].image".to_owned(),
        location: location.clone(),
        decisions: Vec::new(),
        origins: Origins { name: location, tag, digest: None },
    };
    ImageSite { overlay: TreePath::parse("overlays/production").unwrap(), image_use }
}
