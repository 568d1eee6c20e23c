//! What the paths alone tell: tests, continuous integration, documentation, licence.

use crate::model::tree::{EntryKind, TreeEntry};

/// A README shorter than this says too little to count as documentation, in bytes.
const README_OF_SUBSTANCE: u64 = 200;

/// The signals of a repository.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Signals {
    /// A README of substance.
    pub readme: bool,
    /// A folder with documentation.
    pub docs_folder: bool,
    /// A licence.
    pub license: bool,
    /// Continuous integration.
    pub ci: bool,
}

impl Signals {
    /// Reads the signals off the paths.
    #[must_use]
    pub fn of(entries: &[TreeEntry]) -> Self {
        let mut signals = Self::default();
        // The README in the root wins over those in other folders, whatever it says.
        let mut readme: Option<(usize, u64)> = None;
        for entry in entries.iter().filter(|entry| entry.kind != EntryKind::Submodule) {
            let path = entry.path.to_ascii_lowercase();
            let segments: Vec<&str> = path.split('/').collect();
            signals.ci |= is_ci(&segments);
            signals.license |= is_license(&segments);
            signals.docs_folder |= segments.len() > 1 && matches!(segments[0], "docs" | "doc" | "documentation");
            if let Some(rank) = readme_rank(&segments) {
                let better = readme.is_none_or(|(best, size)| rank < best || (rank == best && entry.size > size));
                readme = if better { Some((rank, entry.size)) } else { readme };
            }
        }
        signals.readme = readme.is_some_and(|(_, size)| size >= README_OF_SUBSTANCE);
        signals
    }
}

/// Whether a file of code is a test by its path: whole folder names and the naming rules of the test runners.
#[must_use]
pub fn is_test(path: &str) -> bool {
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
    let in_test_folder = folders.split('/').any(|folder| {
        matches!(
            folder.to_ascii_lowercase().as_str(),
            "test"
                | "tests"
                | "spec"
                | "specs"
                | "__tests__"
                | "__test__"
                | "e2e"
                | "cypress"
                | "testdata"
                | "androidtest"
        )
    });
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    in_test_folder
        || match extension {
            "py" => {
                stem.starts_with("test_") || matches!(stem, "conftest" | "tests" | "test") || stem.ends_with("_test")
            }
            "rs" => matches!(stem, "test" | "tests") || stem.ends_with("_test") || stem.ends_with("_tests"),
            "java" | "kt" | "scala" | "groovy" | "cs" => {
                ["Test", "Tests", "IT", "Spec"].iter().any(|ending| stem.ends_with(ending) && stem.len() > ending.len())
            }
            "js" | "jsx" | "mjs" | "cjs" | "ts" | "tsx" | "mts" | "cts" | "vue" => {
                stem.rsplit_once('.').is_some_and(|(_, kind)| matches!(kind, "test" | "spec" | "cy"))
            }
            "go" | "c" | "cc" | "cpp" | "dart" | "exs" | "lua" | "php" | "rb" => {
                ["_test", "_tests", "_unittest", "_spec"].iter().any(|ending| stem.ends_with(ending))
                    || (extension == "php" && stem.ends_with("Test"))
            }
            "bats" => true,
            _ => false,
        }
}

