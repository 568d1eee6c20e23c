//! The objects of a database, known by what they are and how they are called.

use std::collections::BTreeMap;
use std::io::Read;

use super::{Stop, tools};
use crate::backup::archive::toc::{Entry, Toc};
use crate::backup::archive::{Part, reader};
use crate::backup::drill::scratch::Scratch;
use crate::model::backup::Format;
use crate::model::backup::verdict::Difference;
use crate::model::failure::{Failure, Kind, Result};

/// Objects as `INDEX public generations_pkey`, and how many of them are called so.
pub(super) type Objects = BTreeMap<String, u32>;

/// The sections of what is no data.
const SECTIONS: [i32; 2] = [2, 4];
/// What is no object of the database, or is compared by its content.
const NO_OBJECTS: [&str; 5] = ["ENCODING", "STDSTRINGS", "SEARCHPATH", "DATABASE", "DATABASE PROPERTIES"];

/// The objects of an archive.
pub(super) fn identities(toc: &Toc) -> Objects {
    let mut objects = Objects::new();
    for entry in toc.entries.iter().filter(|entry| is_object(entry)) {
        let words = [entry.description.as_str(), &entry.schema, &entry.tag];
        let words: Vec<_> = words.into_iter().filter(|word| !word.is_empty()).collect();
        *objects.entry(words.join(" ")).or_default() += 1;
    }
    objects
}

fn is_object(entry: &Entry) -> bool {
    let Entry { section, description, tag, .. } = entry;
    let is_content = description.ends_with("DATA") || description.starts_with("BLOB");
    // Comments and grants on the database itself, which was made by the drill, and on large objects.
    let is_elsewhere = ["DATABASE ", "LARGE OBJECT "].iter().any(|start| tag.starts_with(start))
        && matches!(description.as_str(), "COMMENT" | "ACL" | "SECURITY LABEL");
    SECTIONS.contains(section) && !NO_OBJECTS.contains(&description.as_str()) && !is_content && !is_elsewhere
}

/// The objects of the restored database. `encoding` is that of the names they are compared with.
pub(super) async fn of_scratch(scratch: &Scratch, encoding: &str, application: &str) -> Result<Objects, Stop> {
    let encoding = format!("--encoding={encoding}");
    let arguments = ["--format=custom", "--compress=0", "--schema-only", &encoding];
    let (read, ended) = tools::run(scratch, "pg_dump", &arguments, application, contents).await?;
    ended?;
    Ok(read?)
}

/// Reads the table of contents of an archive.
fn contents(mut archive: impl Read) -> Result<Objects> {
    let mut reader = reader(Format::Custom);
    let mut objects = None;
    let mut piece = vec![0; 64 * 1024];
    loop {
        let length = archive
            .read(&mut piece)
            .map_err(|error| Failure::new(Kind::Internal, "what pg_dump writes cannot be read").source(error))?;
        if length == 0 {
            break;
        }
        reader.feed(&piece[..length], &mut |part| {
            if let Part::Contents { toc, .. } = part {
                objects = Some(identities(toc));
            }
            Ok(())
        })?;
    }
    objects.ok_or_else(|| Failure::new(Kind::Unavailable, "pg_dump ended before it told what is in the database"))
}

/// What is in the first and not in the second.
pub(super) fn missing(expected: &Objects, restored: &Objects) -> Vec<Difference> {
    let is_missing = |(object, count): &(&String, &u32)| restored.get(*object).is_none_or(|found| found < *count);
    let missing = expected.iter().filter(is_missing);
    missing.map(|(object, _)| Difference::Missing { object: object.clone() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(section: i32, description: &str, schema: &str, tag: &str) -> Entry {
        let [description, schema, tag] = [description, schema, tag].map(str::to_owned);
        Entry { tag, description, section, schema, ..Entry::default() }
    }

    #[test]
    fn an_object_that_is_there_once_instead_of_twice_is_missing() {
        let function = entry(2, "FUNCTION", "public", "purr(integer)");
        let one = Toc { entries: vec![function.clone()], ..Toc::default() };
        let two = Toc { entries: vec![function.clone(), function], ..Toc::default() };
        assert_eq!(missing(&identities(&one), &identities(&two)), []);
        let object = "FUNCTION public purr(integer)".to_owned();
        assert_eq!(missing(&identities(&two), &identities(&one)), [Difference::Missing { object }]);
    }

    #[test]
    fn rows_and_the_database_itself_are_no_objects() {
        let entries = vec![
            entry(2, "ENCODING", "", "ENCODING"),
            entry(2, "DATABASE", "", "cats"),
            entry(2, "COMMENT", "", "DATABASE cats"),
            entry(2, "BLOB", "", "16400"),
            entry(3, "TABLE DATA", "public", "cats"),
            entry(4, "MATERIALIZED VIEW DATA", "public", "fat_cats"),
            entry(4, "INDEX", "public", "by_name"),
        ];
        let objects = identities(&Toc { entries, ..Toc::default() });
        assert_eq!(objects.into_keys().collect::<Vec<_>>(), ["INDEX public by_name"]);
    }
}
