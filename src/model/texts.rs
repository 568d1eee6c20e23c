//! The words that go with the picture.

use serde::{Deserialize, Serialize};

/// What the text step wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Texts {
    /// 3 to 5 sentences: a friendly roast that names true facts of the repository.
    pub story: String,
    /// Upper line of the caption: 2 to 8 words, upper case, at most 100 characters.
    pub meme_text_top: String,
    /// Lower line of the caption: 2 to 8 words, upper case, at most 100 characters.
    pub meme_text_bottom: String,
}
