//! Checks of the settings and of the files that they name.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::config::{Loaded, Origin};
use crate::model::check::Check;

/// What can be told without looking any further.
pub(super) fn checks(loaded: &Loaded) -> Vec<Check> {
    let fetch = &loaded.config.fetch;
    let mut checks = vec![settings(loaded)];
    checks.extend(tokens(&fetch.token_file));
    checks.extend(certificates(&fetch.ca_file));
    checks.extend(fetch.local_roots.iter().map(|root| local_root(root)));
    checks.extend(unused_token(loaded));
    checks
}

fn settings(loaded: &Loaded) -> Check {
    let settings = loaded.settings();
    let given = settings.iter().filter(|one| !matches!(one.origin, Origin::Default | Origin::Machine)).count();
    Check::ok("settings", format!("{} keys, {given} of them set by you; `config show` lists them", settings.len()))
}

fn tokens(path: &Path) -> Option<Check> {
    const NAME: &str = "token file";
    const TODO: &str = "write one `host token` per line, chmod 600, and name the file in fetch.token_file";
    if path.as_os_str().is_empty() {
        return None;
    }
    let shown = path.display();
    Some(match std::fs::metadata(path) {
        Err(error) => Check::fail(NAME, format!("{shown} cannot be read: {error}"), TODO),
        Ok(file) if !file.is_file() => Check::fail(NAME, format!("{shown} is not a file"), TODO),
        Ok(file) if file.mode() & 0o077 != 0 => {
            Check::fail(NAME, format!("others may read {shown}"), format!("type: chmod 600 {shown}"))
        }
        Ok(_) => Check::ok(NAME, format!("{shown} is for its owner only")),
    })
}

fn certificates(path: &Path) -> Option<Check> {
    const NAME: &str = "certificates";
    const TODO: &str = "name a PEM file with certificate authorities in fetch.ca_file, or leave it empty";
    if path.as_os_str().is_empty() {
        return None;
    }
    let shown = path.display();
    Some(match std::fs::read_to_string(path) {
        Err(error) => Check::fail(NAME, format!("{shown} cannot be read: {error}"), TODO),
        Ok(text) if text.contains("-----BEGIN CERTIFICATE-----") => {
            Check::ok(NAME, format!("{shown} holds certificates"))
        }
        Ok(_) => Check::fail(NAME, format!("{shown} holds no certificate"), TODO),
    })
}

fn local_root(root: &Path) -> Check {
    const NAME: &str = "local root";
    let shown = root.display();
    match std::fs::read_dir(root) {
        Ok(_) => Check::ok(NAME, format!("{shown} can be read")),
        Err(error) => {
            let todo = "take it out of fetch.local_roots, or make it readable";
            Check::warn(NAME, format!("{shown} cannot be read: {error}"), todo)
        }
    }
}

/// The founding application took its token from a variable; who comes from there should know.
fn unused_token(loaded: &Loaded) -> Option<Check> {
    loaded.environment.get("GITHUB_TOKEN")?;
    Some(Check::warn(
        "GITHUB_TOKEN",
        "it is set, but not used: variables leak into child processes and logs",
        "for private repositories put `github.com TOKEN` into a file with mode 600 and name it in fetch.token_file",
    ))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::config::{Config, Environment, Flag, Layers};
    use crate::model::check::State;

    fn states(variables: &[(&str, &str)], key: &'static str, path: &Path) -> Vec<(&'static str, State)> {
        let flags = vec![Flag { name: "--test", key, value: path.display().to_string() }];
        let environment = Environment::of(variables).as_root();
        let loaded = Config::load(&Layers { environment, flags, ..Layers::default() }).unwrap();
        checks(&loaded).into_iter().skip(1).map(|check| (check.name, check.state)).collect()
    }

    #[test]
    fn a_token_file_is_for_its_owner_only() {
        let root = tempfile::tempdir().unwrap();
        let tokens = root.path().join("tokens");
        let of_tokens = |path: &Path| states(&[], "fetch.token_file", path);
        assert_eq!(of_tokens(&tokens), [("token file", State::Fail)]);
        assert_eq!(of_tokens(root.path()), [("token file", State::Fail)]);
        fs::write(&tokens, "github.com x").unwrap();
        fs::set_permissions(&tokens, fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(of_tokens(&tokens), [("token file", State::Fail)]);
        fs::set_permissions(&tokens, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(of_tokens(&tokens), [("token file", State::Ok)]);
    }

    #[test]
    fn a_file_of_certificates_holds_some() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("ca.pem");
        fs::write(&file, "nothing").unwrap();
        assert_eq!(states(&[], "fetch.ca_file", &file), [("certificates", State::Fail)]);
        fs::write(&file, "-----BEGIN CERTIFICATE-----\n").unwrap();
        assert_eq!(states(&[], "fetch.ca_file", &file), [("certificates", State::Ok)]);
    }

    #[test]
    fn a_local_root_that_is_gone_and_an_unused_token_are_warnings() {
        let gone = Path::new("/no/such/folder");
        let expected = [("local root", State::Warn), ("GITHUB_TOKEN", State::Warn)];
        assert_eq!(states(&[("GITHUB_TOKEN", "ghp_x")], "fetch.local_roots", gone), expected);
    }
}
