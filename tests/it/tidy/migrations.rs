//! Migrations: up and down in pairs, numbered without a gap, and every table and column explained in the database.

use std::collections::{BTreeMap, BTreeSet};

use super::{File, Finding, Rule};

pub const RULES: &[Rule] = &[
    Rule {
        name: "migration pairs",
        why: "every migration can be taken back: NNNN_name.up.sql and NNNN_name.down.sql, numbered without a gap",
        find: unpaired,
        bad: &[
            &[("migrations/0001_a.up.sql", "")],
            &[("migrations/0001_a.down.sql", "")],
            &[("migrations/0001_a.sql", "")],
            &[("migrations/0002_b.up.sql", ""), ("migrations/0002_b.down.sql", "")],
        ],
        good: &[&[("migrations/0001_a.down.sql", ""), ("migrations/0001_a.up.sql", "")]],
    },
    Rule {
        name: "commented schema",
        why: "people who look into the database read there what a table or column means: COMMENT ON it where it is made",
        find: uncommented,
        bad: &[
            &[("migrations/0001_a.up.sql", "CREATE TABLE q.a (b int); COMMENT ON COLUMN q.a.b IS 'x';")],
            &[(
                "migrations/0001_a.up.sql",
                "create table a (b int, c numeric(3,1)); comment on table a is 'x'; comment on column a.b is 'x';",
            )],
            &[("migrations/0001_a.up.sql", "ALTER TABLE a ADD COLUMN IF NOT EXISTS b int;")],
            &[("migrations/0001_a.up.sql", "CREATE TABLE a (); -- COMMENT ON TABLE a IS 'x';")],
            &[("migrations/0001_a.up.sql", "CREATE TABLE a (); COMMENT ON TABLE a IS '';")],
        ],
        good: &[&[(
            "migrations/0001_a.up.sql",
            "CREATE TABLE IF NOT EXISTS a (b int CHECK (b IN (1, 2)), -- c int\n CONSTRAINT d UNIQUE (b), PRIMARY KEY (b));\n\
             COMMENT ON TABLE a IS 'it; is';\nCOMMENT ON COLUMN a.b IS 'x';\nCREATE TABLE a_1 PARTITION OF a DEFAULT;\n\
             CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1; CREATE TABLE g (); $$;\n\
             CREATE TABLE e (LIKE a INCLUDING ALL); COMMENT ON TABLE e IS 'x';",
        )]],
    },
];

fn migrations(files: &[File]) -> impl Iterator<Item = (&File, &str)> {
    files.iter().filter_map(|file| Some((file, file.path.strip_prefix("migrations/")?.strip_suffix(".sql")?)))
}

fn unpaired(files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut directions: BTreeMap<&str, (&File, BTreeSet<&str>)> = BTreeMap::new();
    for (file, name) in migrations(files) {
        match name.rsplit_once('.') {
            Some((name, direction @ ("up" | "down"))) => {
                directions.entry(name).or_insert((file, BTreeSet::new())).1.insert(direction);
            }
            _ => findings.push(Finding::new(file, 1, "is neither .up.sql nor .down.sql")),
        }
    }
    for (index, (name, (file, found))) in directions.into_iter().enumerate() {
        if found.len() != 2 {
            findings.push(Finding::new(file, 1, "has no counterpart"));
        }
        if !name.starts_with(&format!("{:04}_", index + 1)) {
            findings.push(Finding::new(file, 1, format!("should be number {:04}", index + 1)));
        }
    }
    findings
}

fn uncommented(files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, _) in migrations(files).filter(|(_, name)| name.strip_suffix(".up").is_some()) {
        let statements = statements(&file.text);
        let comments: BTreeSet<String> =
            statements.iter().filter_map(|(_, statement)| comment_target(statement)).collect();
        for (line, statement) in &statements {
            for thing in things_made(statement) {
                if !comments.contains(&thing) {
                    findings.push(Finding::new(file, *line, format!("`{thing}` has no COMMENT")));
                }
            }
        }
    }
    findings
}

/// The statements with the lines they start on, lower case outside literals, without comments.
fn statements(text: &str) -> Vec<(usize, String)> {
    let mut statements = vec![(1, String::new())];
    let mut quoted = false;
    for (number, line) in text.lines().enumerate() {
        let mut rest = line.chars().peekable();
        while let Some(c) = rest.next() {
            let (start, statement) = statements.last_mut().expect("there is one");
            match c {
                '-' if !quoted && rest.peek() == Some(&'-') => break,
                ';' if !quoted => statements.push((number + 1, String::new())),
                c => {
                    // A dollar-quoted body counts as one literal, too.
                    quoted ^= c == '\'' || (c == '$' && rest.peek() == Some(&'$'));
                    if statement.trim().is_empty() {
                        *start = number + 1;
                    }
                    if quoted { statement.push(c) } else { statement.extend(c.to_lowercase()) }
                }
            }
        }
        statements.last_mut().expect("there is one").1.push(' ');
    }
    statements
}

/// `table a` or `column a.b` of `comment on ...`, unless its text is empty.
fn comment_target(statement: &str) -> Option<String> {
    let (target, text) = statement.trim().strip_prefix("comment on ")?.split_once(" is ")?;
    (text.trim() != "''" && text.trim() != "null").then(|| target.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// What a statement adds to the schema, in the words of [`comment_target`].
fn things_made(statement: &str) -> Vec<String> {
    let statement = statement.replace("if not exists ", "");
    let statement = statement.trim();
    let made = ["create table ", "create unlogged table "].into_iter().find_map(|verb| statement.strip_prefix(verb));
    if let Some(definition) = made {
        let name: String = definition.chars().take_while(|c| !c.is_whitespace() && *c != '(').collect();
        let body = &definition[name.len()..];
        if !body.trim_start().starts_with('(') {
            return Vec::new();
        }
        let mut things = vec![format!("table {name}")];
        things.extend(columns(body).into_iter().map(|column| format!("column {name}.{column}")));
        return things;
    }
    let Some(change) = statement.strip_prefix("alter table ") else { return Vec::new() };
    let table = change.split_whitespace().next().unwrap_or_default();
    let added = change.split("add column ").skip(1).filter_map(|rest| rest.split_whitespace().next());
    added.map(|column| format!("column {table}.{column}")).collect()
}

/// The column names of a parenthesised table definition.
fn columns(body: &str) -> Vec<String> {
    const NOT_COLUMNS: [&str; 7] = ["constraint", "primary", "unique", "check", "foreign", "exclude", "like"];
    let mut parts = vec![String::new()];
    let mut depth = 0_usize;
    for c in body.trim_start().chars() {
        match c {
            '(' => depth += 1,
            ')' if depth == 1 => break,
            ')' => depth -= 1,
            ',' if depth == 1 => parts.push(String::new()),
            _ => {}
        }
        if depth >= 1 && !(depth == 1 && matches!(c, '(' | ',')) {
            parts.last_mut().expect("there is one").push(c);
        }
    }
    let names = parts
        .iter()
        .filter_map(|part| part.split(|c: char| c.is_whitespace() || c == '(').find(|word| !word.is_empty()));
    names.filter(|name| !NOT_COLUMNS.contains(name)).map(str::to_owned).collect()
}
