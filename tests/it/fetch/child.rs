//! The fetching child itself: what it says to nonsense, and that it does not outlive its supervisor.

use std::io::{Read as _, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use repo_to_cat::model::repository::Source;

use super::server::Server;

fn spawn(request: &str) -> Child {
    let mut child = Command::new(env!("CARGO_BIN_EXE_repo-to-cat"))
        .arg("__fetch")
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program");
    child.stdin.take().expect("its input").write_all(request.as_bytes()).expect("a request");
    child
}

fn request(server: &Server, supervisor: u32) -> String {
    let Source::Remote(url) = server.source() else { panic!("a URL") };
    serde_json::json!({
        "url": url,
        "reference": null,
        "folder": server.work().join("repository.git"),
        "settings": server.settings(),
        "supervisor": supervisor,
    })
    .to_string()
}

fn said(request: &str) -> String {
    let output = spawn(request).wait_with_output().expect("its output");
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn nonsense_is_answered_with_a_failure() {
    let server = Server::start(|_, _| Ok(()));
    for request in ["", "{}", "\u{1b}[2J", &request(&server, 1)] {
        let said = said(request);
        assert!(said.starts_with(r#"{"failed":{"kind":"internal""#), "{request}: {said}");
    }
    assert!(server.requests.lock().expect("requests").is_empty());
}

#[test]
fn it_dies_with_its_supervisor() {
    let (asked, was_asked) = channel();
    let server = Server::start(move |_, stream| {
        let _ = asked.send(());
        let _ = stream.read(&mut [0]);
        Ok(())
    });
    let (end, ended) = channel::<()>();
    std::fs::create_dir(server.work()).expect("the work folder");
    let request = request(&server, std::process::id());
    // The kernel looks at the thread that started the child, which stands for the supervisor here.
    let supervisor = std::thread::spawn(move || {
        let child = spawn(&request);
        let _ = ended.recv();
        child
    });
    was_asked.recv_timeout(Duration::from_mins(1)).expect("the child asks the host, which says nothing");
    drop(end);
    let mut child = supervisor.join().expect("the child");
    assert_eq!(child.wait().expect("its end").signal(), Some(9));
}
