//! Functions and their figures, language by language.

use crate::generation::score::examine::{Depth, Examiner};
use crate::generation::score::facts::FileFacts;

fn facts(path: &str, source: &str) -> FileFacts {
    Examiner::default().examine(path, source.as_bytes(), Depth::Parse, 0).0
}

/// `name line sloc parameters cyclomatic cognitive nesting typed test`, a function a line.
fn table(path: &str, source: &str) -> String {
    let facts = facts(path, source);
    assert!(facts.parsed, "{:?}", facts.notes);
    let row = |function: &super::MeasuredFunction| {
        let m = &function.metrics;
        format!(
            "{} @{} sloc {} params {} cyc {} cog {} nest {}{}{}",
            m.name,
            m.line,
            m.sloc,
            m.parameters,
            m.cyclomatic,
            m.cognitive,
            m.nesting,
            if m.typed { " typed" } else { "" },
            if function.is_test { " test" } else { "" },
        )
    };
    facts.functions.iter().map(row).collect::<Vec<_>>().join("\n")
}

#[test]
fn rust() {
    let source = r"
/// Says.
fn a(x: u8, y: &str) -> u8 {
    // nothing

    if x > 1 && y.is_empty() && x < 9 || x == 3 {
        1
    } else if x == 0 {
        for i in 0..3 {
            match i {
                0 => {}
                1 => {}
                _ => {}
            }
        }
        2
    } else {
        3
    }
}

impl T {
    fn method(&self) {
        let f = |v: u8| if v > 0 { v } else { 0 };
        let Some(x) = self.x else { return };
        if let Some(a) = x && b && let Some(c) = y {}
        'outer: loop {
            while f(x) > 0 {
                break 'outer;
            }
        }
        fn inner() {
            if true {}
        }
    }
}

#[cfg(test)]
mod tests {
    fn helper() {}
    #[test]
    fn works() {}
}
";
    insta::assert_snapshot!(table("a.rs", source));
}

#[test]
fn python() {
    let source = r#"
"""Docs."""

def a(self, x: int, y=1):
    """More."""
    if x and y or x:
        return [i for i in x if i]
    elif y:
        while True:
            try:
                pass
            except ValueError:
                return 1 if x else 2
    else:
        pass

async def b(x):
    return x \
        or 1 \
        or 2

class C:
    def m(self):
        def inner(z):
            for q in z:
                pass
        match z:
            case 1: pass
            case _: pass
        return lambda v: v or 1
"#;
    insta::assert_snapshot!(table("a.py", source));
}

#[test]
fn javascript() {
    let source = r"
function a(x, y) {
  if (x) { return y ? 1 : 2 } else if (y) { return 3 } else { return 4 }
}
const b = (x) => x.map((v) => { if (v) { return 1 } return 2 });
class C {
  field = () => { for (const i of x) {} };
  m() {
    switch (this.x) { case 1: case 2: break; default: break }
    label: for (;;) { continue label }
    try { a() } catch (e) { b() }
  }
}
module.exports.d = function () { return a && b };
run(function named() { do { x() } while (y) });
top(() => { if (x) {} });
";
    insta::assert_snapshot!(table("a.js", source));
}

#[test]
fn typescript() {
    let source = r#"
function a(x: number, y?): string { return x > 1 || y ? "a" : "b" }
const b = (x) => x;
function c() {}
abstract class D { abstract e(): void; f(x: T[]) { if (x) { while (x) {} } } }
"#;
    insta::assert_snapshot!(table("a.ts", source));
    let tsx = "const A = (p: P) => {\n  return <div>\n\n    {p.x && <b/>}\n\n  </div>\n}\n";
    insta::assert_snapshot!(table("a.tsx", tsx), @"A @1 sloc 5 params 1 cyc 2 cog 1 nest 0 typed");
}

#[test]
fn go() {
    let source = r"
package p

func a(x, y int, z string) (int, error) {
	if x := f(); x > 1 && y < 2 {
		return 1, nil
	} else if y == 0 {
		go func() { if y > 0 {} }()
	} else {
		goto end
	}
	for i := 0; i < 3; i++ {
		switch i {
		case 1, 2:
		default:
		}
		select {
		case <-c:
		}
	}
end:
	return 0, nil
}

func (t *T) m() {}
";
    insta::assert_snapshot!(table("a.go", source));
}

#[test]
fn java() {
    let source = r"
class A {
  A(int x) { this.x = x; }
  abstract void none();
  int a(int x, String y) {
    if (x > 1) return 1; else if (y == null) return 2; else return 3;
  }
  void b() {
    for (int i = 0; i < 3; i++) { while (true) { break; } }
    switch (x) { case 1: case 2: break; default: break; }
    var z = switch (x) { case 1 -> 2; default -> 3; };
    try { x(); } catch (E e) { y(v -> v ? 1 : 2); } finally { }
    new Thread(new R() { public void run() { if (x && y || z) {} } });
  }
}
";
    insta::assert_snapshot!(table("A.java", source));
}

#[test]
fn lines_are_counted_by_tokens() {
    let facts = facts("a.rs", "/* a\n\n b */ fn f() {\n\n  // c\n  x(); // d\n  let s = \"\n\n\";\n}\n\n");
    assert_eq!((facts.sloc, facts.comments, facts.blanks), (6, 3, 2), "the row with comment and code is code");
}

#[test]
fn attributes_of_tests_are_told_apart() {
    for (text, expected) in [
        ("#[test]", true),
        ("#[tokio::test(flavor = \"multi_thread\")]", true),
        ("#[cfg(test)]", true),
        ("#[cfg( all(test, unix) )]", true),
        ("#[cfg(not(test))]", false),
        ("#[cfg(feature = \"test\")]", false),
        ("#[derive(Test)]", false),
        ("#[cfg_attr(test, derive(Debug))]", false),
    ] {
        assert_eq!(super::is_test_attribute(text.as_bytes()), expected, "{text}");
    }
}
