//! The process's surroundings, read once: variables, `.env`, who we are.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::origin::{Given, Origin};
use super::schema::{Schema, nearest};
use crate::model::failure::{Failure, Kind, Result};
use crate::model::trace::Traceparent;

const PREFIX: &str = "REPO_TO_CAT_";

/// Variables under other names, the weaker first: `DATABASE_URL` as everybody calls it, two as the original did, and
/// those of Amazon's tools.
const ALIASES: [(&str, &str); 8] = [
    ("DATABASE_URL", "database.url"),
    ("IMAGE_STORAGE_PATH", "images.store"),
    ("API_PORT", "http.listen"),
    ("AWS_ENDPOINT_URL", "backup.s3_endpoint"),
    ("AWS_DEFAULT_REGION", "backup.s3_region"),
    ("AWS_REGION", "backup.s3_region"),
    ("AWS_ACCESS_KEY_ID", "backup.s3_access_key_id"),
    ("AWS_SECRET_ACCESS_KEY", "backup.s3_secret_access_key"),
];

/// What `.env` may not set. It lies in the folder where somebody happens to stand, which may be a stranger's repository,
/// and these keys decide which programs are run: PostgreSQL's own, and what the settings of a cluster make it load.
const NOT_IN_DOT_ENV: [&str; 2] = ["database.bin_folder", "data.folder"];

/// What the process was started with. A plain value, so that tests can make their own.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
    dot_env: BTreeMap<String, String>,
    is_root: bool,
}

impl Environment {
    /// Reads the environment, and `.env` in the current folder if there is one.
    pub fn of_process() -> Result<Self> {
        let mut variables = BTreeMap::new();
        for (name, value) in std::env::vars_os() {
            match (name.into_string(), value.into_string()) {
                (Ok(name), Ok(value)) => _ = variables.insert(name, value),
                (Ok(name), Err(_)) if is_ours(&name) => {
                    return Err(Failure::new(Kind::Invalid, format!("environment {name} is not valid UTF-8")));
                }
                _ => {}
            }
        }
        let dot_env = read_dot_env(Path::new(".env"))?;
        Ok(Self { variables, dot_env, is_root: rustix::process::geteuid().is_root() })
    }

    /// An environment of exactly these variables, for somebody who is not root.
    #[must_use]
    pub fn of(variables: &[(&str, &str)]) -> Self {
        Self { variables: owned(variables), ..Self::default() }
    }

    /// Adds what `.env` says.
    #[must_use]
    pub fn with_dot_env(mut self, variables: &[(&str, &str)]) -> Self {
        self.dot_env = owned(variables);
        self
    }

    /// Makes it root's.
    #[must_use]
    pub fn as_root(mut self) -> Self {
        self.is_root = true;
        self
    }

    /// Whether the process runs as root.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.is_root
    }

    /// A variable, from the environment or else from `.env`; an empty one counts as missing.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).or_else(|| self.dot_env.get(name)).map(String::as_str).filter(|text| !text.is_empty())
    }

    /// Whether people asked for no colour (<https://no-color.org>).
    #[must_use]
    pub fn forbids_color(&self) -> bool {
        self.get("NO_COLOR").is_some()
    }

    /// Whether the terminal can only print lines.
    #[must_use]
    pub fn has_dumb_terminal(&self) -> bool {
        self.get("TERM") == Some("dumb")
    }

    /// The trace that this process works for, if who started it told one that can be read.
    #[must_use]
    pub fn traceparent(&self) -> Option<Traceparent> {
        Traceparent::heard(self.variables.get("TRACEPARENT").map(String::as_str))
    }

    /// The user's home folder.
    #[must_use]
    pub fn home(&self) -> Option<PathBuf> {
        self.get("HOME").map(PathBuf::from).filter(|path| path.is_absolute())
    }

    /// The settings that variables give, the weaker first: `.env`, then the environment; in each the aliases first.
    pub(super) fn given(&self, schema: &Schema) -> Result<Vec<Given>> {
        let mut given = Vec::new();
        collect(&self.dot_env, schema, Origin::DotEnv, &mut given)?;
        let is_refused = |given: &&Given| NOT_IN_DOT_ENV.contains(&given.key.as_str()) && given.value != "";
        if let Some(Given { key, origin, .. }) = given.iter().find(is_refused) {
            return Err(Failure::new(Kind::Refused, format!("`{key}` may not be set there ({origin})")).hint(
                "a .env may come with a repository, and this decides which programs are run: export the variable",
            ));
        }
        collect(&self.variables, schema, Origin::Variable, &mut given)?;
        Ok(given)
    }
}

fn owned(variables: &[(&str, &str)]) -> BTreeMap<String, String> {
    variables.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn is_ours(name: &str) -> bool {
    name.starts_with(PREFIX) || ALIASES.iter().any(|(alias, _)| name == *alias)
}

/// The name of the variable that sets `key`.
pub(super) fn variable_of(key: &str) -> String {
    format!("{PREFIX}{}", key.to_uppercase().replace('.', "__"))
}

fn collect(
    variables: &BTreeMap<String, String>,
    schema: &Schema,
    origin: fn(String) -> Origin,
    given: &mut Vec<Given>,
) -> Result<()> {
    for (name, key) in ALIASES {
        if let Some(text) = variables.get(name).filter(|text| !text.is_empty()) {
            let text = if name == "API_PORT" { format!("{}:{text}", listen_host(schema)) } else { text.clone() };
            given.push(Given { key: key.to_owned(), value: schema.parse(key, &text), origin: origin(name.to_owned()) });
        }
    }
    for (name, text) in variables.iter().filter(|(name, _)| name.starts_with(PREFIX)) {
        let key = name[PREFIX.len()..].to_lowercase().replacen("__", ".", 1);
        let origin = origin(name.clone());
        if schema.default_of(&key).is_none() {
            let names: Vec<String> = schema.defaults().map(|default| variable_of(&default.key)).collect();
            // What all of them begin with would make any two alike.
            let hint = match nearest(&name[PREFIX.len()..], names.iter().map(|name| &name[PREFIX.len()..])) {
                Some(near) => format!("did you mean {PREFIX}{near}?"),
                None => format!("variables are named {PREFIX}SECTION__KEY; `repo-to-cat config show` lists every key"),
            };
            return Err(Failure::new(Kind::Invalid, format!("unknown setting `{key}` ({origin})")).hint(hint));
        }
        given.push(Given { value: schema.parse(&key, text), key, origin });
    }
    Ok(())
}

/// `API_PORT` names a port only; the address stays the default one.
fn listen_host(schema: &Schema) -> String {
    let listen = schema.default_of("http.listen").and_then(|value| value.as_str()).unwrap_or_default();
    listen.rsplit_once(':').map_or_else(String::new, |(host, _)| host.to_owned())
}

fn read_dot_env(path: &Path) -> Result<BTreeMap<String, String>> {
    let refused = |error: dotenvy::Error| {
        // The error quotes the line, which may hold a password.
        let what = match error {
            dotenvy::Error::LineParse(_, position) => {
                format!(".env cannot be parsed (at character {position} of a line)")
            }
            _ => ".env cannot be read".to_owned(),
        };
        Failure::new(Kind::Invalid, what).hint("write one NAME=value per line, values with blanks in quotes")
    };
    if !path.is_file() {
        return Ok(BTreeMap::new());
    }
    dotenvy::from_path_iter(path).map_err(refused)?.map(|pair| pair.map_err(refused)).collect()
}
