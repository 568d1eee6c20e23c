//! A migration's file as statements, so that a failure can name the one that failed.
//!
//! Knows what may hide a semicolon: literals, quoted names, dollar quotes, comments, parentheses. It does not know the
//! bodies of SQL-standard functions (`BEGIN ATOMIC`), which the oldest server that we serve does not know, either.

use std::str::Chars;

/// One statement of a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statement<'a> {
    /// Its text, without what stands before it; the semicolon is part of it.
    pub text: &'a str,
    /// The line of the script that it begins on, from 1.
    pub line: usize,
}

impl Statement<'_> {
    /// Its words and signs, without comments.
    pub fn tokens(&self) -> impl Iterator<Item = &str> {
        tokens(self.text).filter(|(token, _)| token.is_code()).map(|(_, text)| text)
    }

    /// How it begins, on one line, for people.
    #[must_use]
    pub fn beginning(&self) -> String {
        const LONG: usize = 60;
        let first: String = self.text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().trim().into();
        let first = first.trim_end_matches(';');
        match first.char_indices().nth(LONG) {
            Some((end, _)) => format!("{} ...", first[..end].trim_end()),
            None => first.to_owned(),
        }
    }

    /// The line of the script where the statement's character `position`, from 1, stands.
    #[must_use]
    pub fn line_at(&self, position: usize) -> usize {
        self.line + self.text.chars().take(position.saturating_sub(1)).filter(|c| *c == '\n').count()
    }
}

/// The statements of a script; what is only blanks and comments is none.
#[must_use]
pub fn statements(script: &str) -> Vec<Statement<'_>> {
    let mut line = 1;
    let mut found = Vec::new();
    for piece in pieces(script) {
        if let Some(start) = first_code(piece) {
            let lines_before = piece[..start].matches('\n').count();
            found.push(Statement { text: piece[start..].trim_end(), line: line + lines_before });
        }
        line += piece.matches('\n').count();
    }
    found
}

/// Where the first thing stands that is neither blank, comment nor a lone semicolon.
fn first_code(piece: &str) -> Option<usize> {
    let mut at = 0;
    for (token, text) in tokens(piece) {
        if token.is_code() && text != ";" {
            return Some(at);
        }
        at += text.len();
    }
    None
}

/// The script, cut behind each semicolon that ends a statement. Joined they are the script.
fn pieces(script: &str) -> Vec<&str> {
    let (mut from, mut at, mut depth) = (0, 0, 0_usize);
    let mut pieces = Vec::new();
    for (_, text) in tokens(script) {
        at += text.len();
        match text {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            ";" if depth == 0 => {
                pieces.push(&script[from..at]);
                from = at;
            }
            _ => {}
        }
    }
    if from < script.len() {
        pieces.push(&script[from..]);
    }
    pieces
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Blank,
    Comment,
    /// A literal, a quoted name, or a body in dollar quotes.
    Quoted,
    Word,
    /// One character of any other kind.
    Sign,
}

impl Token {
    fn is_code(self) -> bool {
        !matches!(self, Self::Blank | Self::Comment)
    }
}

/// All of `sql`, token by token.
fn tokens(sql: &str) -> impl Iterator<Item = (Token, &str)> {
    let mut rest = sql;
    std::iter::from_fn(move || {
        let (token, length) = token(rest)?;
        let (text, after) = rest.split_at(length);
        rest = after;
        Some((token, text))
    })
}

/// What `rest` begins with, and its length in bytes. What is never closed goes on to the end.
fn token(rest: &str) -> Option<(Token, usize)> {
    let mut characters = rest.chars();
    let first = characters.next()?;
    let second = characters.clone().next();
    Some(match (first, second) {
        (blank, _) if blank.is_whitespace() => {
            (Token::Blank, rest.find(|c: char| !c.is_whitespace()).unwrap_or(rest.len()))
        }
        ('-', Some('-')) => (Token::Comment, rest.find('\n').map_or(rest.len(), |end| end + 1)),
        ('/', Some('*')) => (Token::Comment, comment(rest)),
        ('e' | 'E', Some('\'')) => (Token::Quoted, 1 + quoted(&rest[1..], '\'', true)),
        ('\'' | '"', _) => (Token::Quoted, quoted(rest, first, false)),
        ('$', _) => match dollar_quoted(rest) {
            Some(length) => (Token::Quoted, length),
            None => (Token::Sign, 1),
        },
        (letter, _) if is_in_word(letter) => {
            (Token::Word, rest.find(|c| !is_in_word(c) && c != '$').unwrap_or(rest.len()))
        }
        (sign, _) => (Token::Sign, sign.len_utf8()),
    })
}

fn is_in_word(c: char) -> bool {
    c == '_' || c.is_ascii_alphanumeric() || !c.is_ascii() && !c.is_whitespace()
}

/// A doubled quote stands for one; that the literal goes on is what a second token of the same kind says.
fn quoted(rest: &str, quote: char, has_backslashes: bool) -> usize {
    let mut characters = rest.chars();
    characters.next();
    while let Some(c) = characters.next() {
        if c == '\\' && has_backslashes {
            characters.next();
        } else if c == quote {
            if !(has_backslashes && characters.as_str().starts_with(quote)) {
                break;
            }
            characters.next();
        }
    }
    consumed(rest, &characters)
}

