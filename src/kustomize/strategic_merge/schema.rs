//! What is known of a value while patches are merged: by the built-in schema, or by the one `openapi` names instead.

use super::built_in::BuiltIn;
use super::definitions::{Definition, Definitions};

/// The schemas that hold for a build.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Schemas<'s>(Option<&'s Definitions>);

impl<'s> Schemas<'s> {
    /// Takes a schema that replaces the built-in one.
    pub(in super::super) fn of(definitions: Option<&'s Definitions>) -> Self {
        Self(definitions)
    }

    /// The schema of a type.
    pub(super) fn find(self, api_version: &str, kind: &str) -> Option<Schema<'s>> {
        match self.0 {
            Some(definitions) => definitions.find(api_version, kind).map(Schema::Written),
            None => BuiltIn::of(api_version, kind).map(Schema::BuiltIn),
        }
    }
}

/// The schema of one value.
#[derive(Debug, Clone, Copy)]
pub(super) enum Schema<'s> {
    BuiltIn(BuiltIn),
    Written(Definition<'s>),
}

impl<'s> Schema<'s> {
    /// The keys of a list that is merged; empty for a set of scalars.
    pub(super) fn keys(self) -> Option<Vec<&'s str>> {
        match self {
            Self::BuiltIn(schema) => schema.keys().map(<[&str]>::to_vec),
            Self::Written(definition) => definition.keys(),
        }
    }

    /// The schema of a list's elements.
    pub(super) fn element(self) -> Option<Self> {
        match self {
            Self::BuiltIn(schema) => Some(Self::BuiltIn(schema.element())),
            Self::Written(definition) => definition.element().map(Self::Written),
        }
    }

    /// The schema of a field.
    pub(super) fn field(self, name: &str) -> Option<Self> {
        match self {
            Self::BuiltIn(schema) => schema.field(name).map(Self::BuiltIn),
            Self::Written(definition) => definition.field(name).map(Self::Written),
        }
    }
}
