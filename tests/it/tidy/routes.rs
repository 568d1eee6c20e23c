//! Who may come where is asked of each route: none of the dashboard is left out of the table by which that is tried.

use super::source::Source;
use super::{File, Finding, Rule};

/// Where the table is.
const TABLE: &str = "tests/it/dashboard/matrix.rs";
/// How a route names its methods.
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

pub const RULES: &[Rule] = &[Rule {
    name: "routes tried",
    why: "each route of src/dashboard stands in the table of tests/it/dashboard/matrix.rs with what it needs",
    find: untried,
    bad: &[
        &[("src/dashboard/a.rs", r#"fn f() { r.route("/a", get(show)) }"#), (TABLE, r#"("GET", "/b", Read)"#)],
        &[("src/dashboard/a.rs", r#"fn f() { r.route("/a", get(x).post(y)) }"#), (TABLE, r#"("GET", "/a", Read)"#)],
        &[("src/dashboard/a.rs", "const NEW: &str = \"/.new\";\nfn f() { r.route(NEW, get(x)) }"), (TABLE, "")],
        &[("src/dashboard/a.rs", "fn f(path: &str) { r.route(path, get(x)) }"), (TABLE, r#"("GET", "path", Read)"#)],
        &[("src/dashboard/a.rs", r#"fn f() { r.route("/a", any(x)) }"#), (TABLE, r#"("GET", "/a", Read)"#)],
        &[("src/dashboard/a.rs", ""), (TABLE, r#"("GET", "/gone", Read)"#)],
    ],
    good: &[&[
        (
            "src/dashboard/a.rs",
            "const NEW: &str = \"/.new\";\nfn f() { r.route(\"/a\", get(x).post(y)).route(NEW, get(c::get)) }\n// .route(\"/c\", get(x))",
        ),
        (TABLE, r#"("GET", "/a", Read), ("POST", "/a", Admin), ("GET", "/.new", Nothing)"#),
    ]],
}];

fn untried(files: &[File]) -> Vec<Finding> {
    let Some(table) = files.iter().find(|file| file.path == TABLE) else { return Vec::new() };
    let tried = rows(table);
    let mut findings = Vec::new();
    let mut known = Vec::new();
    for file in files.iter().filter(|file| file.path.starts_with("src/dashboard/") && file.is_rust()) {
        for route in routes(file) {
            match route {
                Ok((line, method, path)) => {
                    if !tried.iter().any(|(_, row)| *row == (method.clone(), path.clone())) {
                        findings.push(Finding::new(file, line, format!("routes {method} {path}, which is not tried")));
                    }
                    known.push((method, path));
                }
                Err(line) => findings.push(Finding::new(file, line, "routes what cannot be read here")),
            }
        }
    }
    let gone = tried.into_iter().filter(|(_, row)| !known.contains(row));
    findings.extend(
        gone.map(|(line, (method, path))| {
            Finding::new(table, line, format!("tries {method} {path}, which no route is"))
        }),
    );
    findings
}

/// A method and a path.
type Row = (String, String);

/// The rows of the table, with their lines.
fn rows(table: &File) -> Vec<(usize, Row)> {
    let literals = Source::new(&table.text).literals;
    let row = |pair: &[super::source::Literal]| {
        let [method, path] = pair else { return None };
        let is_row = METHODS.contains(&method.text.to_lowercase().as_str()) && path.text.starts_with('/');
        is_row.then(|| (method.line, (method.text.clone(), path.text.clone())))
    };
    literals.windows(2).filter_map(row).collect()
}

/// What a file routes: line, method and path; the line alone where that cannot be told.
fn routes(file: &File) -> Vec<Result<(usize, String, String), usize>> {
    let source = Source::new(&file.text);
    let code: Vec<char> = source.code.chars().collect();
    let literal =
        |at: usize| source.literals.iter().find(|literal| literal.at == at).map(|literal| literal.text.clone());
    let mut routes = Vec::new();
    for (begin, _) in source.code.match_indices(".route(") {
        let begin = source.code[..begin].chars().count() + ".route(".len();
        let line = 1 + code[..begin].iter().filter(|c| **c == '\n').count();
        let end = end_of_call(&code, begin);
        let comma = (begin..end).find(|at| code[*at] == ',').unwrap_or(end);
        let first: String = code[begin..comma].iter().collect();
        let at = begin + first.chars().take_while(|c| c.is_whitespace()).count();
        let path = literal(at).or_else(|| constant(&source, first.trim()));
        let handlers: String = code[comma..end].iter().filter(|c| !c.is_whitespace()).collect();
        let called =
            |method: &&str| handlers.starts_with(&format!(",{method}(")) || handlers.contains(&format!(").{method}("));
        let methods: Vec<&str> = METHODS.into_iter().filter(|method| called(method)).collect();
        match path {
            Some(path) if !methods.is_empty() => {
                routes.extend(methods.into_iter().map(|method| Ok((line, method.to_uppercase(), path.clone()))));
            }
            _ => routes.push(Err(line)),
        }
    }
    routes
}

/// The value of a constant of the file.
fn constant(source: &Source, name: &str) -> Option<String> {
    let declared = source.code.find(&format!("const {name}: &str = "))?;
    let at = source.code[..declared].chars().count();
    source.literals.iter().find(|literal| literal.at > at).map(|literal| literal.text.clone())
}

/// Where the parenthesis ends whose inside begins at `begin`.
fn end_of_call(code: &[char], begin: usize) -> usize {
    let mut depth = 1;
    for (at, c) in code.iter().enumerate().skip(begin) {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    code.len()
}
