//! The private cluster: it is there when needed, shared, and gone with its last user, whatever is killed.

mod obstacles;

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use repo_to_cat::postgres::{Cluster, Settings, Status};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::support::postgres::{
    PrivateCluster, copied_database, fresh_database, kill, processes_in, program, shared, temporary_folder, wait_until,
};

/// A cluster that stays, but takes no time for fsync.
fn settings(folder: &Path) -> Settings {
    Settings { ephemeral: false, ..Settings::ephemeral(folder, "", program()) }
}

fn open(folder: &Path) -> Cluster {
    Cluster::open(settings(folder)).unwrap()
}

/// Whether a process runs: a dead one that nobody has asked about yet (`Z`) does not.
fn is_alive(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

/// Returns when neither the server nor its supervisor is there any more.
fn wait_for_the_end(status: &Status) {
    wait_until("the server to stop", || processes_in(&status.data).is_empty());
    wait_until("the supervisor to stop", || !is_alive(status.supervisor));
    assert!(!status.data.join("postmaster.pid").exists(), "the server was stopped in good order");
}

/// The database `mine` was created before, and is still there.
fn assert_mine_is_kept(cluster: &Cluster) {
    let failure = cluster.create_database("mine", None).unwrap_err();
    assert!(failure.what().contains("already exists"), "{failure}");
}

/// Another process that uses a cluster: this test binary, running [`user_process`] alone.
struct User {
    process: Child,
    url: String,
}

const FOLDER: &str = "CLUSTER_TEST_FOLDER";

impl User {
    fn spawn(folder: &Path) -> Child {
        Command::new(std::env::current_exe().unwrap())
            .args(["cluster::user_process", "--exact", "--nocapture"])
            .env(FOLDER, folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap()
    }

    fn start(folder: &Path) -> Self {
        Self::greet(Self::spawn(folder))
    }

    /// Waits until the process says that it uses the cluster.
    fn greet(mut process: Child) -> Self {
        let lines = BufReader::new(process.stdout.as_mut().unwrap()).lines();
        let url = lines.map_while(Result::ok).find_map(|line| Some(line.split_once("using ")?.1.to_owned()));
        Self { url: url.expect("the user process opens the cluster"), process }
    }

    /// As Ctrl-C does: to the whole process group.
    fn interrupt(mut self, signal: Signal) {
        kill_process_group(Pid::from_child(&self.process), signal).unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for User {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Uses the cluster in `$CLUSTER_TEST_FOLDER` until it is killed; in an ordinary run there is none.
#[test]
fn user_process() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        let cluster = open(Path::new(&folder));
        println!("\nusing {}", cluster.url());
        // Ends with the process that holds the other end, too.
        let _ = std::io::stdin().lines().count();
    }
}

#[test]
fn the_first_user_starts_the_server_and_the_last_one_stops_it() {
    let folder = temporary_folder();
    let first = open(folder.path());
    let second = open(folder.path());
    let status = first.status();
    assert!(status.ready);
    assert_eq!(status, second.status(), "both use one server");
    drop(first);
    second.create_database("mine", None).unwrap();
    drop(second);
    wait_for_the_end(&status);

    let again = open(folder.path());
    assert_ne!(again.status().supervisor, status.supervisor);
    assert_mine_is_kept(&again);
}

#[test]
fn a_server_outlives_the_process_that_started_it_and_not_the_last_user() {
    let folder = temporary_folder();
    let starter = User::start(folder.path());
    let second = User::start(folder.path());
    assert_eq!(starter.url, second.url);
    let observer = open(folder.path());
    let status = observer.status();
    drop(observer);
    for (user, signal) in [(starter, Signal::INT), (second, Signal::KILL)] {
        assert!(is_alive(status.postmaster.unwrap()), "a user is left");
        user.interrupt(signal);
    }
    wait_for_the_end(&status);
}

#[test]
fn users_that_come_and_go_at_once_always_find_a_server() {
    let folder = temporary_folder();
    let processes: Vec<Child> = (0..3).map(|_| User::spawn(folder.path())).collect();
    let users: Vec<User> = processes.into_iter().map(User::greet).collect();
    assert_eq!(users.iter().map(|user| &user.url).collect::<BTreeSet<_>>().len(), 1);
    let supervisors: BTreeSet<u32> = users.iter().map(|_| open(folder.path()).status().supervisor).collect();
    assert_eq!(supervisors.len(), 1, "first opens at the same time start one server");
    drop(users);
    let threads: Vec<_> = (0..4)
        .map(|number| {
            let folder = folder.path().to_owned();
            thread::spawn(move || {
                for round in 0..3 {
                    let cluster = open(&folder);
                    cluster.create_database(&format!("of_{number}_{round}"), None).unwrap();
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    let last = open(folder.path());
    let status = last.status();
    drop(last);
    wait_for_the_end(&status);
}

#[test]
fn a_killed_supervisor_takes_the_server_along_and_a_user_can_call_it_back() {
    let mut private = PrivateCluster::start();
    private.cluster.create_database("mine", None).unwrap();
    let before = private.cluster.status();
    private.begin_outage();
    assert!(!private.cluster.status().ready);
    private.end_outage();
    let after = private.cluster.status();
    assert!(after.ready);
    assert_ne!(after.supervisor, before.supervisor);
    private.cluster.drop_database("mine").unwrap();
}

#[test]
fn a_killed_server_is_started_again_under_its_users() {
    let private = PrivateCluster::start();
    private.cluster.create_database("mine", None).unwrap();
    let url = private.cluster.url();
    for signal in [Signal::KILL, Signal::INT, Signal::QUIT] {
        private.restart(signal);
        assert_mine_is_kept(&private.cluster);
    }
    assert_eq!(private.cluster.url(), url);
}

#[test]
fn whatever_was_killed_and_when_the_next_user_finds_the_data() {
    let folder = temporary_folder();
    open(folder.path()).create_database("mine", None).unwrap();
    for round in 0..15_u32 {
        let users = [User::start(folder.path()), User::start(folder.path())];
        let status = open(folder.path()).status();
        // Every set of victims, the supervisor first: it would start the server again.
        let victims = [(1, Some(status.supervisor)), (2, status.postmaster), (4, Some(users[0].process.id()))];
        for (_, victim) in victims.iter().filter(|(bit, _)| (round % 8) & bit != 0) {
            kill(victim.expect("a server runs"), Signal::KILL);
        }
        // In the second half the next user comes while the last ones still hold a dead or dying server.
        if round < 8 {
            drop(users);
            wait_until("the victims to die", || !is_alive(status.supervisor) && processes_in(&status.data).is_empty());
            assert_mine_is_kept(&open(folder.path()));
        } else {
            let mut next = open(folder.path());
            wait_until("the server to be there", || {
                next.ensure().unwrap();
                let outcome = next.create_database("mine", None).unwrap_err();
                outcome.what().contains("already exists")
            });
        }
    }
}

#[test]
fn a_server_that_lingers_serves_the_next_user() {
    let folder = temporary_folder();
    let lingering = Settings { linger: Duration::from_hours(1), ..settings(folder.path()) };
    let first = Cluster::open(lingering).unwrap().status();
    let second = open(folder.path()).status();
    assert_eq!((first.supervisor, first.postmaster), (second.supervisor, second.postmaster));
    kill(first.supervisor, Signal::KILL);
    wait_until("the server to stop", || processes_in(&first.data).is_empty());
}

#[test]
fn orphans_that_hang_are_waited_for_or_removed() {
    let folder = temporary_folder();
    // A server process that does not notice the end of its server keeps the shared memory in use.
    let user = User::start(folder.path());
    let status = open(folder.path()).status();
    let postmaster = status.postmaster.unwrap();
    let orphan = processes_in(&status.data).into_iter().find(|pid| *pid != postmaster).unwrap();
    kill(orphan, Signal::STOP);
    kill(status.supervisor, Signal::KILL);
    kill(postmaster, Signal::KILL);
    drop(user);
    wait_until("the supervisor to die", || !is_alive(status.supervisor));
    let next = open(folder.path());
    // A process that ends loses its program before it leaves the list of processes.
    wait_until("the orphan to end", || !is_alive(orphan));

    // A whole server that outlives its supervisor may still be writing: it is given time to stop in good order.
    let status = next.status();
    let postmaster = status.postmaster.unwrap();
    kill(postmaster, Signal::STOP);
    kill(status.supervisor, Signal::KILL);
    wait_until("the supervisor to die", || !is_alive(status.supervisor));
    let newcomer = {
        let folder = folder.path().to_owned();
        thread::spawn(move || Cluster::open(settings(&folder)))
    };
    let log = || fs::read_to_string(&status.log).unwrap_or_default();
    wait_until("the new supervisor to find the old server", || log().contains("an earlier server still runs"));
    assert!(is_alive(postmaster));
    kill(postmaster, Signal::CONT);
    assert!(newcomer.join().unwrap().unwrap().status().ready);
}

#[test]
fn a_pid_file_of_another_process_and_half_made_clusters_are_survived() {
    let folder = temporary_folder();
    let first = open(folder.path());
    let status = first.status();
    drop(first);
    wait_for_the_end(&status);

    // A process of the server's own user got the old number: the server alone would refuse to start.
    let owner = fs::metadata(&status.data).unwrap();
    let mut stranger = Command::new("sleep");
    if rustix::process::geteuid().is_root() {
        stranger.uid(owner.uid()).gid(owner.gid());
    }
    let mut stranger = stranger.arg("600").spawn().unwrap();
    let pid_file = format!("{}\n{}\n1\n5432\n/tmp\n\n  1 1\nready   \n", stranger.id(), status.data.display());
    fs::write(status.data.join("postmaster.pid"), &pid_file).unwrap();
    fs::write(status.socket.join(".s.PGSQL.5432.lock"), &pid_file).unwrap();
    let half_made = folder.path().join("postgres/data.new.1");
    fs::create_dir(&half_made).unwrap();
    fs::write(half_made.join("PG_VERSION"), "15\n").unwrap();

    let outcome = Cluster::open(settings(folder.path()));
    let unharmed = stranger.try_wait().unwrap().is_none();
    stranger.kill().unwrap();
    stranger.wait().unwrap();
    assert!(outcome.unwrap().status().ready);
    assert!(unharmed, "the other process was killed");
    assert!(!half_made.exists());
}

#[test]
fn a_kill_while_the_cluster_is_being_made_leaves_no_half_cluster() {
    let folder = temporary_folder();
    let root = folder.path().join("postgres");
    let half_made = || {
        let names = fs::read_dir(&root).into_iter().flatten().flatten().map(|entry| entry.file_name());
        names.filter(|name| name.to_string_lossy().starts_with("data.new.")).count()
    };
    let mut user = User::spawn(folder.path());
    wait_until("initdb to begin", || half_made() == 1);
    let supervisor: PathBuf = fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .map(|entry| entry.path())
        .find(|process| {
            let words = fs::read(process.join("cmdline")).unwrap_or_default();
            let words = String::from_utf8_lossy(&words).into_owned();
            words.contains("__postgres") && words.contains(&*root.to_string_lossy())
        })
        .unwrap();
    kill(supervisor.file_name().unwrap().to_str().unwrap().parse().unwrap(), Signal::KILL);
    assert!(!user.wait().unwrap().success(), "the user is told");
    assert!(!root.join("data").exists());
    assert!(open(folder.path()).status().ready);
    assert_eq!(half_made(), 0);
}

#[test]
fn nobody_else_can_reach_the_server() {
    let cluster = shared();
    let status = cluster.status();
    for folder in [&status.data, &status.socket] {
        assert_eq!(fs::metadata(folder).unwrap().permissions().mode() & 0o077, 0, "{}", folder.display());
    }
    let postmaster = Path::new("/proc").join(status.postmaster.unwrap().to_string());
    assert_ne!(fs::metadata(&postmaster).unwrap().uid(), 0, "never as root");
    let sockets: BTreeSet<String> = fs::read_dir(postmaster.join("fd"))
        .unwrap()
        .flatten()
        .filter_map(|entry| Some(fs::read_link(entry.path()).ok()?.to_string_lossy().into_owned()))
        .filter_map(|target| Some(target.strip_prefix("socket:[")?.trim_end_matches(']').to_owned()))
        .collect();
    assert!(!sockets.is_empty());
    for table in ["tcp", "tcp6"] {
        const LISTENING: &str = "0A";
        for line in fs::read_to_string(format!("/proc/net/{table}")).unwrap().lines().skip(1) {
            let fields: Vec<&str> = line.split_whitespace().collect();
            assert!(fields[3] != LISTENING || !sockets.contains(fields[9]), "listens on {}", fields[1]);
        }
    }
    let environment = fs::read(postmaster.join("environ")).unwrap();
    assert!(!String::from_utf8_lossy(&environment).contains("CARGO"), "our environment may hold secrets");
}

#[test]
fn an_ephemeral_cluster_removes_itself_and_only_itself() {
    let parent = temporary_folder();
    let folder = parent.path().join("trial");
    let trial = Cluster::open(Settings::ephemeral(&folder, "", program())).unwrap();
    assert!(folder.exists());
    drop(trial);
    wait_until("the folder to go", || !folder.exists());

    let folder = parent.path().join("kept");
    let kept = open(&folder);
    let status = kept.status();
    drop(kept);
    wait_for_the_end(&status);
    drop(Cluster::open(Settings::ephemeral(&folder, "", program())).unwrap());
    wait_until("the server to stop", || processes_in(&status.data).is_empty());
    assert!(open(&folder).status().data.join("PG_VERSION").exists(), "made by another order: not removed");
}

#[tokio::test]
async fn tests_get_databases_of_their_own() {
    use sqlx::{Connection, Executor, PgConnection};

    let first = fresh_database("mine");
    let second = fresh_database("mine");
    assert_ne!(first, second);
    let mut connection = PgConnection::connect(&first).await.unwrap();
    connection.execute("CREATE TABLE cats (name text)").await.unwrap();
    let encoding: String =
        sqlx::query_scalar("SELECT current_setting('server_encoding')").fetch_one(&mut connection).await.unwrap();
    assert_eq!(encoding, "UTF8");
    let upper: String = sqlx::query_scalar("SELECT upper('kätzchen')").fetch_one(&mut connection).await.unwrap();
    assert_eq!(upper, "KÄTZCHEN");
    let name: String = sqlx::query_scalar("SELECT current_database()").fetch_one(&mut connection).await.unwrap();
    connection.close().await.unwrap();

    let copy = copied_database("copy", &name);
    let mut connection = PgConnection::connect(&copy).await.unwrap();
    connection.execute("SELECT name FROM cats").await.unwrap();
    let mut connection = PgConnection::connect(&second).await.unwrap();
    assert!(connection.execute("SELECT name FROM cats").await.is_err(), "it is empty");
}
