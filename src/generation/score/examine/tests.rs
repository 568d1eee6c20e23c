//! Lines, languages and notes of whole files.

use proptest::prelude::*;

use super::*;

fn examine(path: &str, content: &[u8]) -> FileFacts {
    Examiner::default().examine(path, content, Depth::Parse, 0).0
}

#[test]
fn garbage_costs_a_note_at_most() {
    let noise: Vec<u8> = (0..100_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    assert_eq!(examine("a.py", &noise).left_out, Some(LeftOutReason::Binary));
    assert_eq!(examine("a.py", b"\0").left_out, Some(LeftOutReason::Binary));
    assert_eq!(examine("a.py", b"").sloc, 0);
    let latin = examine("a.py", b"x = '\xe4'\n");
    assert_eq!((latin.sloc, latin.parsed, latin.notes.len()), (1, true, 1));
    for open in ["(", "[", "{", "f(", "if (x) {", "<a>{"] {
        let facts = examine("a.tsx", open.repeat(200_000 / open.len()).as_bytes());
        assert!(!facts.parsed && facts.notes[0].starts_with("brackets nested"), "{open}: {:?}", facts.notes);
    }
}

#[test]
fn deep_nesting_without_brackets_does_not_overflow_the_stack() {
    for (path, source) in [
        ("a.rs", format!("fn f() {{ {}x }}", "!".repeat(100_000))),
        ("a.py", format!("x = {}1\n", "not ".repeat(100_000))),
        ("a.js", format!("x = {}1", "a +\n".repeat(50_000))),
        ("a.go", format!("package p\nvar x = {}1", "-".repeat(100_000))),
        ("A.java", format!("class A {{ void f() {{ {} }} }}", "if (x) ; else ".repeat(20_000))),
    ] {
        let facts = examine(path, source.as_bytes());
        assert!(facts.parsed || !facts.notes.is_empty(), "{path}");
    }
}

#[test]
fn one_long_line_is_one_line() {
    let facts = examine("a.py", format!("x = '{}'\n", "a".repeat(400_000)).as_bytes());
    assert_eq!((facts.sloc, facts.lines.longest), (1, 400_006));
}

#[test]
fn text_that_is_no_code_is_not_scored() {
    let facts = examine("a.rs", "%% ??? )) ¤ ]] ".repeat(200).as_bytes());
    assert!(!facts.parsed && facts.functions.is_empty(), "{:?}", facts.notes);
}

#[test]
fn languages_without_a_grammar_are_counted() {
    let facts = examine("a.c", b"/* c */\nint x;\n\n");
    assert_eq!((facts.language.as_deref(), facts.sloc, facts.comments, facts.blanks), (Some("C"), 1, 1, 1));
    let script = examine("bin/tool", b"#!/usr/bin/env python3\ndef f():\n  pass\n");
    assert_eq!((script.language.as_deref(), script.functions.len()), (Some("Python"), 1));
    assert_eq!(examine("notes.xyz", b"hello").left_out, Some(LeftOutReason::NotCode));
    assert_eq!(examine("a.json", b"{}\n").left_out, Some(LeftOutReason::NotCode));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_bytes_are_survived(
        extension in prop::sample::select(vec!["rs", "py", "js", "ts", "tsx", "go", "java", "c", "html", "ipynb", "md"]),
        bytes in prop::collection::vec(any::<u8>(), 0..2000),
    ) {
        let facts = examine(&format!("a.{extension}"), &bytes);
        let lines = bytes.split(|&byte| byte == b'\n').count() as u64;
        prop_assert!(!facts.parsed || facts.sloc + facts.comments + facts.blanks <= lines);
    }

    #[test]
    fn any_words_of_a_language_are_survived(
        extension in prop::sample::select(vec!["rs", "py", "js", "ts", "go", "java"]),
        words in prop::collection::vec(prop::sample::select(vec![
            "if", "else", "for", "while", "{", "}", "(", ")", ":", ";", "\n", "\n  ", "x", "fn", "def", "func", "&&", "||",
            "and", "switch", "case", "match", "=>", "->", "\"", "'", "/*", "*/", "//", "#", "class", "lambda", "=", "é",
        ]), 0..300),
    ) {
        let facts = examine(&format!("a.{extension}"), words.join(" ").as_bytes());
        for function in &facts.functions {
            prop_assert!(function.metrics.cyclomatic >= 1 && function.metrics.sloc <= function.metrics.length);
        }
    }
}
