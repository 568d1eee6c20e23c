//! The private cluster: it is there when needed, shared, and gone with its last user, whatever is killed.

use std::path::Path;

use repo_to_cat::postgres::{Cluster, Settings};

use crate::support::postgres::{processes_in, program, temporary_folder, wait_until};

fn settings(folder: &Path) -> Settings {
    Settings { ephemeral: false, ..Settings::ephemeral(folder, "", program()) }
}

#[test]
fn the_first_user_starts_the_server_and_the_last_one_stops_it() {
    let folder = temporary_folder();
    let first = Cluster::open(settings(folder.path())).unwrap();
    let second = Cluster::open(settings(folder.path())).unwrap();
    let status = first.status();
    assert!(status.ready);
    assert_eq!(status, second.status(), "both use one server");
    drop(first);
    second.create_database("still_there", None).unwrap();
    drop(second);
    wait_until("the server to stop", || processes_in(&status.data).is_empty());
    wait_until("the supervisor to stop", || !Path::new(&format!("/proc/{}", status.supervisor)).exists());

    let again = Cluster::open(settings(folder.path())).unwrap();
    assert_ne!(again.status().supervisor, status.supervisor);
    again.drop_database("still_there").unwrap();
}
