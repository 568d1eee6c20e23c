//! What the readers make of real dumps.

use repo_to_cat::backup::archive::{Inventory, reader};
use repo_to_cat::model::backup::Format;
use repo_to_cat::model::failure::Result;

use super::odd::{self, Content};

const PIECE: usize = 4099;

fn inventory(format: Format, dump: &[u8]) -> Result<Content> {
    let mut inventory = Inventory::default();
    let mut reader = reader(format);
    let mut tell = |part: repo_to_cat::backup::archive::Part<'_>| {
        inventory.note(&part);
        Ok(())
    };
    for piece in dump.chunks(PIECE) {
        reader.feed(piece, &mut tell)?;
    }
    reader.finish(&mut tell)?;
    Ok(Content::sorted(inventory.finish()))
}

#[tokio::test]
async fn an_inventory_is_what_the_database_itself_says() {
    let url = odd::database("inventory");
    let expected = Content::of(&url).await;
    assert!(expected.tables.len() > 15 && expected.sequences.len() > 4);
    for (format, arguments) in [(Format::Custom, &["-Fc", "-Z0"][..]), (Format::Plain, &["-Fp"])] {
        let dump = odd::run("pg_dump", &[arguments, &[&url]].concat()).stdout;
        assert_eq!(inventory(format, &dump).unwrap(), expected, "{format:?}");
        let cut = &dump[..dump.len() - 100];
        assert!(inventory(format, cut).unwrap_err().what().contains("the dump ends"));
    }
}

#[tokio::test]
async fn an_archive_in_a_file_is_read_as_one_in_a_pipe_is() {
    let url = odd::database("in_a_file");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("odd.dump");
    odd::run("pg_dump", &["-Fc", "-Z0", "-f", path.to_str().unwrap(), &url]);
    assert_eq!(inventory(Format::Custom, &std::fs::read(path).unwrap()).unwrap(), Content::of(&url).await);
}
