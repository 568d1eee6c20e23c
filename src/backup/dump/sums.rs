//! The side file for `sha256sum -c`.

use crate::model::backup::manifest::StoredFile;

/// A line for each file, as `sha256sum --binary` writes it. Their names hold nothing that it would escape.
pub(super) fn sums(files: &[StoredFile]) -> String {
    files.iter().map(|file| format!("{} *{}\n", file.sha256, file.name)).collect()
}
