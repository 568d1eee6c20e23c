//! Tokens: what a user proves with who asks.
//!
//! A token is `rtc_` and 40 characters of 0-9, A-Z and a-z, which nobody can guess. It is shown once; what is kept is its
//! SHA-256. A slow hash, as for passwords, would gain nothing: there is nothing to guess from.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::model::failure::{Failure, Kind, Result};

/// How each token begins, so that people and scanners for leaked secrets know one when they see it.
pub const MARK: &str = "rtc_";
/// Characters after the mark: 238 bits.
const LENGTH: usize = 40;
/// Characters of a token that are kept to recognise it by.
const PREFIX: usize = 12;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The name of the tokens that come by way of `users.api_token`; a new one of that name takes the place of the one before.
pub const API_TOKEN: &str = "api_token";

/// A token. It is shown by [`Token::reveal`] only.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// A new token from random bytes, which `fill` writes.
    pub fn from_random(mut fill: impl FnMut(&mut [u8]) -> Result<()>) -> Result<Self> {
        let mut text = MARK.to_owned();
        let mut bytes = [0; 64];
        while text.len() < MARK.len() + LENGTH {
            fill(&mut bytes)?;
            // Of the 64 values of six bits two are thrown away: folding them back would make two characters more frequent.
            let characters = bytes.iter().filter_map(|byte| ALPHABET.get(usize::from(byte & 63)).copied());
            text.extend(characters.map(char::from).take(MARK.len() + LENGTH - text.len()));
        }
        Ok(Self(text))
    }

    /// The token itself: for the one who asked for it, once.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// How it begins.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.0[..PREFIX]
    }

    /// What is kept of it.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        hash(&self.0)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({}...)", self.prefix())
    }
}

/// What is kept of a token: SHA-256 of its UTF-8 bytes.
#[must_use]
pub fn hash(presented: &str) -> [u8; 32] {
    Sha256::digest(presented.as_bytes()).into()
}

/// The prefix of `text` where that is a whole token of ours: one that was put where others can see it.
#[must_use]
pub fn prefix_of_whole(text: &str) -> Option<&str> {
    let rest = text.strip_prefix(MARK)?;
    (rest.len() >= LENGTH && rest.is_ascii()).then(|| &text[..PREFIX])
}

/// What a token allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// To ask for cats.
    Enqueue,
    /// To look at jobs and cats.
    Read,
    /// To do everything, the others included.
    Admin,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 3] = [Self::Enqueue, Self::Read, Self::Admin];

    /// The stable name, as stored.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Enqueue => "enqueue",
            Self::Read => "read",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Scope {
    type Err = Failure;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == name).ok_or_else(|| {
            let known = Self::ALL.map(Self::name).join(", ");
            Failure::new(Kind::Invalid, format!("there is no scope `{name}`")).hint(format!("the scopes are: {known}"))
        })
    }
}

/// What a token allows, all in all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(value_type = Vec<Scope>)]
pub struct Scopes(BTreeSet<Scope>);

impl Scopes {
    /// Whether it may be done.
    #[must_use]
    pub fn allows(&self, scope: Scope) -> bool {
        self.0.contains(&scope) || self.0.contains(&Scope::Admin)
    }

    /// Fails unless it may be done.
    pub fn require(&self, scope: Scope) -> Result<()> {
        if self.allows(scope) {
            return Ok(());
        }
        Err(Failure::new(Kind::Refused, format!("the token does not allow `{scope}`, only {self}"))
            .hint(format!("use one with it; make one with: repo-to-cat users token new NAME --scope {scope}")))
    }

    /// Their names, as stored.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.0.iter().map(|scope| scope.name().to_owned()).collect()
    }

    /// Those with these names.
    pub fn from_names(names: &[String]) -> Result<Self> {
        names.iter().map(|name| name.parse()).collect::<Result<_>>().map(Self)
    }
}

impl Default for Scopes {
    /// To ask for cats, and to look at them.
    fn default() -> Self {
        Self::from_iter([Scope::Enqueue, Scope::Read])
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<T: IntoIterator<Item = Scope>>(scopes: T) -> Self {
        Self(scopes.into_iter().collect())
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.names().join(", "))
    }
}

/// Whether a token works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenState {
    /// It does.
    Works,
    /// It was revoked.
    Revoked,
    /// Its time is over.
    Expired,
    /// Its user is disabled.
    Disabled,
}

