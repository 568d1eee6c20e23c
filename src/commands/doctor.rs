//! `doctor`: everything that this program needs, and what to do about what is missing.

use std::path::Path;

use super::Output;
use super::view::checks::{CheckView, Verdict, render};
use crate::config::{Loaded, Origin};
use crate::model::failure::{Failure, Kind, Result};

/// Runs every check and prints the list; fails if something is missing.
pub fn run(loaded: &Loaded, output: &Output) -> Result<()> {
    let mut checks = of_settings(loaded);
    checks.extend(of_postgres(loaded));
    output.data(&checks, |look| render(&checks, look))?;
    match checks.iter().filter(|check| check.verdict == Verdict::Missing).count() {
        0 => Ok(()),
        missing => Err(Failure::new(Kind::Environment, format!("{missing} of {} checks failed", checks.len()))
            .hint("do what stands behind the arrows, then run `repo-to-cat doctor` again")),
    }
}

// TO CONNECT AT MERGE: the checks of postgres::doctor, each turned into a `CheckView`.
fn of_postgres(_: &Loaded) -> Vec<CheckView> {
    Vec::new()
}

/// What can be told from the settings and the files that they name.
fn of_settings(loaded: &Loaded) -> Vec<CheckView> {
    let config = &loaded.config;
    let mut checks = vec![settings(loaded)];
    checks.push(folder("Data folder", "data.folder", &config.data.folder));
    checks.extend(tokens(&config.fetch.token_file));
    checks.extend(certificates(&config.fetch.ca_file));
    checks.extend(config.fetch.local_roots.iter().map(|root| local_root(root)));
    checks.extend(unused_token(loaded));
    checks
}

fn check(name: &str, verdict: Verdict, found: impl Into<String>, advice: Option<&str>) -> CheckView {
    CheckView { name: name.to_owned(), verdict, found: found.into(), advice: advice.map(str::to_owned) }
}

fn settings(loaded: &Loaded) -> CheckView {
    let settings = loaded.settings();
    let given = settings.iter().filter(|one| !matches!(one.origin, Origin::Default | Origin::Machine)).count();
    let found = format!("{} keys, {given} of them set by you; `config show` lists them", settings.len());
    check("Settings", Verdict::Good, found, None)
}

/// Whether files can be made in `path`, or in the nearest folder above it that exists.
fn folder(name: &str, key: &str, path: &Path) -> CheckView {
    let existing = path.ancestors().find(|ancestor| ancestor.exists()).unwrap_or(path);
    let shown = path.display();
    if !existing.is_dir() {
        let found = format!("{shown}: {} is not a folder", existing.display());
        return check(name, Verdict::Missing, found, Some(&format!("name another one in {key}")));
    }
    match tempfile::tempfile_in(existing) {
        Ok(_) if existing == path => check(name, Verdict::Good, format!("{shown} can be written to"), None),
        Ok(_) => check(name, Verdict::Good, format!("{shown} will be made"), None),
        Err(error) => {
            let advice = format!("make {} writable, or name another folder in {key}", existing.display());
            check(name, Verdict::Missing, format!("{shown} cannot be written to: {error}"), Some(&advice))
        }
    }
}

fn tokens(path: &Path) -> Option<CheckView> {
    use std::os::unix::fs::MetadataExt;
    if path.as_os_str().is_empty() {
        return None;
    }
    let shown = path.display();
    Some(match std::fs::metadata(path) {
        Ok(file) if !file.is_file() => check(
            "Token file",
            Verdict::Missing,
            format!("{shown} is not a file"),
            Some("name a file in fetch.token_file"),
        ),
        Ok(file) if file.mode() & 0o077 != 0 => {
            let advice = format!("chmod 600 {shown}");
            check("Token file", Verdict::Missing, format!("others may read {shown}"), Some(&advice))
        }
        Ok(_) => check("Token file", Verdict::Good, format!("{shown} is for its owner only"), None),
        Err(error) => {
            let advice = "write one `host token` per line, chmod 600, and name the file in fetch.token_file";
            check("Token file", Verdict::Missing, format!("{shown} cannot be read: {error}"), Some(advice))
        }
    })
}