fn comment(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut characters = rest.chars();
    while let Some(c) = characters.next() {
        let pair = (c, characters.as_str().chars().next());
        match pair {
            ('/', Some('*')) => depth += 1,
            ('*', Some('/')) => depth -= 1,
            _ => continue,
        }
        characters.next();
        if depth == 0 {
            break;
        }
    }
    consumed(rest, &characters)
}

/// `$tag$ ... $tag$`; none where it is only a dollar.
fn dollar_quoted(rest: &str) -> Option<usize> {
    let tag_end = 1 + rest[1..].find(|c| !is_in_word(c))?;
    let tag = &rest[1..tag_end];
    if !rest[tag_end..].starts_with('$') || tag.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let mark = &rest[..=tag_end];
    Some(rest[mark.len()..].find(mark).map_or(rest.len(), |end| end + 2 * mark.len()))
}

fn consumed(rest: &str, characters: &Chars<'_>) -> usize {
    rest.len() - characters.as_str().len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(script: &str) -> Vec<(usize, &str)> {
        statements(script).iter().map(|statement| (statement.line, statement.text)).collect()
    }

    #[test]
    fn what_hides_a_semicolon_does_not_end_a_statement() {
        for whole in [
            "SELECT ';'",
            "SELECT 'it''s; one'",
            r"SELECT E'a\';b'",
            r"SELECT e'a''\\;b'",
            "SELECT \"a;\"\"b\"",
            "SELECT $$a;b$$",
            "SELECT $a_1$ ; $$ ; $b$ ; $a_1$",
            "SELECT 1 -- ; one\n",
            "SELECT /* ; /* ; */ ; */ 1",
            "CREATE RULE a AS ON DELETE TO b DO (SELECT 1; SELECT 2)",
            "SELECT 'never closed;",
            "SELECT /* never /* closed; */",
            "SELECT $a$ never closed; $b$",
        ] {
            assert_eq!(texts(whole).len(), 1, "{whole}");
            assert_eq!(texts(whole)[0].1, whole.trim_end(), "{whole}");
        }
    }

    #[test]
    fn what_looks_alike_does_end_it() {
        for (script, count) in [
            (r"SELECT 'a\'; SELECT 2", 2),
            ("SELECT a$b$; SELECT c$b$", 2),
            ("SELECT $1; SELECT $1", 2),
            ("SELECT name'x'; SELECT 2", 2),
            ("SELECT ) ; SELECT 2", 2),
            (";; -- nothing\n;", 0),
        ] {
            assert_eq!(texts(script).len(), count, "{script}");
        }
    }

    #[test]
    fn a_statement_knows_its_line() {
        let script = "-- first\nSELECT 1; /* a\n b */ SELECT\n  'x\ny';\n\n-- last\nSELECT 3";
        assert_eq!(texts(script), [(2, "SELECT 1;"), (3, "SELECT\n  'x\ny';"), (8, "SELECT 3")]);
        let second = statements(script)[1];
        assert_eq!(["SELECT", "y"].map(|word| second.line_at(1 + second.text.find(word).unwrap())), [3, 5]);
        assert_eq!((second.beginning(), statements(script)[2].beginning()), ("SELECT".into(), "SELECT 3".into()));
    }

    #[test]
    fn tokens_come_without_comments() {
        let statement = statements("/* a */ CREATE -- b\n INDEX \"a b\" ON c.d;")[0];
        assert_eq!(statement.tokens().collect::<Vec<_>>(), ["CREATE", "INDEX", "\"a b\"", "ON", "c", ".", "d", ";"]);
    }

    #[test]
    fn the_migrations_are_many_statements() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/0002_queue.up.sql");
        let script = std::fs::read_to_string(folder).unwrap();
        let found = statements(&script);
        assert!(found.iter().all(|statement| statement.text.ends_with(';')), "{found:?}");
        assert!(found.iter().filter(|statement| statement.beginning().starts_with("CREATE TABLE")).count() > 3);
    }

    /// What scripts are made of, with what may break a splitter.
    fn script() -> impl Strategy<Value = String> {
        let parts = [
            "'", "\"", "$", "$$", "$a$", "E'", "e", "\\", "--", "\n", "/*", "*/", ";", "(", ")", "a", "1", " ", "ü",
            "SELECT",
        ];
        prop::collection::vec(prop::sample::select(parts.to_vec()), 0..40).prop_map(|parts| parts.concat())
    }

    proptest! {
        #[test]
        fn joined_pieces_are_the_script(script in script()) {
            prop_assert_eq!(pieces(&script).concat(), script.clone());
            for statement in statements(&script) {
                let begins = script.lines().nth(statement.line - 1).unwrap();
                prop_assert!(begins.contains(statement.text.lines().next().unwrap().trim_end()));
            }
        }

        #[test]
        fn whole_statements_are_found_again(
            parts in prop::collection::vec(prop::sample::select(vec![
                "SELECT ';'", "SELECT $a$;$a$", "SELECT /* ; */ 1", "SELECT (1; 2)", r"SELECT E'\';'", "SELECT \";\"",
            ]), 0..8)
        ) {
            let script: String = parts.iter().map(|part| format!("{part};\n")).collect();
            let found: Vec<String> = statements(&script).iter().map(|found| found.text.to_owned()).collect();
            prop_assert_eq!(found, parts.iter().map(|part| format!("{part};")).collect::<Vec<_>>());
        }
    }
}
