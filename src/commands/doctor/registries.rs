//! What each registry lets us do: one image of each environment is asked for, at its destination and where it comes from.

use std::collections::BTreeSet;

use super::super::error::Error;
use super::super::judge::{Inputs, connect};
use super::super::workspace::Workspace;
use super::{Diagnosis, Health};
use crate::domain::{Environment, ImageRef};
use crate::overlay;
use crate::registry::{Examination, Registries};
use crate::report::counted;

pub(super) async fn examined(inputs: &Inputs<'_>, workspace: &Workspace) -> Result<Vec<Diagnosis>, Error> {
    if workspace.config_used.path.is_none() {
        return Ok(Vec::new());
    }
    let registries = connect(inputs, workspace)?;
    let (mut all, mut asked) = (Vec::new(), BTreeSet::new());
    for environment in &workspace.config.environments {
        let from = environment.from.as_ref();
        let source = from.and_then(|from| workspace.config.environments.iter().find(|other| other.name == *from));
        let Some(image) = one_image(workspace, environment)? else {
            let subject = format!("registry of {}", environment.name);
            let found = "not asked: none of its overlays names an image of it";
            let fix = "check that `registry` is the beginning of what its overlays name";
            all.push(Diagnosis::of(&subject, Health::Unknown, found, fix));
            continue;
        };
        // What is only read at the first environment is written at the others.
        let writes = environment.from.is_some();
        let place = environment.registry.as_ref().and_then(|own| own.place(&image)).unwrap_or_else(|| image.clone());
        if asked.insert((place.registry().to_owned(), writes)) {
            all.push(diagnosis(&registries, &place, writes).await);
        }
        let other = source.and_then(|source| source.registry.as_ref());
        let from = environment.registry.as_ref().and_then(|own| own.source(&image, other)).filter(|_| writes);
        if let Some(from) = from
            && asked.insert((from.registry().to_owned(), false))
        {
            all.push(diagnosis(&registries, &from, false).await);
        }
    }
    Ok(all)
}

/// An image of the environment's own registry that an overlay of the head names.
fn one_image(workspace: &Workspace, environment: &Environment) -> Result<Option<ImageRef>, Error> {
    let uses = overlay::uses(workspace.head.as_ref(), environment, None)?;
    let images = uses.sites.iter().filter_map(|site| site.image_use.image.parse::<ImageRef>().ok());
    let is_own = |image: &ImageRef| environment.registry.as_ref().is_some_and(|own| own.place(image).is_some());
    Ok(images.into_iter().find(is_own))
}

async fn diagnosis(registries: &Registries, image: &ImageRef, writes: bool) -> Diagnosis {
    let examination = registries.examine(image, writes).await;
    let subject = format!("registry {}", image.registry());
    let Examination { credentials, answer, requests, waited, quota } = examination;
    let who = match (&credentials, image.layout()) {
        (_, Some(_)) => "a directory".to_owned(),
        (Some(place), _) => format!("credentials from {place}"),
        (None, _) => "asked anonymously".to_owned(),
    };
    let rights = if writes { "reading and writing" } else { "reading" };
    let requests = counted(usize::try_from(requests).unwrap_or(usize::MAX), "request");
    let cost = match (quota, waited.as_secs()) {
        (Some(quota), _) => format!("; {requests}, quota left {quota}"),
        (None, 0) => format!("; {requests}"),
        (None, seconds) => format!("; {requests}, waited {seconds} s for it"),
    };
    match answer {
        Ok(found) => {
            let found = if found { "has" } else { "does not have" };
            Diagnosis::well(&subject, format!("{who}, asked for {rights}: it answers, and {found} {image}{cost}"))
        }
        Err(error) => {
            let fix = error.hint().unwrap_or_else(|| "run again".to_owned());
            Diagnosis::of(&subject, Health::Ill, format!("{who}, asked for {rights}: {}", error.reason()), fix)
        }
    }
}
