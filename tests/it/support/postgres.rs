//! Private `PostgreSQL` clusters for tests.
//!
//! [`fresh_database`] is what most tests want: an empty database in the one cluster that all tests of a run share.
//! A test that restarts or breaks its server takes a [`PrivateCluster`].

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use repo_to_cat::postgres::{Cluster, Settings};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// The program under test.
pub fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_repo-to-cat"))
}

/// A folder under the system's temporary folder which the server's user can enter.
pub fn temporary_folder() -> TempDir {
    let folder = tempfile::Builder::new().prefix("repo-to-cat-test-").tempdir().unwrap();
    std::fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    folder
}

/// The cluster that the tests of this run share. It stops and removes itself when this process ends, however it ends.
pub fn shared() -> &'static Cluster {
    static SHARED: OnceLock<Cluster> = OnceLock::new();
    SHARED.get_or_init(|| {
        // Not removed here: statics are never dropped. The supervisor removes an ephemeral cluster and its folder.
        let folder = temporary_folder().keep();
        let mut settings = Settings::ephemeral(folder, "", program());
        settings.extra_options.push(("max_connections".to_owned(), "300".to_owned()));
        Cluster::open(settings).unwrap()
    })
}

/// The URL of a new, empty database in the shared cluster; `name` is for people who look at it.
pub fn fresh_database(name: &str) -> String {
    create_database(shared(), name, None)
}

/// The URL of a new database that is a copy of `template`, to which nobody may be connected.
pub fn copied_database(name: &str, template: &str) -> String {
    create_database(shared(), name, Some(template))
}

fn create_database(cluster: &Cluster, name: &str, template: Option<&str>) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!("{name}_{}", COUNT.fetch_add(1, Ordering::Relaxed));
    cluster.create_database(&name, template).unwrap();
    cluster.url_of(&name)
}

/// A cluster for one test, which may break it. Its folder goes with it.
pub struct PrivateCluster {
    /// The cluster; its database is empty.
    pub cluster: Cluster,
    _removed_last: TempDir,
}

impl PrivateCluster {
    /// Makes and starts one.
    pub fn start() -> Self {
        let folder = temporary_folder();
        let cluster = Cluster::open(Settings::ephemeral(folder.path(), "", program())).unwrap();
        Self { cluster, _removed_last: folder }
    }

    /// Kills the server with `signal` (`KILL`: a crash, `INT`: a fast stop that cuts all connections) and returns
    /// when it has been started again and accepts connections.
    pub fn restart(&self, signal: Signal) {
        let before = self.cluster.status().postmaster.expect("a server runs");
        kill(before, signal);
        wait_until("the server to be started again", || {
            let now = self.cluster.status();
            now.ready && now.postmaster != Some(before)
        });
    }

    /// Stops the server and its supervisor; [`PrivateCluster::end_outage`] starts them again at the same place.
    pub fn begin_outage(&self) {
        kill(self.cluster.status().supervisor, Signal::KILL);
        let data = self.cluster.status().data;
        wait_until("the server to stop", || processes_in(&data).is_empty());
    }

    /// Starts the server again.
    pub fn end_outage(&mut self) {
        self.cluster.ensure().unwrap();
    }
}

/// Sends a signal.
pub fn kill(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

/// Processes whose current folder is `folder`: the server has its data folder as that.
pub fn processes_in(folder: &Path) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter(|process| std::fs::read_link(process.path().join("cwd")).is_ok_and(|cwd| cwd == folder))
        .filter_map(|process| process.file_name().to_str()?.parse().ok())
        .collect()
}

/// Waits for something that must happen; far longer than it takes, so that a busy machine fails no test.
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_mins(2);
    while !condition() {
        assert!(Instant::now() < end, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(20));
    }
}
