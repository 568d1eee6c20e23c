//! The analysis through real parser processes of the real binary.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use repo_to_cat::config;
use repo_to_cat::generation::score::analyse;
use repo_to_cat::model::analysis::{FullAnalysis, LeftOutReason};
use repo_to_cat::model::failure::{Failure, Kind, Result};
use repo_to_cat::model::progress::{Report, Silent};
use repo_to_cat::model::tree::{EntryKind, Tree, TreeEntry};
use rustix::process::{Pid, Signal, kill_process};

struct MemoryTree {
    entries: Vec<TreeEntry>,
    contents: Vec<Vec<u8>>,
}

impl MemoryTree {
    fn new(files: &[(&str, &[u8])]) -> Self {
        let mut files = files.to_vec();
        files.sort_unstable();
        let entry = |(index, (path, content)): (usize, &(&str, &[u8]))| TreeEntry {
            path: (*path).to_owned(),
            kind: EntryKind::File,
            size: content.len() as u64,
            oid: format!("{index:040x}"),
        };
        Self {
            entries: files.iter().enumerate().map(entry).collect(),
            contents: files.iter().map(|(_, content)| content.to_vec()).collect(),
        }
    }
}

impl Tree for MemoryTree {
    fn entries(&self) -> &[TreeEntry] {
        &self.entries
    }

    fn read(&self, entry: &TreeEntry) -> Result<Vec<u8>> {
        let index = usize::from_str_radix(&entry.oid, 16).ok().filter(|index| *index < self.contents.len());
        index
            .map(|index| self.contents[index].clone())
            .ok_or_else(|| Failure::new(Kind::NotFound, format!("no entry {}", entry.path)))
    }
}

const SETTINGS: config::Analysis =
    config::Analysis { processes: 2, max_file_kb: 512, max_file_ms: 20_000, max_memory_mb: 512, max_seconds: 300 };

fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_repo-to-cat"))
}

fn analysed(tree: &MemoryTree, settings: &config::Analysis) -> FullAnalysis {
    analyse(tree, settings, binary(), &Silent).expect("an analysis")
}

/// Python code of so many functions, all different.
fn python(functions: usize, salt: usize) -> String {
    (0..functions).fold(String::new(), |text, i| {
        let n = i + salt;
        text + &format!("def f{n}(a, b):\n    if a > {n}:\n        return b + {}\n    return a * {}\n\n", n * 7, n * 3)
    })
}

fn json(analysis: &FullAnalysis) -> String {
    serde_json::to_string_pretty(analysis).expect("JSON")
}

#[test]
fn garbage_costs_notes_and_no_other_file() {
    let good = python(80, 0);
    let big = vec![b'x'; 50 << 20];
    let long_line = format!("x = '{}'\n", "y".repeat(5 << 20));
    let medium = "x = 1\n".repeat(200_000);
    let noise: Vec<u8> = (0..200_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 11) as u8).collect();
    let parens = "(".repeat(200_000);
    let deep = format!("{}x{}", "[".repeat(100_000), "]".repeat(100_000));
    let files: Vec<(&str, &[u8])> = vec![
        ("good.py", good.as_bytes()),
        ("bad/big.py", &big),
        ("bad/line.js", long_line.as_bytes()),
        ("bad/medium.py", medium.as_bytes()),
        ("bad/noise.py", &noise),
        ("bad/parens.rs", parens.as_bytes()),
        ("bad/parens.py", parens.as_bytes()),
        ("bad/deep.rs", deep.as_bytes()),
        ("bad/latin.py", b"x = '\xe4'\n"),
        ("bad/nul.go", b"\0"),
        ("bad/empty.java", b""),
        ("bad/\\x0a.py", b"pass\n"),
    ];
    let all = analysed(&MemoryTree::new(&files), &SETTINGS);
    let alone = analysed(&MemoryTree::new(&files[..1]), &SETTINGS);
    let find = |all: &FullAnalysis, path: &str| all.files.iter().find(|file| file.path == path).cloned().unwrap();
    assert_eq!(find(&all, "good.py"), find(&alone, "good.py"));
    assert_eq!(find(&all, "bad/big.py").left_out, Some(LeftOutReason::TooLarge));
    assert_eq!(find(&all, "bad/noise.py").left_out, Some(LeftOutReason::Binary));
    assert_eq!(find(&all, "bad/nul.go").left_out, Some(LeftOutReason::Binary));
    assert_eq!(find(&all, "bad/medium.py").sloc, 200_000, "over the size that is parsed, it is counted");
    assert_eq!(find(&all, "bad/medium.py").functions, []);
    let noted: Vec<&str> = all.analysis.notes.iter().map(|note| note.path.as_str()).collect();
    for path in ["bad/big.py", "bad/parens.rs", "bad/parens.py", "bad/deep.rs", "bad/latin.py", "bad/medium.py"] {
        assert!(noted.contains(&path), "{path} has no note: {:?}", all.analysis.notes);
    }
}

