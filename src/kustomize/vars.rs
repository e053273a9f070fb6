//! `vars`: names for fields of resources, collected through all layers and put in the fields that may hold them.

use std::collections::BTreeMap;

use crate::manifest::{Failure, Node, Place, Result, Text, uses};
use crate::yaml::ScalarKind;

use super::field_path::lookup;
use super::field_spec::FieldSpec;
use super::id::{Id, split_api_version};
use super::load::Loader;
use super::refvar::{Replacer, Substitute};
use super::resource::Resource;
use super::resource_set::ResourceSet;
use super::section::Section;
use super::unresolved::Unresolved;

/// One entry of `vars`.
#[derive(Debug, Clone)]
pub(super) struct Var {
    place: Place,
    name: String,
    group: String,
    version: String,
    kind: String,
    object: String,
    namespace: Option<String>,
    field_path: String,
}

impl Var {
    /// Reads all entries.
    pub(super) fn read_all(kustomization: &Section<'_>) -> Result<Vec<Self>> {
        kustomization.sections("vars", &["name", "objref", "fieldref"])?.iter().map(Self::read).collect()
    }

    fn read(entry: &Section<'_>) -> Result<Self> {
        let string = |text: Option<Text>| text.map_or_else(String::new, |text| text.text.to_string());
        let known = &["apiVersion", "group", "version", "kind", "name", "namespace"];
        let object = entry.section("objref", known)?;
        let of_object = |key| object.as_ref().map_or(Ok(None), |object| object.text(key));
        let (mut group, mut version) = (string(of_object("group")?), string(of_object("version")?));
        if let Some(api_version) = of_object("apiVersion")?
            && api_version.text.matches('/').count() < 2
        {
            let (own_group, own_version) = split_api_version(&api_version.text);
            if api_version.text.contains('/') {
                group = own_group.to_owned();
            }
            version = own_version.to_owned();
        }
        let field = entry.section("fieldref", &["fieldPath"])?;
        let field_path = field.map_or(Ok(None), |field| field.text("fieldPath"))?;
        let name = entry.text("name")?;
        Ok(Self {
            place: name.as_ref().map_or_else(|| entry.place(), |name| name.place.clone()),
            name: string(name),
            group,
            version,
            kind: string(of_object("kind")?),
            object: string(of_object("name")?),
            namespace: of_object("namespace")?.map(|text| text.text.to_string()),
            field_path: field_path.map_or_else(|| "metadata.name".to_owned(), |path| path.text.to_string()),
        })
    }

    fn is_for(&self, id: &Id) -> bool {
        (&id.group, &id.version, &id.kind, &id.name) == (&self.group, &self.version, &self.kind, &self.object)
            && self.namespace.as_ref().is_none_or(|namespace| id.namespace == *namespace)
    }

    fn failure(&self, message: &str) -> Box<Failure> {
        let hint = "correct `objref` and `fieldref`, or remove the variable";
        Failure::at(&self.place, format!("the variable `{}` {message}", self.name), hint)
    }
}

/// The variables of all layers so far; no name twice.
#[derive(Debug, Default)]
pub(super) struct VarSet(BTreeMap<String, Var>);

impl VarSet {
    /// Adds the variables of a kustomization, and notes them at the resources they are about.
    pub(super) fn add(&mut self, vars: &[Var], resources: &mut ResourceSet, loader: &mut Loader<'_>) -> Result<()> {
        for var in vars {
            loader.spend(resources.resources.len(), &var.place)?;
            let is_meant = |resource: &&mut Resource| resource.ids().iter().any(|id| var.is_for(id));
            let mut matching = resources.resources.iter_mut().filter(is_meant);
            let (first, second) = (matching.next(), matching.next());
            if second.is_some() {
                return Err(var.failure("is about several resources"));
            }
            if let Some(resource) = first {
                resource.var_names.push(var.name.as_str().into());
            }
        }
        vars.iter().try_for_each(|var| self.insert(var.clone()))
    }

