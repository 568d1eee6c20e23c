//! What the parser's child tells about one file.

use serde::{Deserialize, Serialize};

use crate::model::analysis::{FunctionMetrics, LeftOutReason};

/// The measurements of one file.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct FileFacts {
    /// Name of the language; `None`: not recognised.
    pub language: Option<String>,
    /// Why it was left out.
    pub left_out: Option<LeftOutReason>,
    /// Non-blank, non-comment lines.
    pub sloc: u64,
    /// Comment lines.
    pub comments: u64,
    /// Blank lines.
    pub blanks: u64,
    /// Whether its functions were measured.
    pub parsed: bool,
    /// Whether it is a test by its path.
    pub is_test: bool,
    /// Lines of code that are tests.
    pub test_sloc: u64,
    /// Bytes that are no valid code.
    pub broken_bytes: u64,
    /// Statements that hold no others.
    pub statements: u64,
    /// Lengths of its lines.
    pub lines: LineFacts,
    /// Its functions, by line.
    pub functions: Vec<MeasuredFunction>,
    /// Sentences about what was odd.
    pub notes: Vec<String>,
}

/// Lengths of the non-blank lines of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LineFacts {
    /// How many.
    pub count: u64,
    /// Their characters.
    pub characters: u64,
    /// The longest, in characters.
    pub longest: u64,
    /// Those over 120 characters.
    pub too_long: u64,
}

/// A function with what only the score needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeasuredFunction {
    /// Its numbers.
    pub metrics: FunctionMetrics,
    /// Statements that hold no others, and 1: its weight in the score.
    pub statements: u64,
    /// Whether it is test code.
    pub is_test: bool,
    /// Equal for copies.
    pub shape: u64,
}