#[test]
fn sizes_that_no_disk_holds_are_added_up_all_the_same() {
    let mut tree = MemoryTree::new(&[("a.png", b""), ("b.png", b""), ("vendor/c.go", b"")]);
    tree.entries.iter_mut().for_each(|entry| entry.size = u64::MAX);
    let analysis = analysed(&tree, &SETTINGS).analysis;
    assert_eq!(analysis.repo_size_kb, u64::MAX.div_ceil(1024));
    assert_eq!(analysis.left_out.iter().map(|left_out| left_out.files).sum::<u64>(), 3);
}

/// A tree during whose reading somebody outside ends the parser processes.
struct Disturbed<'a> {
    tree: &'a MemoryTree,
    parser: &'a Path,
    signal: Signal,
    reads: AtomicU64,
}

impl Tree for Disturbed<'_> {
    fn entries(&self) -> &[TreeEntry] {
        self.tree.entries()
    }

    fn read(&self, entry: &TreeEntry) -> Result<Vec<u8>> {
        if self.reads.fetch_add(1, Ordering::SeqCst) == 9 {
            for process in running(self.parser) {
                kill_process(process, self.signal).expect("a process of ours");
            }
        }
        self.tree.read(entry)
    }
}

/// The processes that were started under the name of `program`.
fn running(program: &Path) -> Vec<Pid> {
    let is_it = |folder: &Path| {
        let line = std::fs::read(folder.join("cmdline")).unwrap_or_default();
        line.split(|byte| *byte == 0).next() == Some(program.as_os_str().as_encoded_bytes())
    };
    let processes = std::fs::read_dir("/proc").expect("processes").flatten().map(|entry| entry.path());
    let numbers =
        processes.filter(|folder| is_it(folder)).filter_map(|folder| folder.file_name()?.to_str()?.parse().ok());
    numbers.filter_map(Pid::from_raw).collect()
}

#[test]
fn processes_that_are_ended_from_outside_change_nothing() {
    let files: Vec<(String, String)> = (0..30).map(|i| (format!("{i:02}.py"), python(5, i * 5))).collect();
    let files: Vec<(&str, &[u8])> = files.iter().map(|(path, text)| (path.as_str(), text.as_bytes())).collect();
    let tree = MemoryTree::new(&files);
    let expected = json(&analysed(&tree, &SETTINGS));
    let folder = tempfile::tempdir().expect("a folder");
    let parser = folder.path().join("parser");
    std::os::unix::fs::symlink(binary(), &parser).expect("a link");
    for signal in [Signal::INT, Signal::TERM, Signal::KILL] {
        let disturbed = Disturbed { tree: &tree, parser: &parser, signal, reads: AtomicU64::new(0) };
        let found = analyse(&disturbed, &SETTINGS, &parser, &Silent).expect("an analysis");
        assert_eq!(json(&found), expected, "{signal:?}");
    }
}

#[test]
fn a_file_that_hangs_or_eats_memory_is_lost_alone() {
    // Unclosed angle brackets take tree-sitter's Java grammar quadratic time and memory.
    let poison = "a<".repeat(200_000);
    let files: Vec<(String, String)> = (0..40)
        .map(|i| {
            if i % 10 == 3 {
                (format!("{i:02}.java"), poison.clone())
            } else {
                (format!("{i:02}.py"), python(5, i * 5))
            }
        })
        .collect();
    let files: Vec<(&str, &[u8])> = files.iter().map(|(path, text)| (path.as_str(), text.as_bytes())).collect();
    for (settings, says) in [
        (
            config::Analysis { max_file_ms: 700, max_memory_mb: 4096, ..SETTINGS },
            "crashed or took over 700 ms or 4096 MB",
        ),
        (config::Analysis { max_memory_mb: 160, ..SETTINGS }, "crashed or took over 20000 ms or 160 MB"),
    ] {
        let all = analysed(&MemoryTree::new(&files), &settings);
        let noted: Vec<&str> = all.analysis.notes.iter().map(|note| note.path.as_str()).collect();
        assert_eq!(noted, ["03.java", "13.java", "23.java", "33.java"], "{:?}", all.analysis.notes);
        assert!(all.analysis.notes.iter().all(|note| note.note.contains(says)), "{:?}", all.analysis.notes);
        assert_eq!(all.analysis.files_parsed, 36);
        assert_eq!(all.analysis.metrics.function_count, 180);
    }
}

