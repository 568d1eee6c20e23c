//! Chance that is not: every choice is derived from the repository, its commit and the style's version.

use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use sha2::{Digest, Sha256};

/// The origin of all choices made for one cat. The same inputs give the same cat, byte for byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Seed([u8; 32]);

impl Seed {
    /// The version of texts, palette and rig: bumped when they change, so that old pictures can be told apart.
    pub const STYLE_VERSION: u32 = 1;

    /// The seed of whatever these two names tell apart.
    #[must_use]
    pub fn of(repository: &str, commit_oid: &str) -> Self {
        Self::from_parts(&[repository, commit_oid, &Self::STYLE_VERSION.to_string()])
    }

    /// The seed of a repository at a commit. The commit alone decides: a clone in another folder, a fork, the same
    /// repository over https and from disk give the same cat.
    #[must_use]
    pub fn of_commit(commit_oid: &str) -> Self {
        Self::of("commit", commit_oid)
    }

    fn from_parts(parts: &[&str]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part.as_bytes());
        }
        Self(hash.finalize().into())
    }

    /// Random numbers for one feature. A feature of its own name does not shift the choices of the others.
    #[must_use]
    pub fn rng(&self, feature: &str) -> ChaCha8Rng {
        let mut hash = Sha256::new();
        hash.update(self.0);
        hash.update(feature.as_bytes());
        ChaCha8Rng::from_seed(hash.finalize().into())
    }
}
