//! The columns of `public.generations`, as files of exported generations name them.

/// How a column's values stand in a file of JSON lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A string.
    Text,
    /// A number; a string where JSON has none for it, as for NaN.
    Number,
    /// `true` or `false`.
    Flag,
    /// Any JSON: `null`, too, is a value, which a column without a value is not.
    Json,
}

/// A column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// How its values stand.
    pub form: Form,
}

const fn column(name: &'static str, form: Form) -> Column {
    Column { name, form }
}

/// How many there are.
pub const COUNT: usize = 26;

/// All of them, in the order of the file.
pub const COLUMNS: [Column; COUNT] = [
    column("id", Form::Text),
    column("created_at", Form::Text),
    column("github_url", Form::Text),
    column("repo_owner", Form::Text),
    column("repo_name", Form::Text),
    column("commit_oid", Form::Text),
    column("primary_language", Form::Text),
    column("repo_size_kb", Form::Number),
    column("code_quality_score", Form::Number),
    column("score_model", Form::Text),
    column("cat_attributes", Form::Json),
    column("analysis_data", Form::Json),
    column("image_path", Form::Text),
    column("original_image_path", Form::Text),
    column("former_image_path", Form::Text),
    column("image_bytes", Form::Number),
    column("image_type", Form::Text),
    column("image_width", Form::Number),
    column("image_height", Form::Number),
    column("image_prompt", Form::Text),
    column("story", Form::Text),
    column("meme_text_top", Form::Text),
    column("meme_text_bottom", Form::Text),
    column("degraded", Form::Flag),
    column("step_seconds", Form::Json),
    column("user_id", Form::Text),
];

/// A row of a file: the text of each of [`COLUMNS`] as `PostgreSQL` reads it; none where it has no value.
pub type Row = [Option<String>; COUNT];

/// Where a column stands in a row.
#[must_use]
pub fn position(name: &str) -> Option<usize> {
    COLUMNS.iter().position(|column| column.name == name)
}