#[test]
fn the_result_does_not_depend_on_the_number_of_processes() {
    let files: Vec<(String, String)> = (0..60).map(|i| (format!("src/{i}.py"), python(1 + i % 7, i % 13))).collect();
    let mut files: Vec<(&str, &[u8])> = files.iter().map(|(path, text)| (path.as_str(), text.as_bytes())).collect();
    files.extend([("README.md", [b'x'; 400].as_slice()), ("x.json", b"{}"), ("vendor/a.py", b"x = 1\n")]);
    let tree = MemoryTree::new(&files);
    let one = json(&analysed(&tree, &config::Analysis { processes: 1, ..SETTINGS }));
    for processes in [2, 5] {
        assert_eq!(json(&analysed(&tree, &config::Analysis { processes, ..SETTINGS })), one);
    }
}

#[test]
fn a_small_repository_has_its_whole_analysis() {
    let tree = MemoryTree::new(&[
        ("README.md", [b'x'; 400].as_slice()),
        ("LICENSE", b"MIT\n"),
        (".github/workflows/ci.yml", b"on: push\n"),
        ("src/app.py", python(60, 0).as_bytes()),
        ("tests/test_app.py", python(10, 100).as_bytes()),
        ("vendor/x.py", b"x = 1\n"),
        ("logo.png", b"\x89PNG"),
        ("include/a.h", b"int x;\n"),
    ]);
    let mut analysis = analysed(&tree, &SETTINGS);
    analysis.files.iter_mut().for_each(|file| file.functions.truncate(1));
    insta::assert_snapshot!(json(&analysis));
}

/// A tree in which one blob is damaged.
struct Damaged(MemoryTree);

impl Tree for Damaged {
    fn entries(&self) -> &[TreeEntry] {
        self.0.entries()
    }

    fn read(&self, entry: &TreeEntry) -> Result<Vec<u8>> {
        match entry.path.as_str() {
            "damaged.py" => Err(Failure::new(Kind::Unusable, "the object is damaged")),
            "away.py" => Err(Failure::new(Kind::Environment, "the disk is gone")),
            _ => self.0.read(entry),
        }
    }
}

#[test]
fn a_damaged_object_costs_a_note_and_a_broken_disk_the_analysis() {
    let one = Damaged(MemoryTree::new(&[("a.py", b"x = 1\n"), ("damaged.py", b"y = 1\n")]));
    let analysis = analyse(&one, &SETTINGS, binary(), &Silent).expect("an analysis").analysis;
    assert_eq!(analysis.notes.len(), 1);
    assert_eq!(analysis.notes[0].note, "cannot be read (reading damaged.py: the object is damaged): left out");
    assert_eq!(analysis.sloc, 1);

    let all = Damaged(MemoryTree::new(&[("away.py", b"x = 1\n"), ("b.py", b"y = 1\n")]));
    let failure = analyse(&all, &SETTINGS, binary(), &Silent).expect_err("a broken disk");
    assert_eq!(failure.kind(), Kind::Environment);
}

struct StopAfter(u64, AtomicU64, AtomicBool);

impl Report for StopAfter {
    fn report(&self, _: u64, _: u64, _: &str) {}

    fn should_stop(&self) -> bool {
        let stop = self.1.fetch_add(1, Ordering::Relaxed) >= self.0;
        self.2.store(stop, Ordering::Relaxed);
        stop
    }
}

#[test]
fn it_stops_when_it_is_told_to() {
    let poison = "a<".repeat(200_000);
    let tree = MemoryTree::new(&[("a.java", poison.as_bytes())]);
    let report = StopAfter(5, AtomicU64::new(0), AtomicBool::new(false));
    let settings = config::Analysis { max_file_ms: 60_000, max_memory_mb: 8192, ..SETTINGS };
    let failure = analyse(&tree, &settings, binary(), &report).expect_err("it was stopped");
    assert_eq!(failure.kind(), Kind::Cancelled);
    assert!(report.2.load(Ordering::Relaxed));
}

#[test]
fn a_program_that_is_not_ours_is_an_error_and_not_a_hang() {
    let tree = MemoryTree::new(&[("a.py", b"x = 1\n")]);
    for program in ["/bin/true", "/bin/echo", "/no/such/program"] {
        let failure = analyse(&tree, &SETTINGS, Path::new(program), &Silent).expect_err(program);
        assert_eq!(failure.kind(), Kind::Environment, "{program}");
        assert!(failure.what().contains(program), "{failure}");
    }
}

#[test]
fn an_empty_tree_has_no_score() {
    let analysis = analysed(&MemoryTree::new(&[]), &SETTINGS).analysis;
    assert_eq!((analysis.code_quality_score, analysis.entries), (None, 0));
    assert_eq!(analysis.score_reason.as_deref(), Some("there is no code"));
}

#[test]
fn the_parser_dies_with_its_input() {
    let mut process = std::process::Command::new(binary())
        .arg("__parse")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("a process");
    drop(process.stdin.take());
    assert!(!process.wait().expect("an end").success(), "it was never greeted");
}