    /// Adds the variables of a base.
    pub(super) fn merge(&mut self, other: Self) -> Result<()> {
        other.0.into_values().try_for_each(|var| self.insert(var))
    }

    fn insert(&mut self, var: Var) -> Result<()> {
        match self.0.contains_key(&var.name) {
            true => Err(var.failure("is defined twice")),
            false => {
                self.0.insert(var.name.clone(), var);
                Ok(())
            }
        }
    }

    /// Puts the values in all fields that `specs` reach; every variable must have one.
    pub(super) fn resolve(
        &self,
        loader: &mut Loader<'_>,
        resources: &mut ResourceSet,
        specs: &[FieldSpec],
        unresolved: &mut Unresolved,
    ) -> Result<()> {
        let Some(any) = self.0.values().next() else {
            return Ok(());
        };
        let mut owners: BTreeMap<&str, &Resource> = BTreeMap::new();
        for resource in &resources.resources {
            for name in &resource.var_names {
                owners.entry(name).or_insert(resource);
            }
        }
        let mut values = BTreeMap::new();
        let mut hashed = Vec::new();
        for var in self.0.values() {
            let Some(owner) = owners.get(&*var.name) else {
                unresolved.absent(var.failure("is about a resource that does not exist"))?;
                continue;
            };
            let node = lookup(&owner.node, &var.field_path)
                .ok_or_else(|| var.failure(&format!("is about the field `{}`, which is not there", var.field_path)))?;
            if owner.has_hash && var.field_path == "metadata.name" {
                hashed.push((var, node.place.location()));
            }
            values.insert(var.name.clone(), value_of(node, var)?);
        }
        let mut replacer = Replacer::new(values);
        for resource in &mut resources.resources {
            replacer.replace(loader, resource, specs, &any.place)?;
        }
        // kustomize puts a hash of the content behind the names of what it generates; nothing is hashed here.
        if !hashed.is_empty() {
            let images = uses(resources.resources.iter().map(|resource| &resource.node));
            for (var, location) in hashed {
                let is_in = |image: &crate::domain::ImageUse| {
                    let parts = [Some(&image.origins.name), image.origins.tag.as_ref(), image.origins.digest.as_ref()];
                    parts.contains(&Some(&location))
                };
                if images.iter().any(is_in) {
                    return Err(
                        var.failure("puts the hash of a generated resource into an image, which is not supported")
                    );
                }
            }
        }
        Ok(())
    }
}

/// What is put in the place of a variable; `None` for a list or mapping, which is put nowhere.
fn value_of(node: &Node, var: &Var) -> Result<Option<Substitute>> {
    let Some(scalar) = node.as_scalar() else {
        return Ok(None);
    };
    let text = match scalar.kind {
        ScalarKind::Number => number(&scalar.text).ok_or_else(|| {
            var.failure(&format!("has the value {}, a number that kustomize does not read here", scalar.text))
        })?,
        ScalarKind::Bool => scalar.text.to_ascii_lowercase(),
        _ => scalar.text.to_string(),
    };
    let kind = match scalar.kind {
        kind @ (ScalarKind::Number | ScalarKind::Bool) => kind,
        _ => ScalarKind::Str,
    };
    Ok(Some(Substitute { text, kind, source: node.clone() }))
}

/// Reads decimal numbers only, and prints them as Go does.
fn number(text: &str) -> Option<String> {
    let digits = text.trim_start_matches(['+', '-']);
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse::<i64>().ok().map(|number| number.to_string());
    }
    let is_decimal = digits.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte));
    let number = text.parse::<f64>().ok().filter(|_| is_decimal)?;
    Some(number.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_decimal_and_lose_what_does_not_count() {
        let read = |text| number(text);
        assert_eq!(read("+010").as_deref(), Some("10"));
        assert_eq!(read("1.50").as_deref(), Some("1.5"));
        assert_eq!(read("1e3").as_deref(), Some("1000"));
        assert_eq!((read("0x1F"), read("1_000")), (None, None));
    }
}
