//! The picture, before it is stored and after.

use serde::{Deserialize, Serialize};

/// The size of a picture in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Canvas {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
}

impl Canvas {
    /// 768 by 448, the original's.
    pub const WIDE: Self = Self { width: 768, height: 448 };
    /// 1024 by 1024.
    pub const SQUARE: Self = Self { width: 1024, height: 1024 };
}

/// A picture in the store, content-addressed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredPicture {
    /// Object key, `images/v1/ab/cd/<sha256>.png`.
    pub key: String,
    /// Size of the object in bytes.
    pub bytes: u64,
    /// Media type, `image/png`.
    pub media_type: String,
    /// Pixels.
    pub canvas: Canvas,
}
