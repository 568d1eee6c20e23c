//! Ctrl-C at many moments: exit code 130, a word of explanation, no process left, and everything works afterwards.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStderr, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

use super::{count, honest, many_files};
use crate::support::cli::Shell;
use crate::support::postgres::fresh_database;

/// A program with a terminal's habit: Ctrl-C goes to its whole process group.
struct Foreground {
    child: Child,
    said: BufReader<ChildStderr>,
    heard: String,
}

impl Foreground {
    fn start(shell: &Shell, arguments: &[&str]) -> Self {
        let mut command = shell.command(arguments);
        let mut child = command.process_group(0).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let said = BufReader::new(child.stderr.take().unwrap());
        Self { child, said, heard: String::new() }
    }

    fn wait_for(&mut self, word: &str) {
        while !self.heard.contains(word) {
            assert!(self.said.read_line(&mut self.heard).unwrap() > 0, "never said {word:?}: {}", self.heard);
        }
    }

    fn press_ctrl_c(&self) {
        let group = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process_group(group, Signal::INT).unwrap();
    }

    /// Waits for the end; the exit code and all that was said.
    fn end(mut self) -> (Option<i32>, String) {
        self.said.read_to_string(&mut self.heard).unwrap();
        (self.child.wait().unwrap().code(), self.heard)
    }
}

#[test]
fn a_demo_can_be_interrupted_while_its_cluster_is_made() {
    for after in [0, 150, 600, 1500] {
        let shell = Shell::private();
        honest(&shell.path("repo"));
        let demo = Foreground::start(&shell, &["demo", "repo"]);
        thread::sleep(Duration::from_millis(after));
        demo.press_ctrl_c();
        let (code, said) = demo.end();
        // In its first moments the program has not begun to listen, and ends by the signal. A quick one is done already.
        let is_done = said.contains("Store the pictures: done");
        if (code.is_some() || after > 150) && !is_done {
            assert_eq!(code, Some(130), "{after}: {said}");
            assert!(said.contains("error: interrupted"), "{after}: {said}");
        }
        shell.wait_for_silence();
        assert_eq!(shell.json(&["demo", "repo"])["repo_name"], "repo", "{after}");
        shell.wait_for_silence();
    }
}

#[test]
fn a_demo_can_be_interrupted_in_every_step() {
    let shell = Shell::private();
    honest(&shell.path("repo"));
    let moments = ["Making a cat", "Fetch the repository", "Analyse the code", "Paint the cat", "Store the pictures"];
    for (round, moment) in moments.into_iter().enumerate() {
        let mut demo = Foreground::start(&shell, &["demo", "repo"]);
        demo.wait_for(moment);
        demo.press_ctrl_c();
        let (code, said) = demo.end();
        let jobs = shell.json(&["jobs", "list"])["jobs"].take();
        assert_eq!(jobs.as_array().unwrap().len(), round + 1);
        if code == Some(0) {
            // It was done before the signal came.
            assert_eq!(jobs[0]["state"], "completed", "{moment}: {said}");
            continue;
        }
        assert_eq!(code, Some(130), "{moment}: {said}");
        let id = jobs[0]["id"].as_str().unwrap();
        let expected = if jobs[0]["state"] == "completed" {
            format!("error: interrupted; job {id} had ended already")
        } else {
            assert_eq!(jobs[0]["state"], "cancelled", "{moment}: {said}");
            format!("error: interrupted; job {id} was cancelled\n  hint: begin again with: repo-to-cat demo repo")
        };
        assert!(said.contains(&expected), "{moment}: {said}");
        shell.wait_for_silence();
    }
    shell.succeeds(&["demo", "repo"]);
    let rows = shell.json(&["generations", "list"]).as_array().unwrap().len();
    let completed = shell.json(&["jobs", "list", "--state", "completed"])["jobs"].as_array().unwrap().len();
    assert_eq!(rows, completed);
}

#[test]
fn waiting_can_be_interrupted_and_the_job_goes_on() {
    let shell = Shell::migrated(&fresh_database("interrupt"));
    let mut waiting = Foreground::start(&shell, &["enqueue", "https://github.com/owner/name", "--wait"]);
    waiting.wait_for("https://github.com/owner/name\n");
    waiting.press_ctrl_c();
    let (code, said) = waiting.end();
    let id = shell.json(&["jobs", "list"])["jobs"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(code, Some(130));
    assert!(said.contains(&format!("stopped waiting for job {id}, which goes on")), "{said}");
    assert!(said.contains(&format!("repo-to-cat jobs show {id}")), "{said}");
    assert_eq!((super::state(&shell, &id).as_str(), count(&shell)), ("available", 1));
}

#[test]
fn an_analysis_takes_its_parsers_with_it() {
    let shell = Shell::private();
    many_files(&shell.path("repo"));
    for after in [50, 200, 400] {
        let analysis = Foreground::start(&shell, &["analyze", "repo"]);
        thread::sleep(Duration::from_millis(after));
        analysis.press_ctrl_c();
        let (code, said) = analysis.end();
        assert!(code.is_none() || code == Some(0), "{after}: {code:?} {said}");
        shell.wait_for_silence();
    }
}
