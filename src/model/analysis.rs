//! The shape of an analysis; stored as `generations.analysis_data`, printed by `analyze --json`.
//!
//! The keys of the original (`code_quality_score`, `files_analyzed`, `metrics` and what is in it, `strengths`, ...)
//! keep their names; ours stand beside them.

use serde::{Deserialize, Serialize};

#[cfg(test)]
pub mod strategy;

/// What is known about one repository at one commit. The same commit gives the same value, byte for byte.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Analysis {
    /// 0.0 to 10.0 with one decimal, or null where there is too little code to judge.
    pub code_quality_score: Option<f64>,
    /// Why there is no score, in a sentence; null where there is one.
    pub score_reason: Option<String>,
    /// Which scoring rules were used, e.g. `2026-11.1`.
    pub score_model: String,
    /// How much the score can be trusted, 0 to 1: grows with the code that was parsed.
    pub confidence: f64,
    /// Why this cat: each term of the score.
    pub score_terms: Vec<ScoreTerm>,
    /// The language with the most code; null where none was recognised.
    pub primary_language: Option<String>,
    /// Languages, most code first.
    pub languages: Vec<LanguageShare>,
    /// Sum of the blobs' bytes at the commit, in KB of 1,024 bytes, rounded up.
    pub repo_size_kb: u64,
    /// Entries of the tree, of any kind.
    pub entries: u64,
    /// Non-blank, non-comment lines over all recognised files.
    pub sloc: u64,
    /// Paths of the files that were parsed for functions, sorted; at most 1,000 of them (`files_parsed` has the count).
    pub files_analyzed: Vec<String>,
    /// How many files were parsed for functions.
    pub files_parsed: u64,
    /// The numbers.
    pub metrics: Metrics,
    /// Whether there is continuous integration.
    pub has_ci: bool,
    /// Whether there is documentation: a README of substance, or a docs folder.
    pub has_documentation: bool,
    /// Whether there is a licence file.
    pub has_license: bool,
    /// What was left out of the count of code and why, by reason.
    pub left_out: Vec<LeftOut>,
    /// Files that could not be handled normally (not UTF-8, over budget, damaged), each with a sentence; bounded.
    pub notes: Vec<Note>,
    /// Share of code in each risk band, by lines of functions.
    pub distributions: Distributions,
    /// The functions most in need of care, worst first; at most 10.
    pub hotspots: Vec<Hotspot>,
    /// What is good, in sentences.
    pub strengths: Vec<String>,
    /// What is not, in sentences.
    pub weaknesses: Vec<String>,
    /// What to do first, in sentences.
    pub recommendations: Vec<String>,
    /// Two sentences for people.
    pub summary: String,
}

/// One term of the score: `contribution = weight * value`, summed and scaled to 10.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ScoreTerm {
    /// Stable name, e.g. `function_size`.
    pub name: String,
    /// For people, e.g. `Function size`.
    pub label: String,
    /// Share of the whole score, 0 to 1; the weights sum to 1.
    pub weight: f64,
    /// How good, 0 to 1.
    pub value: f64,
    /// Points of the score that it gave, 0 to `10 * weight`.
    pub contribution: f64,
    /// The measurement behind the value, in a few words: `82 % of code in functions under 30 lines`.
    pub because: String,
}

/// How much of the code one language is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LanguageShare {
    /// Name, as in `TypeScript`.
    pub name: String,
    /// Files.
    pub files: u64,
    /// Non-blank, non-comment lines.
    pub sloc: u64,
    /// Comment lines.
    pub comments: u64,
    /// Blank lines.
    pub blanks: u64,
    /// Share of all code lines, 0 to 1.
    pub share: f64,
}

