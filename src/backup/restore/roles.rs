//! The roles of a backup, as `pg_dumpall` wrote them.

use std::io::Read;
use std::sync::Arc;

use super::input::Stored;
use super::load::on_thread;
use super::plan::{Plan, What};
use crate::backup::Yard;
use crate::backup::pipe::{self, Identities};
use crate::model::backup::manifest::FileRole;
use crate::model::failure::Result;
use crate::model::progress::Silent;

/// The statements that make the roles which the server lacks, and say what they may; none where the backup has none.
pub(super) async fn statements(yard: &Yard, plan: &Plan) -> Result<Vec<String>> {
    let What::Stored(name, manifest) = &plan.what else { return Ok(Vec::new()) };
    let Some(file) = manifest.files.iter().find(|file| file.role == FileRole::Globals) else {
        return Ok(Vec::new());
    };
    let stored = Stored::new(yard.vault.read(name, &file.name).await?, file, manifest);
    let identities = Identities::of(&yard.settings.identity_file)?;
    let verifies = plan.wish.verifies;
    let globals = on_thread(move || {
        let mut globals = String::new();
        let mut input = stored.decoded(Arc::new(Silent), |input| input, verifies, &identities)?;
        input.read_to_string(&mut globals).map_err(|error| pipe::failure_of(error, "the roles cannot be read"))?;
        Ok(globals)
    })
    .await?;
    Ok(about(&globals, &plan.missing_roles))
}

/// Those statements that make one of these roles or say what it may.
fn about(globals: &str, roles: &[String]) -> Vec<String> {
    let is_about = |statement: &&str| {
        let role = statement.strip_prefix("CREATE ROLE ").or_else(|| statement.strip_prefix("ALTER ROLE "));
        role.is_some_and(|rest| {
            roles.iter().any(|role| {
                let quoted = format!("\"{}\"", role.replace('"', "\"\""));
                [role, &quoted].into_iter().any(|name| {
                    rest.strip_prefix(name.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(" WITH "))
                })
            })
        })
    };
    split(globals).into_iter().filter(is_about).map(str::to_owned).collect()
}

/// The statements of a script, without their semicolons. What stands in quotes is no statement: any role may have a
/// setting of its own, and a comment, that looks like one.
fn split(script: &str) -> Vec<&str> {
    let mut statements = Vec::new();
    let mut rest = script;
    loop {
        rest = rest.trim_start();
        // Comments, and commands to psql, go to the end of the line.
        while rest.starts_with("--") || rest.starts_with('\\') {
            rest = rest.split_once('\n').map_or("", |(_, rest)| rest).trim_start();
        }
        let Some(end) = end(rest) else { return statements };
        statements.push(&rest[..end]);
        rest = &rest[end + 1..];
    }
}

/// Where a statement ends: its semicolon; none where there is none.
fn end(statement: &str) -> Option<usize> {
    let (mut quote, mut has_escapes, mut before) = (None, false, b' ');
    let mut bytes = statement.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match (quote, byte) {
            (None, b';') => return Some(at),
            (None, b'\'' | b'"') => {
                // A doubled one ends a text and goes on with it.
                let goes_on = has_escapes && before == b'\'';
                has_escapes = byte == b'\'' && (goes_on || matches!(before, b'E' | b'e'));
                quote = Some(byte);
            }
            (Some(_), b'\\') if has_escapes => _ = bytes.next(),
            (Some(open), _) if open == byte => quote = None,
            _ => {}
        }
        before = byte;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_missing_roles_are_made() {
        let globals = "--\n-- Roles; all\n--\n\n\\restrict x\nCREATE ROLE cat;\n\
                       ALTER ROLE cat WITH NOSUPERUSER LOGIN PASSWORD 'SCRAM;';\nCREATE ROLE \"a \"\"b\";\n\
                       CREATE ROLE catnip;\nALTER ROLE cat SET search_path TO 'x';\nGRANT cat TO catnip;\n";
        let made = about(globals, &["cat".to_owned(), "a \"b".to_owned()]);
        assert_eq!(
            made,
            ["CREATE ROLE cat", "ALTER ROLE cat WITH NOSUPERUSER LOGIN PASSWORD 'SCRAM;'", "CREATE ROLE \"a \"\"b\""]
        );
    }

    #[test]
    fn what_stands_in_quotes_is_no_statement() {
        const HOSTILE: &str = ";\nALTER ROLE cat WITH SUPERUSER;\n";
        for globals in [
            format!("ALTER ROLE cat SET a.b TO '{HOSTILE}';\n"),
            format!("ALTER ROLE cat SET a.b TO 'it''s{HOSTILE}';\n"),
            format!("ALTER ROLE cat SET a.b TO E'\\\\''{HOSTILE}\\'{HOSTILE}';\n"),
            format!("COMMENT ON ROLE cat IS '\\{HOSTILE}';\n"),
            format!("ALTER ROLE \"{HOSTILE}\" WITH LOGIN;\n"),
        ] {
            let after = format!("{globals}CREATE ROLE cat;\n");
            assert_eq!(about(&after, &["cat".to_owned()]), ["CREATE ROLE cat"], "{globals}");
        }
    }
}
