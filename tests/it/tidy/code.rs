//! How a source file or script looks: its name, its length, its first line, and nothing unfinished in it.

use std::path::Path;

use super::source::{Source, lines_naming};
use super::{File, Finding, Rule};

/// Longest source file, in lines.
const MOST_LINES: usize = 450;

/// Longer files that are right as they are. Empty, and better kept so.
const LONGER: [&str; 0] = [];

pub const RULES: &[Rule] = &[
    Rule {
        name: "module names",
        why: "a module is named after its job; these names attract what belongs elsewhere",
        find: vague_names,
        bad: &[
            &[("src/utils.rs", "")],
            &[("src/db/helpers/mod.rs", "")],
            &[("tests/it/common.rs", "")],
            &[("src/db/x.rs", "mod util { }")],
        ],
        good: &[&[("src/db/pool.rs", "mod common_table {}")]],
    },
    Rule {
        name: "file length",
        why: "a file has one job; past this length it has two: split it where the seam is",
        find: |files| {
            let sources = files.iter().filter(|file| file.is_rust() && !LONGER.contains(&file.path.as_str()));
            sources
                .map(|file| (file, file.text.lines().count()))
                .filter(|&(_, lines)| lines > MOST_LINES)
                .map(|(file, lines)| Finding::new(file, lines, format!("has {lines} lines, more than {MOST_LINES}")))
                .collect()
        },
        bad: &[&[("src/long.rs", LONG)]],
        good: &[&[("src/short.rs", "//! Short.\n"), ("Cargo.lock", LONG)]],
    },
    Rule {
        name: "file doc",
        why: "the first lines say what the file is for: a `//!` comment",
        find: |files| {
            let sources = files.iter().filter(|file| file.is_rust() && !file.text.starts_with("//! "));
            sources.map(|file| Finding::new(file, 1, "does not start with a `//!` doc comment")).collect()
        },
        bad: &[&[("src/main.rs", "fn main() {}")], &[("tests/it/x.rs", "// x\n//! x")]],
        good: &[&[("src/main.rs", "//! The program.\nfn main() {}"), ("build.sh", "true")]],
    },
    Rule {
        name: "nothing unfinished",
        why: "main is always finished: no stubs, no debugging left in, no test that is skipped",
        find: unfinished,
        bad: &[
            &[("src/x.rs", "fn f() { todo!() }")],
            &[("src/x.rs", "fn f() { unimplemented!(\"later\") }")],
            &[("tests/it/x.rs", "dbg!(x);")],
            &[("tests/it/x.rs", "#[test]\n#[ignore = \"slow\"]\nfn f() {}")],
        ],
        good: &[&[("src/x.rs", "// todo!()\nlet todo = \"dbg!(x)\"; #[test] fn ignore() {}")]],
    },
    Rule {
        name: "strict scripts",
        why: "a script stops at the first thing that fails, under the bash that PATH finds",
        find: |files| {
            let scripts =
                files.iter().filter(|file| file.path.starts_with("scripts/") || file.path.starts_with(".ci/"));
            let strict = |file: &&File| {
                file.text.starts_with("#!/usr/bin/env bash\n") && file.text.contains("\nset -euo pipefail\n")
            };
            scripts
                .filter(|file| !strict(file))
                .map(|file| Finding::new(file, 1, "is not a strict bash script"))
                .collect()
        },
        bad: &[&[("scripts/x", "#!/usr/bin/env bash\nset -e\n")], &[(".ci/run", "set -euo pipefail\n")]],
        good: &[&[("scripts/x", "#!/usr/bin/env bash\n# X.\nset -euo pipefail\n"), ("docs/x", "")]],
    },
];

/// One line too many.
const LONG: &str = {
    const BYTES: [u8; MOST_LINES + 1] = [b'\n'; MOST_LINES + 1];
    match std::str::from_utf8(&BYTES) {
        Ok(text) => text,
        Err(_) => "",
    }
};

fn vague_names(files: &[File]) -> Vec<Finding> {
    const VAGUE: [&str; 8] = ["util", "utils", "common", "helper", "helpers", "misc", "shared", "stuff"];
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.is_rust()) {
        let parts = Path::new(&file.path).with_extension("");
        if let Some(name) = parts.iter().filter_map(|part| part.to_str()).find(|part| VAGUE.contains(part)) {
            findings.push(Finding::new(file, 1, format!("lies in a module named `{name}`")));
        }
        let code = Source::new(&file.text).code;
        for name in VAGUE {
            let found = lines_naming(&code, &format!("mod {name}")).into_iter();
            findings.extend(found.map(|line| Finding::new(file, line, format!("declares a module `{name}`"))));
        }
    }
    findings
}

fn unfinished(files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.is_rust()) {
        let code = Source::new(&file.text).code;
        for mark in ["todo!", "unimplemented!", "dbg!", "#[ignore"] {
            let lines = code.lines().enumerate().filter(|(_, line)| line.contains(mark));
            findings.extend(lines.map(|(number, _)| Finding::new(file, number + 1, format!("holds `{mark}`"))));
        }
    }
    findings
}
