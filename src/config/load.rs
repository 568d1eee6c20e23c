//! From layers to settings.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::origin::{Given, Origin};
use super::schema::Schema;
use super::{Config, Environment, file, machine, rules, schedules, secrets};
use crate::model::failure::{Failure, Kind, Result};

/// What the settings are made of, over the built-in defaults: the weaker first.
#[derive(Debug, Clone, Default)]
pub struct Layers {
    /// The file of `--config`.
    pub file: Option<PathBuf>,
    /// Variables and `.env`.
    pub environment: Environment,
    /// Flags that set a key.
    pub flags: Vec<Flag>,
}

/// A flag that sets a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flag {
    /// Its name with the dashes.
    pub name: &'static str,
    /// The key that it sets.
    pub key: &'static str,
    /// Its value as it was typed.
    pub value: String,
}

/// The settings in force, and where each comes from.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// The surroundings that they were read from.
    pub environment: Environment,
    origins: BTreeMap<String, Origin>,
}

/// One line of `config show`.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Setting {
    /// `section.key`.
    #[schema(example = "worker.slots")]
    pub key: String,
    /// The value in force, secrets masked.
    pub value: Value,
    /// Where it comes from.
    #[serde(rename = "from")]
    #[schema(value_type = String, example = "default")]
    pub origin: Origin,
}

impl Config {
    /// Puts the layers over the defaults. Every value of every layer must be allowed, also where a later layer
    /// overrides it; the message names the key, the value, its place and what is allowed.
    pub fn load(layers: &Layers) -> Result<Loaded> {
        let schema = Schema::built_in();
        let mut given: Vec<Given> = schema.defaults().collect();
        if let Some(path) = &layers.file {
            given.extend(file::read(path)?);
        }
        given.extend(layers.environment.given(&schema)?);
        given.extend(layers.flags.iter().map(|flag| Given {
            key: flag.key.to_owned(),
            value: schema.parse(flag.key, &flag.value),
            origin: Origin::Flag(flag.name),
        }));

        let mut in_force = BTreeMap::new();
        for value in given {
            schema.check(&value)?;
            rules::check(&value)?;
            in_force.insert(value.key.clone(), value);
        }

        let mut loaded = Loaded {
            config: assemble(in_force.values())?,
            environment: layers.environment.clone(),
            origins: in_force.into_iter().map(|(key, given)| (key, given.origin)).collect(),
        };
        rules::check_relations(&loaded.config, |key| loaded.describe(key))?;
        loaded.resolve()?;
        Ok(loaded)
    }
}

impl Loaded {
    /// Every setting in force, in the order of `config/default.toml`, then the schedules.
    #[must_use]
    pub fn settings(&self) -> Vec<Setting> {
        let sections = sections(&self.config);
        let setting = |key: &str| Setting {
            key: key.to_owned(),
            value: secrets::shown(key, value_of(&sections, key)),
            origin: self.origin(key).clone(),
        };
        let schedules = self.config.schedules.keys().map(|name| format!("schedules.{name}"));
        let keys = rules::RULES.iter().map(|rule| rule.key.to_owned()).chain(schedules);
        keys.map(|key| setting(&key)).collect()
    }

    /// Where the value of `key` comes from.
    #[must_use]
    pub fn origin(&self, key: &str) -> &Origin {
        self.origins.get(key).unwrap_or(&Origin::Default)
    }

    fn describe(&self, key: &str) -> String {
        let value = secrets::shown(key, value_of(&sections(&self.config), key));
        format!("`{key}` = {value} ({})", self.origin(key))
    }

    /// Fills in what depends on the machine, and makes every path absolute.
    fn resolve(&mut self) -> Result<()> {
        let environment = &self.environment;
        let config = &mut self.config;
        if config.data.folder.as_os_str().is_empty() {
            config.data.folder = machine::data_folder(environment)?;
            self.origins.insert("data.folder".to_owned(), Origin::Machine);
        }
        config.data.folder = machine::absolute(&config.data.folder, environment);
        if config.images.store.is_empty() {
            config.images.store = config.data.folder.to_string_lossy().into_owned();
            self.origins.insert("images.store".to_owned(), Origin::Machine);
        } else {
            let folder = machine::store_folder(&config.images.store, environment);
            config.images.store = folder.to_string_lossy().into_owned();
        }
        let backup = &mut config.backup;
        if backup.store.is_empty() {
            backup.store = config.data.folder.join("backups").to_string_lossy().into_owned();
            self.origins.insert("backup.store".to_owned(), Origin::Machine);
        } else if !backup.store.starts_with("s3://") {
            backup.store = machine::store_folder(&backup.store, environment).to_string_lossy().into_owned();
        }
        if backup.scratch_folder.as_os_str().is_empty() {
            backup.scratch_folder = config.data.folder.join("scratch");
            self.origins.insert("backup.scratch_folder".to_owned(), Origin::Machine);
        }
        let files = [
            &mut config.database.bin_folder,
            &mut config.fetch.token_file,
            &mut config.fetch.ca_file,
            &mut backup.identity_file,
            &mut backup.scratch_folder,
            &mut backup.s3_secret_access_key_file,
        ];
        for path in files.into_iter().chain(&mut config.fetch.local_roots).filter(|path| !path.as_os_str().is_empty()) {
            *path = machine::absolute(path, environment);
        }
        Ok(())
    }
}

fn assemble<'a>(values: impl Iterator<Item = &'a Given>) -> Result<Config> {
    let mut tree: Map<String, Value> = Map::new();
    for Given { key, value, .. } in values {
        if schedules::name(key).is_some() && schedules::is_out(value) {
            continue;
        }
        let Some((section, name)) = key.split_once('.') else { continue };
        tree.entry(section).or_insert_with(|| Value::Object(Map::new()))[name] = value.clone();
    }
    serde_json::from_value(Value::Object(tree))
        .map_err(|error| Failure::new(Kind::Internal, "the settings do not fit their types").source(error))
}

fn sections(config: &Config) -> Map<String, Value> {
    match serde_json::to_value(config) {
        Ok(Value::Object(sections)) => sections,
        _ => Map::new(),
    }
}

fn value_of<'a>(sections: &'a Map<String, Value>, key: &str) -> &'a Value {
    let (section, name) = key.split_once('.').unwrap_or_default();
    sections.get(section).and_then(|section| section.get(name)).unwrap_or(&Value::Null)
}
