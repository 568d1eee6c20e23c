//! What people read stays true: links and make targets exist, every setting is shown, no machine's own paths or hosts.

use std::collections::BTreeSet;
use std::path::{Component, Path};

use super::{File, Finding, Rule};

pub const RULES: &[Rule] = &[
    Rule {
        name: "live links",
        why: "a link in a document leads to a file of the checkout",
        find: dead_links,
        bad: &[&[("README.md", "![cat](docs/cat.png)")], &[("docs/a.md", "see [b](b.md#part)"), ("b.md", "")]],
        good: &[&[
            ("README.md", "[a](docs/a.md#x) [x](https://example.org) [y](#y) [docs](docs)\n```\n[no](link)\n```\n"),
            ("docs/a.md", "[up](../README.md)"),
        ]],
    },
    Rule {
        name: "live make targets",
        why: "a command in a document can be typed",
        find: dead_targets,
        bad: &[&[("README.md", "Type `make nothing`."), ("Makefile", "test: ## Test.\n")]],
        good: &[&[
            ("README.md", "Type `make test` or `make demo REPO=.`, make no mistake."),
            ("Makefile", "test: ## T.\ndemo: x\n"),
        ]],
    },
    Rule {
        name: "settings shown",
        why: ".env.example shows the variable of each key of config/default.toml with its default, and no other",
        find: hidden_settings,
        bad: &[
            &[("config/default.toml", "[http]\nlisten = \"x\"\n"), (".env.example", "DATABASE_URL=\n")],
            &[("config/default.toml", ""), (".env.example", "#REPO_TO_CAT_HTTP__LISTEN=x\n")],
            &[("config/default.toml", "[http]\nlisten = \"x\"\n"), (".env.example", "# REPO_TO_CAT_HTTP__LISTEN=y\n")],
        ],
        good: &[&[
            ("config/default.toml", "# a = 1\n[http]\nlisten = \"x\"\nhosts = [\"a\", \"b\"]\nmost = 1\n"),
            (
                ".env.example",
                "#REPO_TO_CAT_HTTP__LISTEN=x\n# REPO_TO_CAT_HTTP__HOSTS=a,b\n# REPO_TO_CAT_HTTP__MOST=1\n",
            ),
        ]],
    },
    Rule {
        name: "no machine's own",
        why: "the tree works on every machine: no path of one, no package registry's host",
        find: machine_marks,
        bad: &[
            &[("src/a.rs", concat!("//! In /wo", "rk/main."))],
            &[("Dockerfile", concat!("RUN pip -i https://pypi", ".org/simple"))],
        ],
        good: &[&[("docs/a.md", concat!("the root folder / and a network/wo", "rk/flow on https://docs.rs"))]],
    },
];

fn markdown(files: &[File]) -> impl Iterator<Item = &File> {
    files.iter().filter(|file| Path::new(&file.path).extension().is_some_and(|extension| extension == "md"))
}

/// The lines of a document that are prose, numbered; fenced blocks are left out.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    text.lines().enumerate().filter_map(move |(number, line)| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        (!fenced && !fence).then_some((number + 1, line))
    })
}

fn dead_links(files: &[File]) -> Vec<Finding> {
    let mut known: BTreeSet<String> = BTreeSet::new();
    for file in files {
        known.extend(Path::new(&file.path).ancestors().map(|path| path.to_string_lossy().into_owned()));
    }
    let mut findings = Vec::new();
    for file in markdown(files) {
        for (line, text) in prose(&file.text) {
            for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
                let target = target.split('#').next().unwrap_or_default();
                if !target.is_empty() && !target.contains("://") && !known.contains(&resolve(&file.path, target)) {
                    findings.push(Finding::new(file, line, format!("links to `{target}`, which does not exist")));
                }
            }
        }
    }
    findings
}

/// The path of `target` as seen from the document at `from`.
fn resolve(from: &str, target: &str) -> String {
    let mut path = Path::new(from).parent().unwrap_or(Path::new("")).to_owned();
    for part in Path::new(target).components() {
        match part {
            Component::ParentDir => {
                path.pop();
            }
            Component::Normal(name) => path.push(name),
            _ => {}
        }
    }
    path.to_string_lossy().into_owned()
}

fn dead_targets(files: &[File]) -> Vec<Finding> {
    let makefile = files.iter().find(|file| file.path == "Makefile").map_or("", |file| &file.text);
    let targets: BTreeSet<&str> =
        makefile.lines().filter_map(|line| line.split_once(':')).map(|(name, _)| name).collect();
    let mut findings = Vec::new();
    for file in markdown(files) {
        for (number, line) in file.text.lines().enumerate() {
            for rest in line.split("`make ").skip(1) {
                let target = rest.split([' ', '`']).next().unwrap_or_default();
                if !targets.contains(target) {
                    findings.push(Finding::new(
                        file,
                        number + 1,
                        format!("names `make {target}`, which the Makefile lacks"),
                    ));
                }
            }
        }
    }
    findings
}

fn hidden_settings(files: &[File]) -> Vec<Finding> {
    let find = |path| files.iter().find(|file| file.path == path);
    let (Some(defaults), Some(example)) = (find("config/default.toml"), find(".env.example")) else {
        return Vec::new();
    };
    let mut section = "";
    let mut wanted = BTreeSet::new();
    for line in defaults.text.lines().filter(|line| !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name;
        } else if section.starts_with("schedules.") {
            // One schedule is one value.
        } else if let Some((key, value)) = line.split_once(" = ") {
            let variable = format!("REPO_TO_CAT_{section}__{key}").to_uppercase();
            let value = value.trim_matches(['[', ']']).replace("\", \"", ",");
            wanted.insert(format!("{variable}={}", value.trim_matches('"')));
        }
    }
    let shown: BTreeSet<String> = example
        .text
        .lines()
        .map(|line| line.trim_start_matches(['#', ' ']).to_owned())
        .filter(|line| line.starts_with("REPO_TO_CAT_") && line.contains('='))
        .collect();
    let missing = wanted.difference(&shown).map(|line| format!("does not show {line}"));
    let unknown = shown.difference(&wanted).map(|line| format!("shows {line}, which is no default"));
    missing.chain(unknown).map(|what| Finding::new(example, 1, what)).collect()
}

fn machine_marks(files: &[File]) -> Vec<Finding> {
    const MARKS: [&str; 9] = [
        concat!("/wo", "rk/"),
        concat!("/ro", "ot/"),
        concat!("pypi", ".org"),
        concat!("python", "hosted.org"),
        concat!("registry.npm", "js.org"),
        concat!("index.crates", ".io"),
        concat!("static.crates", ".io"),
        concat!("deb.debian", ".org"),
        concat!("security.debian", ".org"),
    ];
    let mut findings = Vec::new();
    for file in files {
        for (number, line) in file.text.lines().enumerate() {
            for mark in MARKS {
                let starts_a_word = |at: usize| !line[..at].ends_with(|c: char| c.is_alphanumeric());
                if line.match_indices(mark).any(|(at, _)| starts_a_word(at)) {
                    findings.push(Finding::new(file, number + 1, format!("holds `{mark}`")));
                }
            }
        }
    }
    findings
}
