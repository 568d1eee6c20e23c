//! Passwords, hashed by bcrypt, as the applications that databases are adopted from do.
//!
//! Hashing takes a good part of a second, on purpose: not for a thread that serves others.

use crate::model::failure::{Failure, Kind, Result};

/// Rounds, as a power of two: what Python's libraries take, too.
const COST: u32 = bcrypt::DEFAULT_COST;
/// bcrypt looks at no more bytes, the NUL that ends a password included.
const LONGEST: usize = 71;

/// What a hash says of a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is the one.
    Right,
    /// It is another.
    Wrong,
    /// There is none to compare with.
    None,
}

/// The hash of a new password, with a random `salt`.
pub fn hash(password: &str, salt: [u8; 16]) -> Result<String> {
    let refuse =
        |what: String| Err(Failure::new(Kind::Invalid, what).hint(format!("take 1 to {LONGEST} bytes of text")));
    match password.len() {
        0 => refuse("the password is empty".to_owned()),
        length if length > LONGEST => {
            refuse(format!("the password has {length} bytes, of which bcrypt would not see all"))
        }
        _ if password.contains('\0') => refuse("the password has a NUL in it".to_owned()),
        _ => bcrypt::hash_with_salt(password, COST, salt)
            .map(|parts| parts.to_string())
            .map_err(|error| Failure::new(Kind::Internal, "the password cannot be hashed").source(error.to_string())),
    }
}

/// Compares a password with a hash. Where there is none, it takes as long, so that nobody can tell by the time.
pub fn verify(password: &str, hash: Option<&str>) -> Result<Verdict> {
    let Some(hash) = hash.filter(|hash| !hash.is_empty()) else {
        let work = bcrypt::hash_with_salt(password, COST, [0; 16]);
        return work.map(|_| Verdict::None).map_err(|_| unknown());
    };
    if !["$2a$", "$2b$", "$2y$"].iter().any(|form| hash.starts_with(form)) {
        return Err(unknown());
    }
    match bcrypt::verify(password, hash) {
        Ok(true) => Ok(Verdict::Right),
        Ok(false) => Ok(Verdict::Wrong),
        Err(_) => Err(unknown()),
    }
}

/// The hash itself is not told: it is half a secret.
fn unknown() -> Failure {
    Failure::new(Kind::Unusable, "the user's password is not hashed by bcrypt, or its hash is damaged")
        .hint("set a new one with: repo-to-cat users password set NAME")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_known_by_its_hash() {
        let hashed = hash("Käse und Brot", [7; 16]).unwrap();
        assert!(hashed.starts_with("$2b$12$"), "{hashed}");
        assert_eq!(verify("Käse und Brot", Some(&hashed)).unwrap(), Verdict::Right);
        assert_eq!(verify("Käse und Brot ", Some(&hashed)).unwrap(), Verdict::Wrong);
        for none in [None, Some("")] {
            assert_eq!(verify("Käse", none).unwrap(), Verdict::None);
        }
    }

    /// Vectors of John the Ripper's bcrypt, which other implementations test with, too.
    #[test]
    fn hashes_of_others_are_understood() {
        for form in ["2a", "2b", "2y"] {
            let hash = format!("${form}$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW");
            assert_eq!(verify("U*U", Some(&hash)).unwrap(), Verdict::Right, "{form}");
            assert_eq!(verify("U*V", Some(&hash)).unwrap(), Verdict::Wrong, "{form}");
        }
    }

    #[test]
    fn what_is_no_bcrypt_is_said_to_be_none() {
        let broken = "$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
        for hash in [broken, "$argon2id$v=19$m=1,t=1,p=1$c2FsdA$aGFzaA", "$2b$05$short", "plain", "$2b$99$ü"] {
            assert_eq!(verify("x", Some(hash)).unwrap_err().kind(), Kind::Unusable, "{hash}");
        }
    }

    #[test]
    fn what_bcrypt_would_cut_is_refused() {
        for password in ["", &"a".repeat(72), &"ü".repeat(36), "a\0b"] {
            assert_eq!(hash(password, [0; 16]).unwrap_err().kind(), Kind::Invalid, "{password:?}");
        }
        assert!(hash(&"a".repeat(71), [0; 16]).is_ok());
    }
}
