//! The file of `--config`.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use toml::Spanned;

use super::origin::{Given, Origin};
use crate::model::failure::{Failure, Kind, Result};

/// Keys and values with the places where they stand.
type Sections = BTreeMap<Spanned<String>, Spanned<toml::Value>>;
type Keys = BTreeMap<Spanned<String>, toml::Value>;

/// The values of a configuration file, in order of their keys.
pub(super) fn read(path: &Path) -> Result<Vec<Given>> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        let kind = if error.kind() == std::io::ErrorKind::NotFound { Kind::NotFound } else { Kind::Environment };
        Failure::new(kind, format!("cannot read the configuration file {}", path.display()))
            .source(error)
            .hint("give an existing TOML file to --config, or leave it out")
    })?;
    parse(&text, path)
}

fn parse(text: &str, path: &Path) -> Result<Vec<Given>> {
    let place = |offset: usize| Origin::File { path: path.to_owned(), line: line_of(text, offset) };
    let refused = |error: &toml::de::Error| {
        let origin = place(error.span().map_or(0, |span| span.start));
        Failure::new(Kind::Invalid, format!("{origin}: {}", error.message().trim()))
            .hint("write `[section]` and below it `key = value`, as in config/default.toml")
    };

    let sections: Sections = toml::from_str(text).map_err(|error| refused(&error))?;
    if let Some((name, _)) = sections.iter().find(|(_, value)| !value.get_ref().is_table()) {
        let origin = place(name.span().start);
        return Err(Failure::new(Kind::Invalid, format!("unknown setting `{}` ({origin})", name.get_ref()))
            .hint("each key stands in a section: `[worker]`, then `slots = 4`"));
    }

    let keyed: BTreeMap<String, Keys> = toml::from_str(text).map_err(|error| refused(&error))?;
    let mut given = Vec::new();
    for (section, keys) in keyed {
        for (key, value) in keys {
            let origin = place(key.span().start);
            let value = serde_json::to_value(&value).unwrap_or(Value::Null);
            given.push(Given { key: format!("{section}.{}", key.get_ref()), value, origin });
        }
    }
    Ok(given)
}

fn line_of(text: &str, offset: usize) -> usize {
    text.char_indices().take_while(|&(at, _)| at < offset).filter(|&(_, c)| c == '\n').count() + 1
}