impl TokenState {
    /// By the first reason that it has not to work.
    #[must_use]
    pub const fn of(is_revoked: bool, is_expired: bool, is_disabled: bool) -> Self {
        match (is_revoked, is_expired, is_disabled) {
            (true, _, _) => Self::Revoked,
            (_, true, _) => Self::Expired,
            (_, _, true) => Self::Disabled,
            _ => Self::Works,
        }
    }

    /// In a word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Works => "works",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
            Self::Disabled => "disabled",
        }
    }

    /// Fails unless it works, and says why not.
    pub fn require_works(self) -> Result<()> {
        let (what, hint) = match self {
            Self::Works => return Ok(()),
            Self::Revoked => ("the token was revoked", "use another; make one with: repo-to-cat users token new NAME"),
            Self::Expired => ("the token has expired", "make a new one with: repo-to-cat users token new NAME"),
            Self::Disabled => {
                ("the token's user is disabled", "let the user in again with: repo-to-cat users enable NAME")
            }
        };
        Err(Failure::new(Kind::Unauthorized, what).hint(hint))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// A token of these bytes, over and over, with one good byte after each round so that it comes to an end.
    fn of(bytes: &[u8]) -> Token {
        let mut next = bytes.iter().copied().chain([0]).cycle();
        Token::from_random(|into| {
            into.fill_with(|| next.next().unwrap());
            Ok(())
        })
        .unwrap()
    }

    #[test]
    fn each_character_is_as_likely_as_any_other() {
        let mut found = BTreeMap::new();
        for byte in 0..=255_u8 {
            // What is thrown away leaves the zero that follows it.
            let text = of(&[byte]).reveal()[MARK.len()..].to_owned();
            let is_left_out = byte & 63 >= 62;
            assert!(!is_left_out || text.bytes().all(|c| c == b'0'), "{byte}: {text}");
            if !is_left_out {
                *found.entry(text.as_bytes()[0]).or_insert(0) += 1;
            }
        }
        assert_eq!(found.len(), 62);
        assert!(found.values().all(|count| *count == 4), "{found:?}");
    }

    #[test]
    fn nothing_shows_a_token_by_mistake() {
        let token = of(&[7, 21]);
        let shown = format!("{token:?} {token:#?}");
        assert!(shown.contains("rtc_7L07L07L"), "{shown}");
        assert!(!shown.contains(&token.reveal()[..=PREFIX]), "{shown}");
        assert_eq!(crate::model::secret::redact(token.reveal()), "***");
        assert_eq!(crate::model::secret::redact(token.prefix()), token.prefix(), "people need it");
    }

    #[test]
    fn where_there_is_no_randomness_there_is_no_token() {
        let failed = Token::from_random(|_| Err(Failure::new(Kind::Environment, "none")));
        assert_eq!(failed.unwrap_err().kind(), Kind::Environment);
    }

    #[test]
    fn a_scope_allows_itself_and_admin_everything() {
        let scopes = |of: &[Scope]| of.iter().copied().collect::<Scopes>();
        for held in Scope::ALL {
            for wanted in Scope::ALL {
                assert_eq!(scopes(&[held]).allows(wanted), held == wanted || held == Scope::Admin, "{held} {wanted}");
            }
            assert_eq!(held.name().parse::<Scope>().unwrap(), held);
        }
        assert_eq!(scopes(&[Scope::Read]).require(Scope::Enqueue).unwrap_err().kind(), Kind::Refused);
        let unknown = Scopes::from_names(&["read".to_owned(), "write".to_owned()]).unwrap_err();
        assert_eq!(unknown.hint_text(), Some("the scopes are: enqueue, read, admin"));
    }

    #[test]
    fn what_does_not_work_says_why() {
        for (flags, state) in [
            ((false, false, false), TokenState::Works),
            ((true, true, true), TokenState::Revoked),
            ((false, true, true), TokenState::Expired),
            ((false, false, true), TokenState::Disabled),
        ] {
            assert_eq!(TokenState::of(flags.0, flags.1, flags.2), state);
            assert_eq!(state.require_works().is_ok(), state == TokenState::Works);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn a_token_has_its_form_whatever_the_bytes_are(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let token = of(&bytes);
            prop_assert_eq!(token.reveal().len(), 44);
            prop_assert!(token.reveal()[4..].bytes().all(|c| c.is_ascii_alphanumeric()));
            prop_assert_eq!(prefix_of_whole(token.reveal()), Some(token.prefix()));
            prop_assert_eq!(prefix_of_whole(token.prefix()), None);
        }
    }
}
