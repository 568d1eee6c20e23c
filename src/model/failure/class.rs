//! Classes of errors as attempts keep them, by which jobs are found.

use std::str::FromStr;

use serde::{Deserialize, Serialize, Serializer};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use super::Kind;

/// The class of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum ErrorClass {
    /// Of a failure.
    Of(Kind),
    /// The deadline passed before the job was started.
    Expired,
    /// Nobody told an error.
    Untold,
}

impl ErrorClass {
    /// All names.
    pub fn names() -> impl Iterator<Item = &'static str> {
        Self::all().map(Self::name)
    }

    fn all() -> impl Iterator<Item = Self> {
        Kind::ALL.into_iter().map(Self::Of).chain([Self::Expired, Self::Untold])
    }

    /// The name, as it stands in `error_class`; `none` where nothing stands there.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Of(kind) => kind.name(),
            Self::Expired => "expired",
            Self::Untold => "none",
        }
    }
}

impl FromStr for ErrorClass {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let own = Self::all().find(|class| class.name() == text);
        own.ok_or_else(|| format!("the classes are {}", Self::names().collect::<Vec<_>>().join(", ")))
    }
}

impl Serialize for ErrorClass {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl TryFrom<String> for ErrorClass {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl PartialSchema for ErrorClass {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some(Self::names())).into()
    }
}

impl ToSchema for ErrorClass {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_is_read_and_no_other() {
        for name in ErrorClass::names() {
            assert_eq!(name.parse::<ErrorClass>().unwrap().name(), name);
        }
        assert_eq!("too_large".parse(), Ok(ErrorClass::Of(Kind::TooLarge)));
        assert!("sleepy".parse::<ErrorClass>().unwrap_err().contains("not_found, "));
    }
}
