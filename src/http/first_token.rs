//! The first admin's token: a listener that asks everybody who they are needs somebody who is known.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use tempfile::NamedTempFile;

use super::Site;
use crate::db::{admins, tokens};
use crate::model::failure::{Failure, Kind, Result};
use crate::model::token::{TokenState, prefix_of_whole};

/// Makes a user `admin` and a token of it where no admin has one that works, and puts it into a file that only its owner
/// may read. Beyond this machine it does so only where somebody said into which file, and else fails.
pub(super) async fn see_to(site: &Site, is_loopback: bool) -> Result<()> {
    if admins::is_there(&site.db).await? {
        return Ok(());
    }
    if !is_loopback && site.config.http.token_file.as_os_str().is_empty() {
        let listen = &site.config.http.listen;
        return Err(Failure::new(Kind::Refused, format!("{listen} would answer others, and no admin has a token")).hint(
            "make one with: repo-to-cat users add admin && repo-to-cat users token new admin --scope admin; or name a \
             file for it: REPO_TO_CAT_HTTP__TOKEN_FILE=FILE",
        ));
    }
    let file = site.token_file();
    make_room(site, &file).await?;
    if admins::make_first(&site.db, |token| put(&file, token.reveal())).await? {
        tracing::info!(token_file = %file.display(), user = admins::FIRST, "made the first token, which may do everything");
    }
    Ok(())
}

/// Fails where the file holds something that is still of use.
async fn make_room(site: &Site, file: &Path) -> Result<()> {
    let shown = file.display();
    let held = match fs::read_to_string(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => {
            return Err(Failure::new(Kind::Environment, format!("{shown} cannot be read"))
                .hint("name another file in http.token_file")
                .source(error));
        }
        Ok(held) => held,
    };
    let (held, hint) = (held.trim(), "move it away, or name another file in http.token_file");
    if !held.is_empty() && prefix_of_whole(held).is_none() {
        return Err(Failure::new(Kind::Conflict, format!("{shown} holds something else than a token")).hint(hint));
    }
    match tokens::look_up(&site.db, held).await {
        Ok(row) if row.state == TokenState::Works => {
            let what = format!("{shown} holds a token that works, but it is no admin's");
            Err(Failure::new(Kind::Conflict, what).hint(hint))
        }
        Ok(_) => Ok(()),
        Err(failure) if failure.kind() == Kind::Unauthorized => Ok(()),
        Err(failure) => Err(failure),
    }
}

/// Writes the file as a whole or not at all; only its owner may read it.
fn put(file: &Path, token: &str) -> Result<()> {
    let put = || {
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let mut draft = NamedTempFile::new_in(folder)?;
        writeln!(draft, "{token}")?;
        draft.as_file().sync_all()?;
        draft.persist(file)?;
        fs::File::open(folder)?.sync_all()
    };
    put().map_err(|error: std::io::Error| {
        Failure::new(Kind::Environment, format!("the first token cannot be written to {}", file.display()))
            .hint("name a file that this user may write in http.token_file")
            .source(error)
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_file_is_its_owners_and_whole() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("new/admin-token");
        for token in ["one", "other"] {
            put(&file, token).unwrap();
            assert_eq!(fs::read_to_string(&file).unwrap(), format!("{token}\n"));
            assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 1, "no draft is left");
        let below = file.join("below");
        assert_eq!(put(&below, "x").unwrap_err().kind(), Kind::Environment);
    }
}
