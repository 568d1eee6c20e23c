//! The founding application's pictures: looked for in a folder, and taken into our store.

use std::fs::File;
use std::io::{BufReader, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use serde::Serialize;
use tokio::task::spawn_blocking;

use crate::commands::session::Session;
use crate::db::adopt::pictures;
use crate::db::identity::identity;
use crate::model::failure::{Failure, Kind, Result};
use crate::model::picture::Canvas;
use crate::providers::pictures::KEYS;

/// The application's are of one or two megabytes; a larger file is none of them.
const MOST_BYTES: u64 = 64 << 20;
/// How many are named of those that stay where they are.
const NAMED: usize = 5;

/// What became of the pictures that rows name, or would become.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Rows whose picture is in our store now, or would be.
    pub taken: u64,
    /// Rows whose picture is not in the folder.
    pub missing: u64,
    /// Rows whose picture cannot be taken: no PNG, too large, no ordinary file.
    pub unfit: u64,
    /// The first of those, each with its reason.
    pub first_missing: Vec<String>,
    /// The first of those, each with its reason.
    pub first_unfit: Vec<String>,
}

/// What lies in the folder under a name.
enum Lying {
    Picture(Vec<u8>, Canvas),
    Missing,
    Unfit(&'static str),
}

/// Fails unless it is a folder.
pub fn must_be_a_folder(folder: &Path) -> Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    Err(Failure::new(Kind::Invalid, format!("--pictures: there is no folder {}", folder.display()))
        .hint("it is the application's IMAGE_STORAGE_PATH, as a rule generated_images"))
}

/// Takes the pictures that rows name into the store, or with `dry_run` only looks for them. `say` is told how far it is.
pub async fn take(session: &Session, folder: &Path, dry_run: bool, say: impl Fn(u64, u64)) -> Result<Tally> {
    let db = &session.db;
    let store = if dry_run { None } else { Some(session.pictures()?) };
    if let Some(store) = &store {
        store.sign(&identity(db).await?).await?;
    }
    let total = pictures::count(db, KEYS).await?.unsigned_abs();
    let mut tally = Tally::default();
    let (mut done, mut after) = (0, None);
    loop {
        let page = pictures::page(db, KEYS, after).await?;
        let Some((last, _)) = page.last() else { return Ok(tally) };
        after = Some(*last);
        for (id, path) in page {
            say(done, total);
            done += 1;
            match find(folder.to_owned(), path.clone(), dry_run).await? {
                Lying::Picture(png, canvas) => {
                    let taken = match &store {
                        None => true,
                        Some(store) => pictures::take(db, id, &path, &store.put(png, canvas).await?).await?,
                    };
                    tally.taken += u64::from(taken);
                }
                Lying::Missing => {
                    tally.missing += 1;
                    name(&mut tally.first_missing, path);
                }
                Lying::Unfit(why) => {
                    tally.unfit += 1;
                    name(&mut tally.first_unfit, format!("{path}: {why}"));
                }
            }
        }
    }
}

fn name(named: &mut Vec<String>, what: String) {
    if named.len() < NAMED {
        named.push(what);
    }
}

async fn find(folder: PathBuf, path: String, header_only: bool) -> Result<Lying> {
    let found = spawn_blocking(move || lying(&folder, &path, header_only)).await;
    found.map_err(|error| Failure::new(Kind::Internal, "looking for a picture broke").source(error))?
}

/// What lies in `folder` under the last part of `path`. A row may say anything: nothing outside of the folder is opened,
/// no link is followed, and nothing is waited for.
fn lying(folder: &Path, path: &str, header_only: bool) -> Result<Lying> {
    let name = path.rsplit(['/', '\\']).next().unwrap_or_default();
    if matches!(name, "" | "." | "..") || name.contains('\0') {
        return Ok(Lying::Unfit("names no file"));
    }
    let file = folder.join(name);
    let cannot = |error: std::io::Error| {
        Failure::new(Kind::Environment, format!("{} cannot be read", file.display()))
            .hint("may this user read the pictures? What was taken stays taken: type the same again")
            .source(error)
    };
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let opened = match rustix::fs::open(&file, flags, Mode::empty()) {
        Ok(opened) => File::from(opened),
        Err(rustix::io::Errno::LOOP) => return Ok(Lying::Unfit("a symbolic link")),
        Err(rustix::io::Errno::NAMETOOLONG) => return Ok(Lying::Missing),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Lying::Missing),
        Err(error) => return Err(cannot(error.into())),
    };
    let data = opened.metadata().map_err(cannot)?;
    if !data.is_file() {
        return Ok(Lying::Unfit("no ordinary file"));
    }
    if data.len() > MOST_BYTES {
        return Ok(Lying::Unfit("larger than 64 MB"));
    }
    let mut reader = BufReader::new(opened);
    let canvas = match png::Decoder::new(&mut reader).read_info() {
        Ok(png) => Canvas { width: png.info().width, height: png.info().height },
        Err(png::DecodingError::IoError(error)) if error.kind() != ErrorKind::UnexpectedEof => {
            return Err(cannot(error));
        }
        Err(_) => return Ok(Lying::Unfit("no PNG")),
    };
    let mut png = Vec::new();
    if !header_only {
        reader.seek(SeekFrom::Start(0)).map_err(cannot)?;
        reader.take(MOST_BYTES).read_to_end(&mut png).map_err(cannot)?;
    }
    Ok(Lying::Picture(png, canvas))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// A whole PNG of one pixel.
    fn pixel() -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut writer = png::Encoder::new(&mut bytes, 1, 1).write_header().unwrap();
        writer.write_image_data(&[7]).unwrap();
        writer.finish().unwrap();
        bytes
    }

    #[test]
    fn a_row_reaches_nothing_but_pictures_in_the_folder() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("in");
        std::fs::create_dir_all(folder.join("sub.png")).unwrap();
        std::fs::write(folder.join("cat.png"), pixel()).unwrap();
        std::fs::write(outer.path().join("out.png"), pixel()).unwrap();
        std::fs::write(folder.join("photo.png"), b"\xff\xd8\xff\xe0").unwrap();
        std::fs::write(folder.join("half.png"), &pixel()[..20]).unwrap();
        symlink("../out.png", folder.join("link.png")).unwrap();
        let found = |path: &str| match lying(&folder, path, false).unwrap() {
            Lying::Picture(png, canvas) => {
                assert_eq!((png, canvas), (pixel(), Canvas { width: 1, height: 1 }));
                "taken"
            }
            Lying::Missing => "missing",
            Lying::Unfit(why) => why,
        };
        for path in
            ["/generated_images/cat.png", "cat.png", "/srv/app/cat.png", "c:\\pictures\\cat.png", "../../cat.png"]
        {
            assert_eq!(found(path), "taken", "{path}");
        }
        for path in ["../out.png", "/generated_images/cat.jpg", "cat.png?x=1"] {
            assert_eq!(found(path), "missing", "{path}");
        }
        assert_eq!(found(&"x".repeat(300)), "missing");
        for (path, why) in [
            ("", "names no file"),
            ("/generated_images/", "names no file"),
            ("..", "names no file"),
            ("a\0b", "names no file"),
            ("link.png", "a symbolic link"),
            ("sub.png", "no ordinary file"),
            ("photo.png", "no PNG"),
            ("half.png", "no PNG"),
        ] {
            assert_eq!(found(path), why, "{path:?}");
        }
    }
}
