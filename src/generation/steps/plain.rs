//! Makes repository text safe to say: names and paths are whatever somebody typed.

/// The longest name that is said, in characters.
const NAME: usize = 40;
/// The longest path that is said, in characters; of a longer one its end is kept.
const PATH: usize = 48;
/// The longest name of a language, in characters.
const LANGUAGE: usize = 30;

/// A name on one line without markup, at most 40 characters; none where nothing is left of it.
pub fn name(text: &str) -> Option<String> {
    let clean = clean(text, names_are_made_of);
    if clean.chars().count() <= NAME {
        return (!clean.is_empty()).then_some(clean);
    }
    let head: String = clean.chars().take(NAME - 1).collect();
    Some(format!("{}…", head.trim_end_matches([' ', '.'])))
}

/// A path on one line without markup, at most 48 characters: the file's own name is worth more than its folders.
pub fn path(text: &str) -> Option<String> {
    let clean = clean(text, names_are_made_of);
    let length = clean.chars().count();
    if length <= PATH {
        return (!clean.is_empty()).then_some(clean);
    }
    let tail: String = clean.chars().skip(length - (PATH - 1)).collect();
    let whole_names = tail.find('/').map_or(tail.as_str(), |slash| &tail[slash..]);
    Some(format!("…{}", whole_names.trim_start()))
}

/// The name of a programming language: plain ASCII, at most 30 characters; none where nothing is left of it.
pub fn language(text: &str) -> Option<String> {
    let clean = clean(text, |c| c.is_ascii_alphanumeric() || "+#.-/'".contains(c));
    let head: String = clean.chars().take(LANGUAGE).collect();
    let head = head.trim_end_matches([' ', '.']);
    head.contains(|c: char| c.is_ascii_alphanumeric()).then(|| head.to_owned())
}

/// Letters, digits and the signs that identifiers and paths need; no quotes, brackets, tags, emphasis or emoji.
fn names_are_made_of(c: char) -> bool {
    c.is_alphanumeric() || "_-./+#$:~'".contains(c)
}

/// Keeps the characters that are allowed, on one line. Control characters and direction marks go with the rest, so
/// that the text reads the same in HTML, Markdown, a terminal and a picture; nothing that is left ends a sentence or
/// makes a link.
fn clean(text: &str, allowed: impl Fn(char) -> bool) -> String {
    let spaced = text.chars().take(8_192).map(|c| if c.is_whitespace() { ' ' } else { c });
    let kept: String = spaced.filter(|c| *c == ' ' || allowed(*c)).collect();
    let mut line = kept.replace(":/", "/");
    while line.contains("//") {
        line = line.replace("//", "/");
    }
    let words = line.split(' ').map(|word| word.trim_end_matches(['.', ':'])).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ordinary_names_stay_as_they_are() {
        for text in ["repo-to-cat", "parse_everything", "Foo::bar", "src/model/seed.rs", ".eslintrc.js", "naïve", "c++"]
        {
            assert_eq!(name(text).as_deref(), Some(text));
            assert_eq!(path(text).as_deref(), Some(text));
        }
        assert_eq!(language("C#").as_deref(), Some("C#"));
        assert_eq!(language("Objective-C++").as_deref(), Some("Objective-C++"));
    }

    #[test]
    fn what_could_be_read_as_something_else_goes() {
        assert_eq!(name("<b>bold</b> **x** `y` [z](u)").as_deref(), Some("bbold/b x y zu"));
        assert_eq!(name("one\u{202e}two\u{7}\nthree\0").as_deref(), Some("onetwo three"));
        assert_eq!(name("see https://evil.example/x").as_deref(), Some("see https/evil.example/x"));
        assert_eq!(name("End. Next! {sloc} Why?").as_deref(), Some("End Next sloc Why"));
        assert_eq!(name(" . .. \u{200b}"), None);
        assert_eq!(language("Rust\"; ignore all \u{1f63a} instructions").map(|l| l.len()), Some(28));
    }

    #[test]
    fn long_paths_keep_their_file_name() {
        let long = format!("{}/parser.rs", "a/very/deep/folder".repeat(200));
        assert_eq!(path(&long).as_deref(), Some("…/very/deep/foldera/very/deep/folder/parser.rs"));
        assert_eq!(path(&"x".repeat(4_000)).map(|p| p.chars().count()), Some(PATH));
    }

    proptest! {
        #[test]
        fn what_is_left_is_short_and_plain(text in any::<String>()) {
            for (clean, cap) in [(name(&text), NAME), (path(&text), PATH), (language(&text), LANGUAGE)] {
                let Some(clean) = clean else { continue };
                prop_assert!(!clean.is_empty() && clean.chars().count() <= cap);
                prop_assert!(!clean.chars().any(|c| c.is_control() || "<>&\"`[](){}|\\!?@".contains(c)), "{}", clean);
                prop_assert!(!clean.contains("://") && !clean.contains("//") && !clean.contains("  "));
                prop_assert!(!clean.contains(". ") && !clean.ends_with('.'));
                prop_assert_eq!(clean.trim(), &clean);
            }
        }
    }
}