fn certificates(path: &Path) -> Option<CheckView> {
    if path.as_os_str().is_empty() {
        return None;
    }
    let shown = path.display();
    Some(match std::fs::read_to_string(path) {
        Ok(text) if text.contains("-----BEGIN CERTIFICATE-----") => {
            check("Certificates", Verdict::Good, format!("{shown} holds certificates"), None)
        }
        Ok(_) => {
            let advice = "name a PEM file with certificate authorities in fetch.ca_file";
            check("Certificates", Verdict::Missing, format!("{shown} holds no certificate"), Some(advice))
        }
        Err(error) => {
            let advice = "name a readable PEM file in fetch.ca_file, or leave it empty";
            check("Certificates", Verdict::Missing, format!("{shown} cannot be read: {error}"), Some(advice))
        }
    })
}

fn local_root(root: &Path) -> CheckView {
    let shown = root.display();
    match std::fs::read_dir(root) {
        Ok(_) => check("Local root", Verdict::Good, format!("{shown} can be read"), None),
        Err(error) => {
            let advice = "take it out of fetch.local_roots, or make it readable";
            check("Local root", Verdict::Warning, format!("{shown} cannot be read: {error}"), Some(advice))
        }
    }
}

/// The founding application took its token from a variable; who comes from there should know.
fn unused_token(loaded: &Loaded) -> Option<CheckView> {
    loaded.environment.get("GITHUB_TOKEN")?;
    let advice =
        "for private repositories put `github.com TOKEN` into a file with mode 600 and name it in fetch.token_file";
    let found = "GITHUB_TOKEN is set, but not used: variables leak into child processes and logs";
    Some(check("GITHUB_TOKEN", Verdict::Warning, found, Some(advice)))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::config::{Config, Environment, Flag, Layers};

    fn verdicts(variables: &[(&str, &str)], flags: &[(&'static str, &Path)]) -> Vec<(String, Verdict)> {
        let flags = flags.iter().map(|(key, path)| Flag { name: "--test", key, value: path.display().to_string() });
        let environment = Environment::of(variables);
        let loaded = Config::load(&Layers { environment, flags: flags.collect(), ..Layers::default() }).unwrap();
        of_settings(&loaded).into_iter().skip(1).map(|check| (check.name, check.verdict)).collect()
    }

    #[test]
    fn a_folder_that_is_missing_will_be_made_and_a_file_is_none() {
        let root = tempfile::tempdir().unwrap();
        let (file, deep) = (root.path().join("file"), root.path().join("a/b/c"));
        fs::write(&file, "").unwrap();
        assert_eq!(verdicts(&[], &[("data.folder", &deep)]), [("Data folder".into(), Verdict::Good)]);
        assert!(!deep.exists());
        assert_eq!(verdicts(&[], &[("data.folder", &file.join("x"))]), [("Data folder".into(), Verdict::Missing)]);
    }

    #[test]
    fn a_token_file_is_for_its_owner_only() {
        let root = tempfile::tempdir().unwrap();
        let tokens = root.path().join("tokens");
        let of_tokens = || {
            let flags: [(&'static str, &Path); 2] = [("data.folder", root.path()), ("fetch.token_file", &tokens)];
            verdicts(&[], &flags)[1].clone()
        };
        assert_eq!(of_tokens().1, Verdict::Missing);
        fs::write(&tokens, "github.com x").unwrap();
        fs::set_permissions(&tokens, fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(of_tokens().1, Verdict::Missing);
        fs::set_permissions(&tokens, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(of_tokens(), ("Token file".into(), Verdict::Good));
    }

    #[test]
    fn a_github_token_is_said_to_be_unused() {
        let root = tempfile::tempdir().unwrap();
        let checks = verdicts(&[("GITHUB_TOKEN", "ghp_x")], &[("data.folder", root.path())]);
        assert_eq!(checks[1], ("GITHUB_TOKEN".into(), Verdict::Warning));
    }
}
