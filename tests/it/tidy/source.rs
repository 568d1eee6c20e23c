//! Just enough of Rust's lexical grammar to tell code from comments and literals.

/// A source text, taken apart. Lines keep their numbers.
pub struct Source {
    /// The text with comments and the contents of literals blanked, character for character.
    pub code: String,
    /// The string literals, in order.
    pub literals: Vec<Literal>,
}

/// A string literal.
#[derive(Debug, PartialEq)]
pub struct Literal {
    /// The line it starts on.
    pub line: usize,
    /// Its content as it is written.
    pub text: String,
    /// Where its opening quote stands, in characters.
    pub at: usize,
}

impl Source {
    /// Takes `text` apart.
    pub fn new(text: &str) -> Self {
        let chars: Vec<char> = text.chars().collect();
        let mut source = Self { code: String::with_capacity(text.len()), literals: Vec::new() };
        let mut at = 0;
        while at < chars.len() {
            let end = source.take(&chars, at);
            debug_assert!(end > at);
            at = end;
        }
        source
    }

    /// Takes what starts at `at`; returns where it ends.
    fn take(&mut self, chars: &[char], at: usize) -> usize {
        let next = chars.get(at + 1).copied();
        match chars[at] {
            '/' if next == Some('/') => {
                let end = position(chars, at, |rest| rest[0] == '\n');
                self.blank(&chars[at..end]);
                end
            }
            '/' if next == Some('*') => {
                let end = end_of_comment(chars, at);
                self.blank(&chars[at..end]);
                end
            }
            '"' => self.string(chars, at + 1, 0, true),
            'r' if !follows_a_name(chars, at) => {
                let hashes = chars[at + 1..].iter().take_while(|&&c| c == '#').count();
                if chars.get(at + 1 + hashes) == Some(&'"') {
                    self.blank(&chars[at..=at + hashes]);
                    return self.string(chars, at + hashes + 2, hashes, false);
                }
                self.code.push('r');
                at + 1
            }
            '\'' if next == Some('\\') => {
                let end = position(chars, at + 3, |rest| rest[0] == '\'') + 1;
                self.blank(&chars[at..end.min(chars.len())]);
                end.min(chars.len())
            }
            '\'' if chars.get(at + 2) == Some(&'\'') => {
                self.blank(&chars[at..at + 3]);
                at + 3
            }
            c => {
                self.code.push(c);
                at + 1
            }
        }
    }

    /// Takes a string's content from `start` and its closing quote with `hashes`.
    fn string(&mut self, chars: &[char], start: usize, hashes: usize, escapes: bool) -> usize {
        let mut end = start;
        while end < chars.len() {
            if escapes && chars[end] == '\\' {
                end += 1;
            } else if chars[end] == '"' && chars[end + 1..].iter().take(hashes).filter(|&&c| c == '#').count() == hashes
            {
                break;
            }
            end += 1;
        }
        let end = end.min(chars.len());
        let closed = (end + 1 + hashes).min(chars.len());
        let line = 1 + chars[..start].iter().filter(|&&c| c == '\n').count();
        self.literals.push(Literal { line, text: chars[start..end].iter().collect(), at: start - 1 });
        self.code.push('"');
        self.blank(&chars[start..end]);
        self.code.extend(chars[end..closed].iter().map(|&c| if c == '"' { '"' } else { ' ' }));
        closed
    }

    fn blank(&mut self, chars: &[char]) {
        self.code.extend(chars.iter().map(|&c| if c == '\n' { '\n' } else { ' ' }));
    }

    /// The code without its `#[cfg(test)]` items.
    pub fn code_without_tests(&self) -> String {
        let mut code = self.code.clone();
        while let Some(start) = code.find("#[cfg(test)]") {
            let rest = &code[start..];
            let mut depth = 0_usize;
            let length = rest
                .char_indices()
                .find_map(|(at, c)| {
                    match c {
                        '{' => depth += 1,
                        '}' => depth = depth.saturating_sub(1),
                        _ => {}
                    }
                    (depth == 0 && matches!(c, '}' | ';')).then_some(at + 1)
                })
                .unwrap_or(rest.len());
            let blank: String = rest[..length].chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect();
            code.replace_range(start..start + length, &blank);
        }
        code
    }
}

/// Where `code` names `word` as a whole word (it may hold `::`): line numbers.
pub fn lines_naming(code: &str, word: &str) -> Vec<usize> {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let mut lines = Vec::new();
    for (number, line) in code.lines().enumerate() {
        let found = line
            .match_indices(word)
            .any(|(at, _)| !line[..at].ends_with(is_name) && !line[at + word.len()..].starts_with(is_name));
        if found {
            lines.push(number + 1);
        }
    }
    lines
}

fn position(chars: &[char], from: usize, test: impl Fn(&[char]) -> bool) -> usize {
    (from..chars.len()).find(|&at| test(&chars[at..])).unwrap_or(chars.len())
}

fn end_of_comment(chars: &[char], start: usize) -> usize {
    let mut depth = 0_usize;
    let mut at = start;
    while at < chars.len() {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => {
                depth += 1;
                at += 2;
            }
            ('*', Some('/')) => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    break;
                }
            }
            _ => at += 1,
        }
    }
    at.min(chars.len())
}

/// Whether the character at `at` continues a name, apart from the prefixes of `br"` and `cr"`.
fn follows_a_name(chars: &[char], at: usize) -> bool {
    let is_name = |at: usize| chars.get(at).is_some_and(|c| c.is_alphanumeric() || *c == '_');
    match at.checked_sub(1) {
        None => false,
        Some(before) if matches!(chars[before], 'b' | 'c') => before.checked_sub(1).is_some_and(is_name),
        Some(before) => is_name(before),
    }
}

#[test]
fn comments_and_literals_are_not_code() {
    let source = Source::new(
        "use a; // sqlx\n/* sqlx /* sqlx */\n */ let x = \"sqlx \\\" sqlx\"; let y = br#\"sq\"lx\"#;\nlet c = '\"'; fn f<'a>() {}",
    );
    assert!(!source.code.contains("sqlx"), "{}", source.code);
    assert_eq!(source.code.chars().nth(source.literals[1].at), Some('"'));
    assert!(source.code.contains("fn f<'a>() {}"), "{}", source.code);
    let literals: Vec<_> = source.literals.iter().map(|literal| (literal.line, literal.text.as_str())).collect();
    assert_eq!(literals, [(3, "sqlx \\\" sqlx"), (3, "sq\"lx")]);
}

#[test]
fn test_modules_can_be_left_out() {
    let source = Source::new("fn a() {}\n#[cfg(test)]\nmod tests { fn b() { {} } }\n#[cfg(test)]\nuse c;\nfn d() {}\n");
    let code = source.code_without_tests();
    assert_eq!(code.split_whitespace().collect::<String>(), "fna(){}fnd(){}");
    assert_eq!(lines_naming(&code, "fn"), [1, 6]);
}
