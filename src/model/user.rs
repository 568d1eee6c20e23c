//! Users: what their names and addresses may be.

use uuid::Uuid;

use crate::model::failure::{Failure, Kind, Result};

/// Characters that a name or an address may have at most.
const LONGEST: usize = 255;

/// Fails unless `name` can be the name of a user or a token.
pub fn check_name(what: &str, name: &str) -> Result<()> {
    let refuse = |fault: &str| {
        Err(Failure::new(Kind::Invalid, format!("{what} {fault}"))
            .hint(format!("1 to {LONGEST} characters, no control characters, no blanks at its ends")))
    };
    match name.chars().count() {
        0 => refuse("is empty"),
        length if length > LONGEST => refuse(&format!("has {length} characters")),
        _ if name.contains(char::is_control) => refuse("has control characters"),
        _ if name.trim() != name => refuse("begins or ends with a blank"),
        _ => Ok(()),
    }
}

/// Fails unless a user can be added with this name.
pub fn check_new_name(name: &str) -> Result<()> {
    check_name("the user's name", name)?;
    if name.parse::<Uuid>().is_ok() {
        return Err(Failure::new(Kind::Invalid, "the user's name looks like an id")
            .hint("users are found by name, address or id: take a name that is none of the others"));
    }
    Ok(())
}

/// Fails unless `address` looks like an e-mail address.
pub fn check_email(address: &str) -> Result<()> {
    check_name("the e-mail address", address)?;
    let has_form = address.rsplit_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty());
    if has_form && !address.contains(char::is_whitespace) {
        return Ok(());
    }
    Err(Failure::new(Kind::Invalid, format!("`{address}` is no e-mail address")).hint("for example: cat@example.org"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_names() {
        for name in ["cat", "Käthe", "a b", "x@y", &"n".repeat(255), &"ü".repeat(255)] {
            check_new_name(name).unwrap_or_else(|failure| panic!("{name}: {failure}"));
        }
        let id = Uuid::nil().to_string();
        for name in ["", " ", " cat", "cat ", "c\nat", "c\u{9b}at", "\0", &"n".repeat(256), &id] {
            assert_eq!(check_new_name(name).unwrap_err().kind(), Kind::Invalid, "{name:?}");
        }
    }

    #[test]
    fn addresses_are_addresses() {
        for address in ["cat@example.org", "\"a@b\"@example.org", "käthe@beispiel.de"] {
            check_email(address).unwrap_or_else(|failure| panic!("{address}: {failure}"));
        }
        for address in ["", "cat", "@example.org", "cat@", "c at@example.org", &format!("{}@b", "a".repeat(254))] {
            assert_eq!(check_email(address).unwrap_err().kind(), Kind::Invalid, "{address:?}");
        }
    }
}
