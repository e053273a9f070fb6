//! The configuration that `promote-bot init` writes from the overlays it finds.

use std::collections::BTreeSet;
use std::fmt::Write as _;

/// What was found of one environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its name: the directory below `overlays/`.
    pub name: String,
    /// Paths or globs of its overlays.
    pub overlays: Vec<String>,
    /// The image names it uses, without tag and digest.
    pub images: Vec<String>,
}

/// The order in which environments are usually promoted; names that are none of these stand in the middle, by name.
const USUAL_ORDER: [&[&str]; 4] = [
    &["dev", "development", "local", "test", "testing", "ci"],
    &["qa", "int", "integration", "uat"],
    &["stage", "staging", "stg", "preprod", "pre-production", "preproduction"],
    &["prod", "production", "prd", "live"],
];

/// Writes a configuration with comments for the environments found.
#[must_use]
pub fn template(found: &[Found]) -> String {
    let mut found: Vec<&Found> = found.iter().collect();
    found.sort_by_key(|environment| (rank(&environment.name), environment.name.clone()));
    let mut out = String::from(
        "# promote-bot: which overlays make an environment, and which registry it pulls from.\n\
         # Reference: promote-bot schema config, and the README.\n\
         version: 1\n\
         environments:                       # in promotion order\n",
    );
    let mut previous: Option<&str> = None;
    for environment in found {
        let _ = writeln!(out, "  {}:", quoted(&environment.name));
        let overlays: Vec<String> = environment.overlays.iter().map(|path| quoted(path)).collect();
        let overlays = match overlays.as_slice() {
            [one] => one.clone(),
            many => format!("[{}]", many.join(", ")),
        };
        let _ = writeln!(out, "    overlays: {overlays}");
        let guess = || format!("{}.registry.example    # CHANGE ME: where its images live", environment.name);
        let registry = common_registry(&environment.images).unwrap_or_else(guess);
        let _ = writeln!(out, "    registry: {registry}");
        if let Some(previous) = previous {
            let _ =
                writeln!(out, "    from: {}{}# where a missing image is copied from", quoted(previous), " ".repeat(12));
        }
        previous = Some(&environment.name);
    }
    out.push_str(
        "# registries:                       # only where docker's or podman's login does not serve\n\
         #   prod.registry.example: { username: \"env:PROD_USER\", password: \"env:PROD_PASSWORD\" }\n",
    );
    out
}

fn rank(name: &str) -> usize {
    USUAL_ORDER.iter().position(|names| names.contains(&name)).map_or(2, |group| group * 2)
}

/// Quotes what YAML would read as something else than text.
fn quoted(text: &str) -> String {
    let is_plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'-' | b'_' | b'.'));
    let is_word = text.starts_with(|c: char| c.is_ascii_alphabetic()) && !TYPED_WORDS.contains(&text);
    if is_plain && is_word { text.to_owned() } else { format!("{text:?}") }
}

/// Words that YAML 1.1 takes for truth values or nothing.
const TYPED_WORDS: [&str; 11] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"];

/// The registry host that most of the images share, with the path components common to those.
fn common_registry(images: &[String]) -> Option<String> {
    let host = |image: &str| image.split('/').next().filter(|host| host.contains(['.', ':'])).map(str::to_owned);
    let hosts: BTreeSet<String> =
        images.iter().filter_map(|image| host(image)).filter(|host| host != "docker.io").collect();
    let count = |wanted: &String| images.iter().filter(|image| host(image).as_ref() == Some(wanted)).count();
    let most = hosts.iter().max_by_key(|host| count(host))?;
    let names: Vec<Vec<&str>> = images
        .iter()
        .filter(|image| host(image).as_ref() == Some(most))
        .map(|image| image.split('/').collect())
        .collect();
    let shortest = names.iter().map(|name| name.len() - 1).min()?;
    let shared = (0..shortest).take_while(|&i| names.iter().all(|name| name[i] == names[0][i])).count();
    Some(names[0][..shared.max(1)].join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::read;

    fn found(name: &str, images: &[&str]) -> Found {
        Found {
            name: name.to_owned(),
            overlays: vec![format!("overlays/{name}")],
            images: images.iter().map(|image| (*image).to_owned()).collect(),
        }
    }

    #[test]
    fn what_is_written_is_read_and_stands_in_promotion_order() {
        let text = template(&[
            found("production", &["prod.example/team/api", "prod.example/team/web", "docker.io/library/nginx"]),
            found("dev", &["dev.example:5000/api"]),
            found("staging", &[]),
        ]);
        let config = read("promote-bot.yaml", text.as_bytes()).unwrap();
        let shown: Vec<_> = config
            .environments
            .iter()
            .map(|e| (e.name.as_str(), e.registry.as_ref().unwrap().to_string(), e.from.as_deref()))
            .collect();
        assert_eq!(
            shown,
            [
                ("dev", "dev.example:5000".to_owned(), None),
                ("staging", "staging.registry.example".to_owned(), Some("dev")),
                ("production", "prod.example/team".to_owned(), Some("staging")),
            ]
        );
    }
}