/// The original's metrics, computed over all parsed files.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Metrics {
    /// Mean length of a non-blank line, in characters.
    pub line_length_avg: f64,
    /// Longest line, in characters.
    pub line_length_max: u64,
    /// Share of lines over 120 characters, in per cent.
    pub lines_too_long_pct: f64,
    /// Mean lines of a function.
    pub function_length_avg: f64,
    /// Lines of the longest function.
    pub function_length_max: u64,
    /// Functions.
    pub function_count: u64,
    /// Mean of the functions' deepest nesting.
    pub nesting_depth_avg: f64,
    /// Deepest nesting.
    pub nesting_depth_max: u64,
    /// Comment lines over comment and code lines, 0 to 1.
    pub comment_ratio: f64,
    /// Whether there are tests.
    pub has_tests: bool,
    /// Whether most functions carry types: in the language itself, or by annotations.
    pub has_type_hints: bool,
    /// Mean cyclomatic complexity of a function.
    pub complexity_avg: f64,
    /// Highest cyclomatic complexity.
    pub complexity_max: u64,
    /// Sum of cyclomatic complexities.
    pub complexity_total: u64,
    /// Mean cognitive complexity of a function.
    pub cognitive_avg: f64,
    /// Highest cognitive complexity.
    pub cognitive_max: u64,
    /// Share of code lines that stand in test files, 0 to 1.
    pub test_ratio: f64,
    /// Share of tokens in windows that occur elsewhere too, 0 to 1.
    pub duplication_ratio: f64,
}

/// Why a file was left out of the count of code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeftOutReason {
    /// Not text.
    Binary,
    /// Written by a program.
    Generated,
    /// Somebody else's code.
    Vendored,
    /// Squeezed into few long lines.
    Minified,
    /// A pointer to an object in Git LFS.
    LfsPointer,
    /// A symbolic link.
    Symlink,
    /// A submodule.
    Submodule,
    /// Over the size that is read.
    TooLarge,
    /// Data, prose or configuration: counted, not scored.
    NotCode,
}

/// Files left out for one reason.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Why.
    pub reason: LeftOutReason,
    /// How many.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The first few paths, sorted; at most 20.
    pub examples: Vec<String>,
}

/// Something worth saying about one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Path.
    pub path: String,
    /// A sentence.
    pub note: String,
}

/// Share of function lines per risk band, each summing to 1 where there are functions.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Distributions {
    /// Function length in lines: up to 15, 16 to 30, 31 to 60, over 60.
    pub function_length: [f64; 4],
    /// Cognitive complexity: up to 5, 6 to 15, 16 to 25, over 25.
    pub cognitive: [f64; 4],
    /// Cyclomatic complexity: up to 5, 6 to 10, 11 to 25, over 25.
    pub cyclomatic: [f64; 4],
    /// Nesting: up to 2, 3, 4, over 4.
    pub nesting: [f64; 4],
    /// Code lines of files: up to 200, 201 to 500, 501 to 1,000, over 1,000 (by code lines of all files).
    pub file_length: [f64; 4],
}

/// A function in need of care.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hotspot {
    /// Path.
    pub path: String,
    /// The function and where it stands.
    pub function: FunctionMetrics,
}

/// One function's numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionMetrics {
    /// Name, `<anonymous>` where it has none.
    pub name: String,
    /// First line, from 1.
    pub line: u64,
    /// Lines from its first to its last.
    pub length: u64,
    /// Non-blank, non-comment lines.
    pub sloc: u64,
    /// Parameters.
    pub parameters: u64,
    /// Cyclomatic complexity: 1 and the decisions.
    pub cyclomatic: u64,
    /// Cognitive complexity, after `SonarSource`'s definition.
    pub cognitive: u64,
    /// Deepest nesting of control structures.
    pub nesting: u64,
    /// Whether its signature carries types.
    pub typed: bool,
}

/// One file as `analyze --json` lists it under `files`; not stored in the database.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FileReport {
    /// Path.
    pub path: String,
    /// Language; null where it is not recognised.
    pub language: Option<String>,
    /// Bytes.
    pub bytes: u64,
    /// Non-blank, non-comment lines.
    pub sloc: u64,
    /// Comment lines.
    pub comments: u64,
    /// Blank lines.
    pub blanks: u64,
    /// Whether it is a test.
    pub is_test: bool,
    /// Why it was left out of the score; null where it was not.
    pub left_out: Option<LeftOutReason>,
    /// The code terms of the score, applied to this file alone, 0.0 to 10.0; null where it has no function.
    pub score: Option<f64>,
    /// Its functions, in order; empty where the language is not parsed.
    pub functions: Vec<FunctionMetrics>,
}

/// An analysis with the reports of its files: what `analyze --json` prints.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FullAnalysis {
    /// The part that is stored.
    #[serde(flatten)]
    pub analysis: Analysis,
    /// Every file, sorted by path.
    pub files: Vec<FileReport>,
}
