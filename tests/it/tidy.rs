//! The house rules, held by a test: each rule names what it forbids and why, and proves itself on small samples.
//!
//! A violation reads `path:line: what [rule] why`. A rule that is wrong is changed here, in the open.

mod code;
mod documents;
mod layers;
mod migrations;
mod routes;
mod source;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// One file of the checkout. `text` is empty where it is not UTF-8.
pub struct File {
    /// Path from the root of the checkout, with `/`.
    pub path: String,
    /// Content.
    pub text: String,
}

impl File {
    fn is_rust(&self) -> bool {
        Path::new(&self.path).extension().is_some_and(|extension| extension == "rs")
    }
}

/// A place where a rule is broken.
pub struct Finding {
    path: String,
    line: usize,
    what: String,
}

impl Finding {
    fn new(file: &File, line: usize, what: impl Into<String>) -> Self {
        Self { path: file.path.clone(), line, what: what.into() }
    }
}

/// Files for a sample: path and text of each.
type Sample = &'static [(&'static str, &'static str)];

/// What holds, why, how it is found, and samples that prove the finding.
pub struct Rule {
    name: &'static str,
    why: &'static str,
    find: fn(&[File]) -> Vec<Finding>,
    bad: &'static [Sample],
    good: &'static [Sample],
}

fn rules() -> impl Iterator<Item = &'static Rule> {
    layers::RULES.iter().chain(code::RULES).chain(migrations::RULES).chain(documents::RULES).chain(routes::RULES)
}

fn files_of(sample: Sample) -> Vec<File> {
    sample.iter().map(|&(path, text)| File { path: path.to_owned(), text: text.to_owned() }).collect()
}

/// The files of the checkout, sorted, without what Git ignores.
fn checkout() -> Vec<File> {
    const IGNORED: [&str; 6] = [".git", "target", "data", "generated_images", "proptest-regressions", ".env"];
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![root.to_owned()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("the checkout is readable") {
            let entry = entry.expect("the checkout is readable");
            let kind = entry.file_type().expect("the checkout is readable");
            if IGNORED.iter().any(|name| entry.file_name() == *name) && (folder == root || kind.is_file()) {
                continue;
            }
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                let path = entry.path();
                let relative = path.strip_prefix(root).expect("it is below the root").to_string_lossy().into_owned();
                files.push(File { path: relative, text: fs::read_to_string(&path).unwrap_or_default() });
            }
        }
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    files
}

#[test]
fn the_checkout_keeps_the_house_rules() {
    let files = checkout();
    assert!(files.iter().any(|file| file.path == "src/lib.rs"), "the checkout was not found");
    let mut report = String::new();
    for rule in rules() {
        for Finding { path, line, what } in (rule.find)(&files) {
            writeln!(report, "{path}:{line}: {what} [{}] {}", rule.name, rule.why).expect("a string takes it");
        }
    }
    assert!(report.is_empty(), "\n{report}");
}

#[test]
fn each_rule_finds_its_bad_samples_and_passes_its_good_ones() {
    for rule in rules() {
        assert!(!rule.bad.is_empty() && !rule.good.is_empty(), "{} proves nothing", rule.name);
        for sample in rule.bad {
            assert!(!(rule.find)(&files_of(sample)).is_empty(), "{} misses {sample:?}", rule.name);
        }
        for sample in rule.good {
            let findings: Vec<_> = (rule.find)(&files_of(sample)).into_iter().map(|finding| finding.what).collect();
            assert!(findings.is_empty(), "{} finds {findings:?} in {sample:?}", rule.name);
        }
    }
}
