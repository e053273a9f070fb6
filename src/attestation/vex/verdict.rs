//! Which of many statements decides.

use std::collections::HashMap;

use super::product::package_of;
use super::{ImageIdentity, VexStatement};
use crate::attestation::scan::Vulnerability;

/// How many products and parts are compared for one vulnerability's name.
const MAX_COMPARED: usize = 2_000;

/// Finds the statement that decides about a finding in an image, covering it or not ([`VexStatement::covers`]).
///
/// Of those that apply it is the newest, whatever document it stands in; of two from the same instant the one that
/// does not cover. One that does not cover and has no time counts as the newest of all. Another statement that does
/// not cover thus never makes a finding covered.
pub(crate) fn verdict_of<'a>(
    statements: impl IntoIterator<Item = &'a VexStatement>,
    vulnerability: &Vulnerability,
    image: &ImageIdentity<'_>,
) -> Option<&'a VexStatement> {
    let package = package_of(vulnerability);
    let applies = |statement: &&VexStatement| statement.applies_to(vulnerability, package.as_ref(), image);
    let applying = statements.into_iter().filter(applies);
    applying.max_by_key(|statement| (statement.at.is_none(), statement.at, !statement.covers()))
}

/// Statements by the vulnerability they are about: for reports with many findings, where going through all statements
/// for each would take their product.
#[derive(Debug, Default)]
pub struct Verdicts<'a> {
    by_name: HashMap<String, Named<'a>>,
}

/// The statements about a name, and how much there is to compare in them.
#[derive(Debug, Default)]
struct Named<'a> {
    statements: Vec<&'a VexStatement>,
    effort: usize,
}

impl<'a> Verdicts<'a> {
    /// Sorts statements by the names of their vulnerabilities.
    pub fn new(statements: impl IntoIterator<Item = &'a VexStatement>) -> Self {
        let mut by_name: HashMap<String, Named<'a>> = HashMap::new();
        for statement in statements {
            let effort = effort(statement);
            for name in &statement.vulnerability {
                let named = by_name.entry(name.to_ascii_lowercase()).or_default();
                named.statements.push(statement);
                named.effort += effort;
            }
        }
        Self { by_name }
    }

    /// Finds the statement that decides, as `verdict_of` does. None also when one of the finding's names has more
    /// than 2,000 products and parts in all its statements: comparing them for each of many findings would take
    /// hours.
    #[must_use]
    pub fn of(&self, vulnerability: &Vulnerability, image: &ImageIdentity<'_>) -> Option<&'a VexStatement> {
        let names = vulnerability.names().map(str::to_ascii_lowercase);
        let named: Vec<&Named<'a>> = names.filter_map(|name| self.by_name.get(&name)).collect();
        if named.iter().any(|named| named.effort > MAX_COMPARED) {
            return None;
        }
        verdict_of(named.into_iter().flat_map(|named| named.statements.iter().copied()), vulnerability, image)
    }
}

fn effort(statement: &VexStatement) -> usize {
    let component = |component: &super::Component| 1 + component.purls.len();
    let products = statement
        .products
        .iter()
        .map(|product| component(&product.component) + product.subcomponents.iter().map(component).sum::<usize>());
    statement.vulnerability.len() + products.sum::<usize>()
}
