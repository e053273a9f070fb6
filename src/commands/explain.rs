//! `explain`: what a rule or a finding means, or where one image of one environment comes from.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::error::Error;
use super::judge::Inputs;
use super::policies;
use super::policy::builtin_text;
use super::said;
use super::workspace::Snapshot;
use crate::domain::{Decision, Environment, ImageRef, ImageSite, Location};
use crate::overlay;
use crate::plan::EXPLANATIONS;
use crate::policy::{self, Policy, Rule};
use crate::report::safe;

/// Explains `subject`: a rule (`tag`, `production/tag`), a finding (`missing-source`), a built-in policy (`builtin:strict`), or an
/// image (`production/api`): where it comes from, and what each rule says of it now.
///
/// # Errors
/// When nothing has that name, or the repository cannot be read.
pub async fn explain(inputs: &Inputs<'_>, subject: &str) -> Result<String, Error> {
    if let Some(name) = subject.strip_prefix("builtin:") {
        return builtin_text(name).map(str::to_owned);
    }
    if let Some(explanation) = EXPLANATIONS.iter().find(|explanation| explanation.id == subject) {
        return Ok(format!("{}\n\n{}\n", explanation.id, explanation.text));
    }
    let parts: Vec<&str> = subject.split('/').collect();
    // `production/tag` and `production/expr/team` are rules, unless an environment runs an image that is called so.
    let rule = [parts.first(), parts.get(1)].into_iter().flatten().find_map(|part| policy::explain(part));
    let [environment, _, ..] = parts.as_slice() else {
        return rule.ok_or_else(|| nothing_called(subject));
    };
    let snapshot = Snapshot::open(&inputs.scope, None)?;
    let image = subject[environment.len() + 1..].to_owned();
    let found = snapshot.environments.iter().find(|known| known.name == **environment);
    let rule = rule.map(|page| here(&snapshot, inputs, environment, &image) + &page);
    match (found, rule) {
        (Some(environment), rule) => match (explain_image(&snapshot, environment, &image), rule) {
            (Ok(text), _) => Ok(text + &said::said(inputs, environment, &image).await?),
            (Err(_), Some(rule)) => Ok(rule),
            (Err(error), None) => Err(error),
        },
        (None, Some(rule)) => Ok(rule),
        (None, None) => {
            let known: Vec<&str> = snapshot.environments.iter().map(|known| known.name.as_str()).collect();
            let message = format!("nothing is called {subject}: there is no environment {environment}");
            Err(Error::usage(message, format!("environments: {}", known.join(", "))))
        }
    }
}

/// Says what the policies here make of a rule: its settings, and where they are.
fn here(snapshot: &Snapshot, inputs: &Inputs<'_>, policy: &str, rule: &str) -> String {
    let scope = &inputs.scope;
    let loaded = policies::load(snapshot.tree.as_ref(), &snapshot.revision, &snapshot.environments, scope.now);
    let Ok(sets) = loaded else {
        return "The policies here cannot be read, see: promote-bot policy lint\n\n".to_owned();
    };
    let all: Vec<(&String, &Policy)> =
        sets.iter().flat_map(|(name, set)| set.policies.iter().map(move |policy| (name, policy))).collect();
    let named: Vec<&(&String, &Policy)> = all.iter().filter(|(_, known)| known.name == policy).collect();
    let Some((_, first)) = named.first() else {
        let names: BTreeSet<&str> = all.iter().map(|(_, policy)| policy.name.as_str()).collect();
        let names = names.into_iter().collect::<Vec<_>>().join(", ");
        let names = if names.is_empty() { "there is none".to_owned() } else { format!("there are {names}") };
        return format!("No environment here has a policy {}; {}.\n\n", safe(policy), safe(&names));
    };
    let environments = named.iter().map(|(environment, _)| environment.as_str()).collect::<Vec<_>>().join(", ");
    let own: Vec<String> =
        first.rules.iter().filter(|known| known.is_called(rule)).map(|rule| of_rule(first, rule)).collect();
    match own.is_empty() {
        true => {
            let rules = first.rules.iter().map(Rule::name).collect::<Vec<_>>().join(", ");
            let what = format!("The policy {} ({}) has no rule {rule}; it has {rules}.", first.name, first.file);
            format!("{}\n\n", safe(&what))
        }
        false => format!("{}asked in {}\n\n", own.concat(), safe(&environments)),
    }
}

