//! Schedules: the one section whose keys people name themselves.

use super::origin::Given;
use crate::model::failure::Result;
use crate::model::schedule::{Spec, check_name};

/// The name of the schedule that a key declares.
pub(super) fn name(key: &str) -> Option<&str> {
    key.strip_prefix("schedules.")
}

/// Refuses a declaration that is not allowed, naming its place. Whether its job can be made is seen when it is applied.
pub(super) fn check(name: &str, given: &Given) -> Result<()> {
    check_name(name)
        .and_then(|()| Spec::from_value(&given.value)?.check())
        .map(drop)
        .map_err(|failure| failure.context(format!("`{}` ({})", given.key, given.origin)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{Config, Environment, Layers, Origin};

    fn load(text: &str) -> Result<super::super::Loaded, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let environment = Environment::of(&[("HOME", "/home/cat")]);
        let layers = Layers { file: Some(file.path().to_owned()), environment, flags: Vec::new() };
        Config::load(&layers).map_err(|failure| {
            let hint = failure.hint_text().unwrap_or_default();
            format!("{failure}\n   {hint}").replace(&*file.path().to_string_lossy(), "my.toml")
        })
    }

    #[test]
    fn each_table_is_a_schedule() {
        let loaded = load(
            "[schedules.nightly]\ncron = \"30 2 * * *\"\nzone = \"Europe/Berlin\"\n\n[schedules.often]\n\
             cron = \"@every 90s\"\n[schedules.often.payload]\ngithub_url = \"https://github.com/owner/name\"\n",
        )
        .unwrap();
        let schedules = &loaded.config.schedules;
        assert_eq!(schedules.keys().collect::<Vec<_>>(), ["nightly", "often"]);
        assert_eq!(schedules["often"].payload["github_url"], "https://github.com/owner/name");
        let shown = loaded.settings();
        let nightly = shown.iter().find(|setting| setting.key == "schedules.nightly").unwrap();
        assert_eq!(nightly.value["zone"], json!("Europe/Berlin"));
        assert!(matches!(nightly.origin, Origin::File { line: 1, .. }), "{}", nightly.origin);
        let often = shown.iter().find(|setting| setting.key == "schedules.often").unwrap();
        assert!(matches!(often.origin, Origin::File { line: 5, .. }), "{}", often.origin);
    }

    #[test]
    fn what_a_table_may_not_say_is_told_with_its_place() {
        let refused: Vec<_> = [
            "[schedules]\nnightly = 4",
            "[schedules.Nightly]\ncron = \"@daily\"",
            "\n[schedules.nightly]\nzone = \"UTC\"",
            "[schedules.nightly]\ncron = \"@daily\"\ncrn = 1",
            "[schedules.nightly]\ncron = \"0 2 * * * *\"",
            "[schedules.nightly]\ncron = \"0 2 31 4 *\"",
            "[schedules.nightly]\ncron = \"@daily\"\nzone = \"Europe/Berlinn\"",
            "[schedules.nightly]\ncron = \"@daily\"\noverlap = \"wait\"",
        ]
        .iter()
        .map(|text| format!("{text}\n-> {}\n", load(text).expect_err(text)))
        .collect();
        insta::assert_snapshot!(refused.join("\n"));
    }
}
