//! A picture goes with the last row that names it, in whichever column.

use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use super::bed::Bed;

#[tokio::test]
async fn a_picture_stays_while_any_row_names_it() {
    let bed = Bed::odd("shared_pictures").await;
    let key = "images/v1/00/00/none.png";
    let file = bed.shell.path("data").join(key);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, "meow").unwrap();
    let long_ago = SystemTime::now() - Duration::from_hours(48);
    File::options().write(true).open(&file).unwrap().set_modified(long_ago).unwrap();
    let id = |n: u32| format!("00000000-0000-0000-0000-{n:012}");
    bed.run(format!("UPDATE generations SET original_image_path = '{key}' WHERE id = '{}'", id(1))).await;

    // The fourth has it in both columns, the first in one of them, the third a path that no store can have.
    bed.shell.succeeds(&["generations", "delete", &id(4), &id(3)]);
    assert!(file.exists(), "the first row names it");
    bed.shell.succeeds(&["generations", "delete", &id(1)]);
    assert!(!file.exists());
    assert_eq!(bed.count("SELECT count(*) FROM generations").await, 2);
}
