//! What is known of values before there are any.

use cel::common::ast::LiteralValue;

/// What the variables of an expression look like. Static: a program knows its own input.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// Anything: what is asked of it is only found out when it is evaluated.
    Any,
    /// A plain value, or null.
    Leaf(Kind),
    /// A map with exactly these fields, each of which may be missing; another one is refused at load.
    Object(&'static [(&'static str, Shape)]),
    /// A list of such values.
    List(&'static Shape),
    /// A map from text to such values.
    Map(&'static Shape),
}

/// The kind of a plain value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`.
    Bool,
    /// A whole number, signed or not.
    Int,
    /// Any other number.
    Double,
    /// A text.
    String,
    /// Bytes, which only literals and `bytes()` make.
    Bytes,
    /// A kind as a value, which only `type()` and its names make.
    Type,
}

/// The names of kinds, which `type(x)` is compared with; no variable has one of them.
pub(super) const KINDS: [&str; 10] =
    ["bool", "bytes", "double", "int", "list", "map", "null_type", "string", "type", "uint"];

impl Kind {
    fn is_number(self) -> bool {
        matches!(self, Self::Int | Self::Double)
    }

    /// With its article.
    fn words(self) -> &'static str {
        match self {
            Self::Bool => "a bool",
            Self::Int => "an int",
            Self::Double => "a double",
            Self::String => "a string",
            Self::Bytes => "bytes",
            Self::Type => "a type",
        }
    }
}

/// What is known of the value of one node of an expression.
#[derive(Debug, Clone, Copy)]
pub(super) enum Form<'s> {
    Unknown,
    Null,
    Kind(Kind),
    Object(&'s [(&'static str, Shape)]),
    /// Its elements, if known.
    List(Option<&'s Shape>),
    /// Its values; `None` for a map written out, whose keys may be of any kind.
    Map(Option<&'s Shape>),
    /// One of several kinds, none of which is a bool.
    NotBool,
}

impl<'s> Form<'s> {
    pub(super) fn of(shape: &'s Shape) -> Self {
        match shape {
            Shape::Any => Self::Unknown,
            Shape::Leaf(kind) => Self::Kind(*kind),
            Shape::Object(fields) => Self::Object(fields),
            Shape::List(element) => Self::List(Some(element)),
            Shape::Map(value) => Self::Map(Some(value)),
        }
    }

    pub(super) fn of_literal(value: &LiteralValue) -> Self {
        match value {
            LiteralValue::Boolean(_) => Self::Kind(Kind::Bool),
            LiteralValue::Bytes(_) => Self::Kind(Kind::Bytes),
            LiteralValue::Double(_) => Self::Kind(Kind::Double),
            LiteralValue::Int(_) | LiteralValue::UInt(_) => Self::Kind(Kind::Int),
            LiteralValue::Null => Self::Null,
            LiteralValue::String(_) => Self::Kind(Kind::String),
        }
    }

    /// What `+` gives.
    pub(super) fn plus(self, other: Self) -> Self {
        match (self, other) {
            (Self::Kind(Kind::Bool), _) | (_, Self::Kind(Kind::Bool)) => Self::NotBool,
            (Self::Kind(kind), _) | (_, Self::Kind(kind)) => Self::Kind(kind),
            (Self::List(_), _) => Self::List(None),
            _ => Self::NotBool,
        }
    }

    pub(super) fn of_part(shape: Option<&'s Shape>) -> Self {
        shape.map_or(Self::Unknown, Self::of)
    }

    /// Tells whether it might be true or false.
    pub(super) fn may_be_bool(self) -> bool {
        matches!(self, Self::Unknown | Self::Kind(Kind::Bool))
    }

    /// What it is, with its article.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Unknown => "anything",
            Self::Null => "null",
            Self::Kind(kind) => kind.words(),
            Self::Object(_) | Self::Map(_) => "a map",
            Self::List(_) => "a list",
            Self::NotBool => "no bool",
        }
    }

    /// What a value is that is the one or the other.
    pub(super) fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Kind(a), Self::Kind(b)) if a == b => self,
            (Self::List(_), Self::List(_)) => Self::List(None),
            // Where one way is no bool, the expression is no check: refused rather than hoped for.
            _ if !self.may_be_bool() || !other.may_be_bool() => Self::NotBool,
            _ => Self::Unknown,
        }
    }

    /// Tells whether the two can be equal, or one less than the other.
    pub(super) fn compares(self, other: Self) -> bool {
        match (self, other) {
            (Self::Kind(a), Self::Kind(b)) => a == b || (a.is_number() && b.is_number()),
            (Self::Kind(_), Self::List(_) | Self::Map(_) | Self::Object(_)) => false,
            (Self::List(_) | Self::Map(_) | Self::Object(_), Self::Kind(_)) => false,
            (Self::List(_), Self::Map(_) | Self::Object(_)) | (Self::Map(_) | Self::Object(_), Self::List(_)) => false,
            _ => true,
        }
    }

    /// What a macro's variable is when it goes through this; `None` where it cannot.
    pub(super) fn items(self) -> Option<Self> {
        match self {
            Self::Unknown | Self::NotBool | Self::Map(None) => Some(Self::Unknown),
            Self::List(element) => Some(Self::of_part(element)),
            Self::Map(Some(_)) | Self::Object(_) => Some(Self::Kind(Kind::String)),
            Self::Null | Self::Kind(_) => None,
        }
    }
}
