//! Keeping secrets out of what people and logs get to see.

/// Stands where a secret was.
pub const MASK: &str = "***";

/// Query parameters whose values are secret.
const SECRET_PARAMETERS: [&str; 6] = ["password=", "sslpassword=", "token=", "access_token=", "key=", "secret="];

/// How our own tokens, those of the Git hosts and the identities of age begin.
const TOKEN_PREFIXES: [&str; 9] =
    ["rtc_", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "AGE-SECRET-KEY-"];

/// `text` with the credentials of URLs, credentials of HTTP headers and tokens, ours and of Git hosts, masked.
///
/// In `scheme://user:password@host` the password goes, in `scheme://token@host` the token; in the query the values of
/// parameters such as `password`.
#[must_use]
pub fn redact(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut after_scheme_word = false;
    while !rest.is_empty() {
        let end = rest.find(is_delimiter).unwrap_or(rest.len());
        let (word, tail) = rest.split_at(end);
        if after_scheme_word && !word.is_empty() {
            out.push_str(MASK);
        } else {
            redact_word(word, &mut out);
        }
        if !word.is_empty() {
            after_scheme_word = word.eq_ignore_ascii_case("bearer") || word.eq_ignore_ascii_case("basic");
        }
        let delimiter = tail.chars().next().map_or(0, char::len_utf8);
        after_scheme_word &= tail.starts_with(' ');
        out.push_str(&tail[..delimiter]);
        rest = &tail[delimiter..];
    }
    out
}

/// Scheme and host of an address, the rest masked: for those that may be used by whoever knows their path.
#[must_use]
pub fn host_only(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return if url.is_empty() { String::new() } else { MASK.to_owned() };
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{host}/{MASK}")
}

fn is_delimiter(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>')
}

fn redact_word(word: &str, out: &mut String) {
    let Some(scheme_end) = word.find("://") else {
        return redact_tokens(word, out);
    };
    let (scheme, after) = word.split_at(scheme_end + 3);
    out.push_str(scheme);
    let rest = match userinfo_end(after) {
        Some(at) => {
            if let Some((user, _)) = after[..at].split_once(':') {
                out.push_str(user);
                out.push(':');
            }
            out.push_str(MASK);
            &after[at..]
        }
        None => after,
    };
    redact_query(rest, out);
}

/// Where the `@` that ends the credentials stands. A password may hold an unescaped `/` or `@`: once a colon stands before
/// the first `@`, everything up to the last one goes; rather too much of a path than a piece of a password.
fn userinfo_end(after_scheme: &str) -> Option<usize> {
    let first = after_scheme.find('@').filter(|_| !after_scheme.starts_with('['))?;
    if after_scheme[..first].contains(':') {
        return after_scheme.rfind('@');
    }
    after_scheme.find(['/', '?', '#']).is_none_or(|end| first < end).then_some(first)
}

fn redact_query(text: &str, out: &mut String) {
    let Some((path, query)) = text.split_once('?') else {
        return redact_tokens(text, out);
    };
    redact_tokens(path, out);
    for (index, pair) in query.split('&').enumerate() {
        out.push(if index == 0 { '?' } else { '&' });
        match SECRET_PARAMETERS.iter().find(|name| pair.to_ascii_lowercase().starts_with(**name)) {
            Some(name) => {
                out.push_str(&pair[..name.len()]);
                out.push_str(MASK);
            }
            None => redact_tokens(pair, out),
        }
    }
}

fn redact_tokens(word: &str, out: &mut String) {
    let mut rest = word;
    while let Some((at, prefix)) =
        TOKEN_PREFIXES.iter().filter_map(|prefix| rest.find(prefix).map(|at| (at, *prefix))).min()
    {
        let body = &rest[at + prefix.len()..];
        let end = body.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-').unwrap_or(body.len());
        out.push_str(&rest[..at]);
        // A handful of characters is a word in a sentence, not a token.
        out.push_str(if end >= 16 { MASK } else { &rest[at..at + prefix.len() + end] });
        rest = &body[end..];
    }
    out.push_str(rest);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::redact;

    #[test]
    fn credentials_of_urls_are_masked() {
        for (text, expected) in [
            ("postgres://cat:s3cret@db:5432/cats", "postgres://cat:***@db:5432/cats"),
            ("postgres://cat:s3/cr@et@db/cats", "postgres://cat:***@db/cats"),
            ("postgres://cat@db/cats", "postgres://***@db/cats"),
            ("see https://ghp_token@github.com/o/r.", "see https://***@github.com/o/r."),
            (
                "postgres://db/cats?user=cat&password=p&sslmode=require",
                "postgres://db/cats?user=cat&password=***&sslmode=require",
            ),
            ("Authorization: Bearer abc.def, next", "Authorization: Bearer *** next"),
            ("token ghp_0123456789abcdefghij!", "token ***!"),
            ("[\"AGE-SECRET-KEY-1QQPQZRY9X8GF2TVDW0S3JN\"]", "[\"***\"]"),
        ] {
            assert_eq!(redact(text), expected);
        }
    }

    #[test]
    fn what_is_no_secret_stays() {
        for text in [
            "https://github.com/owner/name@v1",
            "http://[::1]:8000/a@b",
            "http://[::1]/a@b",
            "ein Satz: mit user@example.org und \"quotes\"",
            "names such as ghp_x are words",
            "",
            "  two  blanks\n",
        ] {
            assert_eq!(redact(text), text);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn no_password_survives(user in "[a-z]{1,8}", secret in "[A-Za-z0-9:/?#@%._-]{0,20}XYZZY[A-Za-z0-9:%._-]{0,8}", before in ".{0,20}") {
            let text = format!("{before} postgres://{user}:{secret}@host:5432/db");
            prop_assert!(!redact(&text).contains("XYZZY"), "{}", redact(&text));
        }

        #[test]
        fn it_changes_nothing_twice(text in ".{0,80}") {
            let once = redact(&text);
            prop_assert_eq!(redact(&once), once);
        }
    }
}
