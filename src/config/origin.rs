//! Where a setting's value comes from.

use std::fmt;
use std::path::PathBuf;

use serde::{Serialize, Serializer};
use serde_json::Value;

/// Where a value was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The built-in `config/default.toml`.
    Default,
    /// An empty default that this program filled in for this machine and user.
    Machine,
    /// A configuration file.
    File {
        /// Its path, as it was given.
        path: PathBuf,
        /// The line of the key, from 1.
        line: usize,
    },
    /// A variable in `.env`.
    DotEnv(String),
    /// A variable of the environment.
    Variable(String),
    /// A flag, with its dashes.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Machine => f.write_str("default of this machine"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::DotEnv(name) => write!(f, ".env {name}"),
            Self::Variable(name) => write!(f, "environment {name}"),
            Self::Flag(flag) => write!(f, "flag {flag}"),
        }
    }
}

impl Serialize for Origin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// One value for one key, and where it was given.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Given {
    /// `section.key`.
    pub key: String,
    /// The value.
    pub value: Value,
    /// Where.
    pub origin: Origin,
}