fn is_ci(segments: &[&str]) -> bool {
    let is_yaml = segments
        .last()
        .is_some_and(|name| name.rsplit_once('.').is_some_and(|(_, extension)| matches!(extension, "yml" | "yaml")));
    match segments {
        [name] => matches!(
            *name,
            ".gitlab-ci.yml"
                | ".travis.yml"
                | ".appveyor.yml"
                | ".cirrus.yml"
                | ".cirrus.star"
                | ".drone.yml"
                | ".drone.star"
                | ".woodpecker.yml"
                | ".woodpecker.yaml"
                | ".build.yml"
                | ".zuul.yaml"
                | "appveyor.yml"
                | "azure-pipelines.yml"
                | "azure-pipelines.yaml"
                | "bitbucket-pipelines.yml"
                | "buildspec.yml"
                | "cloudbuild.yaml"
                | "cloudbuild.yml"
                | "codemagic.yaml"
                | "jenkinsfile"
                | "wercker.yml"
        ),
        [".github" | ".forgejo" | ".gitea", "workflows", _]
        | [".circleci" | ".azure-pipelines" | ".builds" | ".semaphore" | ".buildkite" | ".woodpecker" | ".zuul.d", _] => {
            is_yaml
        }
        [".ci" | "ci", _, ..] => true,
        _ => false,
    }
}

fn is_license(segments: &[&str]) -> bool {
    match segments {
        [name] => {
            let stem = name.split(['.', '-', '_']).next().unwrap_or(name);
            matches!(stem, "license" | "licence" | "copying" | "unlicense")
        }
        ["licenses" | "licences", _, ..] => true,
        _ => false,
    }
}

/// Which README speaks for the repository: smaller is better.
fn readme_rank(segments: &[&str]) -> Option<usize> {
    let (name, folders) = segments.split_last()?;
    let stem = name.split('.').next().unwrap_or(name);
    let rank = match folders {
        [] => 0,
        [".github"] => 1,
        ["docs" | "doc"] => 2,
        _ => return None,
    };
    (stem == "readme").then_some(rank)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signals(paths: &[(&str, u64)]) -> Signals {
        let entry = |(path, size): &(&str, u64)| TreeEntry {
            path: (*path).to_owned(),
            kind: EntryKind::File,
            size: *size,
            oid: String::new(),
        };
        Signals::of(&paths.iter().map(entry).collect::<Vec<_>>())
    }

    #[test]
    fn tests_are_found_by_whole_names() {
        for path in [
            "tests/a.rs",
            "src/test/java/A.java",
            "a/test_b.py",
            "a/b_test.go",
            "a/b.spec.ts",
            "a/b.test.jsx",
            "a/FooTest.java",
            "x/__tests__/a.js",
            "spec/a_spec.rb",
        ] {
            assert!(is_test(path), "{path}");
        }
        for path in
            ["latest/x.py", "contest.py", "src/attestation.rs", "testing.go", "Test.java", "src/a.ts", "protest/a.go"]
        {
            assert!(!is_test(path), "{path}");
        }
    }

    #[test]
    fn several_ci_systems_are_known() {
        for path in [
            ".github/workflows/ci.yml",
            ".gitlab-ci.yml",
            ".circleci/config.yml",
            "Jenkinsfile",
            "azure-pipelines.yml",
            ".forgejo/workflows/x.yaml",
            ".ci/run",
        ] {
            assert!(signals(&[(path, 1)]).ci, "{path}");
        }
        for path in [".github/workflows/README.md", "src/.travis.yml", ".github/dependabot.yml", "circle/ci.yml"] {
            assert!(!signals(&[(path, 1)]).ci, "{path}");
        }
    }

    #[test]
    fn the_readme_of_the_root_wins() {
        assert!(!signals(&[(".github/README.md", 5000), ("README.md", 10)]).readme);
        assert!(signals(&[(".github/README.md", 10), ("readme.rst", 500)]).readme);
        assert!(signals(&[("docs/README.md", 500)]).readme);
        assert!(!signals(&[("src/README.md", 500)]).readme);
    }

    #[test]
    fn licences_are_found_in_the_root() {
        for path in ["LICENSE", "LICENCE.txt", "LICENSE-MIT", "COPYING.LESSER", "LICENSES/MIT.txt", "UNLICENSE"] {
            assert!(signals(&[(path, 1)]).license, "{path}");
        }
        assert!(!signals(&[("src/license.rs", 1)]).license);
        assert!(!signals(&[("licensed.md", 1)]).license);
    }
}
