//! `paint`: a picture, without a database.

use std::io::Write as _;
use std::path::Path;

use serde::Serialize;
use serde_json::json;

use super::view::amount::bytes;
use super::{Output, studio};
use crate::cli::Paint;
use crate::config::Loaded;
use crate::generation::painter;
use crate::model::attributes::CatAttributes;
use crate::model::failure::{Failure, Kind, Result};
use crate::model::picture::Canvas;
use crate::model::seed::Seed;
use crate::model::wish;

#[derive(Serialize)]
struct Painted<'a> {
    file: &'a Path,
    bytes: usize,
    width: u32,
    height: u32,
    /// Null for a contact sheet.
    attributes: Option<CatAttributes>,
}

/// Paints what was asked for into a file.
pub fn run(wish: &Paint, loaded: &Loaded, output: &Output) -> Result<()> {
    let (file, png, attributes) = match (&wish.contact_sheet, &wish.output) {
        (Some(sheet), _) => (sheet, painter::contact_sheet()?, None),
        (None, Some(file)) => {
            let (cat, seed) = sitter(wish, loaded, output)?;
            let lines = [wish.top.as_deref(), wish.bottom.as_deref()];
            let png = studio::paint(&cat, &seed, Canvas::from(wish.size), lines)?;
            (file, png, Some(cat))
        }
        (None, None) => return Err(Failure::new(Kind::Invalid, "no file to paint into").hint("name one with -o FILE")),
    };
    write_whole(file, &png)?;
    let (width, height) = dimensions(&png).unwrap_or_default();
    let painted = Painted { file, bytes: png.len(), width, height, attributes };
    output.data(&painted, |_| format!("{}: {width} x {height} pixels, {}\n", file.display(), bytes(png.len() as u64)))
}

fn sitter(wish: &Paint, loaded: &Loaded, output: &Output) -> Result<(CatAttributes, Seed)> {
    if let Some(repository) = &wish.from {
        return Ok(studio::cat_of(&studio::examine(repository, wish.reference.as_deref(), loaded, output)?));
    }
    let text = wish.attributes.as_deref().unwrap_or("{}");
    let cat = wish::from_json(text)?;
    // The same words give the same cat, in whatever order and spacing they were typed.
    let words = serde_json::to_string(&json!(cat)).unwrap_or_default();
    Ok((cat, Seed::of("paint", &words)))
}

/// Writes beside the file and renames, so that nobody ever sees half a picture.
fn write_whole(file: &Path, content: &[u8]) -> Result<()> {
    let cannot = |error: std::io::Error| {
        Failure::new(Kind::Environment, format!("cannot write {}", file.display()))
            .source(error)
            .hint("name a file in a folder that exists and can be written to")
    };
    if file.is_dir() {
        return Err(Failure::new(Kind::Invalid, format!("{} is a folder", file.display())).hint("name a file in it"));
    }
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // A picture is for everybody that the umask lets, unlike other temporary files.
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    let mut beside =
        tempfile::Builder::new().prefix(".paint-").permissions(permissions).tempfile_in(folder).map_err(cannot)?;
    beside.write_all(content).map_err(cannot)?;
    beside.persist(file).map_err(|error| cannot(error.error))?;
    Ok(())
}

/// Width and height as the header of a PNG has them.
fn dimensions(png: &[u8]) -> Option<(u32, u32)> {
    let number = |at: usize| Some(u32::from_be_bytes(png.get(at..at + 4)?.try_into().ok()?));
    Some((number(16)?, number(20)?))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_picture_replaces_the_one_before_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("cat.png");
        write_whole(&file, b"one").unwrap();
        write_whole(&file, b"two").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"two");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_cannot_be_is_said_to_be_so() {
        let folder = tempfile::tempdir().unwrap();
        let failure = write_whole(&folder.path().join("no/such/folder/cat.png"), b"one").unwrap_err();
        assert_eq!(failure.kind(), Kind::Environment);
        assert_eq!(write_whole(folder.path(), b"one").unwrap_err().kind(), Kind::Invalid);
    }

    #[test]
    fn dimensions_are_those_of_the_header() {
        let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        png.extend(768_u32.to_be_bytes());
        png.extend(448_u32.to_be_bytes());
        assert_eq!(dimensions(&png), Some((768, 448)));
        assert_eq!(dimensions(b"short"), None);
    }
}
