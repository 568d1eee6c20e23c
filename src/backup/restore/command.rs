//! The command lines that restore a backup, for people to copy.

use serde::Serialize;
use utoipa::ToSchema;

use crate::model::backup::BackupName;

/// How to restore a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct RestoreCommand {
    /// Into a new database beside the one that it is of, which stays as it is.
    #[schema(example = "repo-to-cat backup restore repo_to_cat_20261122_030000Z")]
    pub beside: String,
    /// In place of the database that it is of, which is kept under another name.
    pub in_place: String,
}

/// How to restore this backup.
#[must_use]
pub fn of(name: &BackupName) -> RestoreCommand {
    // Names of backups hold nothing that means anything to a shell.
    let beside = format!("repo-to-cat backup restore {name}");
    let in_place = format!("{beside} --into {} --drop-existing", quoted(name.database()));
    RestoreCommand { beside, in_place }
}

/// A word for a shell.
fn quoted(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    if !word.is_empty() && !word.starts_with('-') && word.bytes().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_what_is_meant() {
        let of = |database: &str| super::of(&BackupName::new(database, "2026-11-22T03:00:00Z".parse().unwrap()));
        let plain = of("cats");
        assert_eq!(plain.beside, "repo-to-cat backup restore cats_20261122_030000Z");
        assert_eq!(plain.in_place, "repo-to-cat backup restore cats_20261122_030000Z --into cats --drop-existing");
        let odd = of("it's $HOME");
        assert!(odd.in_place.ends_with(r"--into 'it'\''s $HOME' --drop-existing"), "{}", odd.in_place);
        assert!(!odd.beside.contains(['\'', '$', ' ']) || odd.beside.matches(' ').count() == 3, "{}", odd.beside);
    }
}