fn of_rule(policy: &Policy, rule: &Rule) -> String {
    format!(
        "{}\n  {}\n  at {}\n  ",
        safe(&format!("{}/{}", policy.name, rule.name())),
        safe(rule.settings()),
        safe(&rule.place().to_string())
    )
}

fn nothing_called(subject: &str) -> Error {
    let known: Vec<&str> = EXPLANATIONS.iter().map(|explanation| explanation.id).collect();
    let rules: Vec<&str> = policy::names().collect();
    Error::usage(
        format!("nothing is called {subject}"),
        format!(
            "name a rule ({}), a finding ({}), a policy (builtin:strict), or an image as ENVIRONMENT/NAME",
            rules.join(", "),
            known.join(", ")
        ),
    )
}

fn explain_image(snapshot: &Snapshot, environment: &Environment, name: &str) -> Result<String, Error> {
    let uses = overlay::uses(snapshot.tree.as_ref(), environment, Some(&snapshot.checkout()))?;
    let sites: Vec<&ImageSite> = uses.sites.iter().filter(|site| is_called(&site.image_use.image, name)).collect();
    if sites.is_empty() {
        let broken = uses.errors.first().map(|error| format!("; {error}")).unwrap_or_default();
        return Err(Error::usage(
            format!("environment {} uses no image called {name}{broken}", environment.name),
            format!("list its images with: promote-bot images -e {}", environment.name),
        ));
    }
    let mut out = String::new();
    for site in sites {
        let (image_use, workload) = (&site.image_use, &site.image_use.workload);
        let container = image_use.container.as_ref().map(|name| format!(", container {name}")).unwrap_or_default();
        // Helm values belong to no object.
        let is_named = !(workload.kind.is_empty() && workload.name.is_empty());
        let place = |place: &Option<Location>| place.as_ref().map(ToString::to_string);
        let rows = [
            ("overlay", Some(site.overlay.to_string())),
            ("used by", is_named.then(|| format!("{}/{}{container}", workload.kind, workload.name))),
            ("field", Some(image_use.field.clone())),
            ("name from", Some(image_use.origins.name.to_string())),
            ("tag from", place(&image_use.origins.tag)),
            ("digest from", place(&image_use.origins.digest)),
        ];
        let _ = writeln!(out, "{}", safe(&image_use.image));
        for (what, text) in rows {
            if let Some(text) = text {
                let _ = writeln!(out, "  {what:11}  {}", safe(&text));
            }
        }
        out.push_str(&chain(&image_use.decisions));
    }
    Ok(out)
}

/// The decisions from the base to the last word, one a line.
fn chain(decisions: &[Decision]) -> String {
    let mut out = String::from("  decided by\n");
    let places: Vec<String> = decisions.iter().map(|decision| safe(&decision.location.to_string())).collect();
    let width = places.iter().map(|place| place.chars().count()).max().unwrap_or(0);
    for (decision, place) in decisions.iter().zip(places) {
        let _ = writeln!(out, "    {place:width$}  {:10}  {}", decision.by.words(), safe(&decision.image));
    }
    out
}

/// Tells whether `image` is meant by `name`: its repository, or the end of it from a `/` on.
pub(super) fn is_called(image: &str, name: &str) -> bool {
    image.parse::<ImageRef>().is_ok_and(|image| {
        image.repository() == name || image.repository().strip_suffix(name).is_some_and(|rest| rest.ends_with('/'))
    })
}
