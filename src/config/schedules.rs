//! Schedules: the one section whose keys people name themselves. `false` takes a schedule out that a weaker layer has.

use serde_json::Value;

use super::origin::Given;
use crate::model::failure::Result;
use crate::model::schedule::{Spec, check_name};

/// The name of the schedule that a key declares.
pub(super) fn name(key: &str) -> Option<&str> {
    key.strip_prefix("schedules.")
}

/// Whether it says that there is no such schedule.
pub(super) fn is_out(value: &Value) -> bool {
    *value == Value::Bool(false)
}

/// Refuses a declaration that is not allowed, naming its place. Whether its job can be made is seen when it is applied.
pub(super) fn check(name: &str, given: &Given) -> Result<()> {
    check_name(name)
        .and_then(|()| if is_out(&given.value) { Ok(()) } else { Spec::from_value(&given.value)?.check().map(drop) })
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
        assert_eq!(schedules.keys().collect::<Vec<_>>(), ["backup", "nightly", "often"]);
        assert_eq!(schedules["often"].payload["github_url"], "https://github.com/owner/name");
        let shown = loaded.settings();
        let nightly = shown.iter().find(|setting| setting.key == "schedules.nightly").unwrap();
        assert_eq!(nightly.value["zone"], json!("Europe/Berlin"));
        assert!(matches!(nightly.origin, Origin::File { line: 1, .. }), "{}", nightly.origin);
        let often = shown.iter().find(|setting| setting.key == "schedules.often").unwrap();
        assert!(matches!(often.origin, Origin::File { line: 5, .. }), "{}", often.origin);
    }

    #[test]
    fn the_one_that_is_there_by_default_can_be_replaced_and_taken_out() {
        let of = |loaded: &super::super::Loaded| loaded.config.schedules.get("backup").map(|spec| spec.cron.clone());
        assert_eq!(of(&load("").unwrap()).as_deref(), Some("0 3 * * *"));
        assert_eq!(
            of(&load("[schedules.backup]\ncron = \"@hourly\"\nkind = \"backup\"\n").unwrap()).unwrap(),
            "@hourly"
        );
        assert_eq!(of(&load("[schedules]\nbackup = false\n").unwrap()), None);
        let environment = Environment::of(&[("HOME", "/home/cat"), ("REPO_TO_CAT_SCHEDULES__BACKUP", "false")]);
        let loaded = Config::load(&Layers { environment, ..Layers::default() }).unwrap();
        assert_eq!(of(&loaded), None);
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
