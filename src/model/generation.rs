//! The result of a generation job.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::model::analysis::Analysis;
use crate::model::attributes::CatAttributes;

pub mod columns;

/// Everything that a completed generation persists, but for what its job knows (id, user).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GenerationResult {
    /// Canonical URL of the repository.
    pub github_url: String,
    /// Owner, with subgroups; `local` for a local repository.
    pub repo_owner: String,
    /// Name.
    pub repo_name: String,
    /// The commit that was analysed, hexadecimal.
    pub commit_oid: String,
    /// The language with the most code.
    pub primary_language: Option<String>,
    /// Sum of the blobs, in KB; at most `i32::MAX`, the column's bound.
    pub repo_size_kb: i32,
    /// 0.0 to 10.0, or null.
    pub code_quality_score: Option<f64>,
    /// What the cat is like.
    pub cat_attributes: CatAttributes,
    /// The whole analysis.
    pub analysis_data: Analysis,
    /// Version of the scoring rules.
    pub score_model: String,
    /// Key of the captioned picture.
    pub image_path: String,
    /// Key of the picture without caption.
    pub original_image_path: String,
    /// Size of the captioned picture in bytes.
    pub image_bytes: i64,
    /// Media type.
    pub image_type: String,
    /// Pixels.
    pub image_width: i32,
    /// Pixels.
    pub image_height: i32,
    /// Prompt for a text-to-image service.
    pub image_prompt: String,
    /// Three to five sentences.
    pub story: String,
    /// Upper line of the caption.
    pub meme_text_top: String,
    /// Lower line of the caption.
    pub meme_text_bottom: String,
    /// Whether a fall-back stood in for the wanted provider.
    pub degraded: bool,
    /// Seconds each step took in the attempt that did it, by name.
    pub step_seconds: BTreeMap<String, f64>,
}

/// A persisted generation, as read back. Fields that the founding application may have left null are optional.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Generation {
    /// Its job's id.
    pub id: Uuid,
    /// When it was persisted.
    pub created_at: DateTime<Utc>,
    /// Canonical URL of the repository.
    pub github_url: String,
    /// Owner.
    pub repo_owner: Option<String>,
    /// Name.
    pub repo_name: Option<String>,
    /// Commit.
    pub commit_oid: Option<String>,
    /// The language with the most code.
    pub primary_language: Option<String>,
    /// KB.
    pub repo_size_kb: Option<i32>,
    /// 0.0 to 10.0.
    pub code_quality_score: Option<f64>,
    /// What the cat is like; JSON, since the founding application's may have other keys.
    pub cat_attributes: Option<serde_json::Value>,
    /// The analysis; absent in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub analysis_data: Option<serde_json::Value>,
    /// Version of the scoring rules.
    pub score_model: Option<String>,
    /// Key of the captioned picture.
    pub image_path: Option<String>,
    /// Key of the picture without caption.
    pub original_image_path: Option<String>,
    /// Prompt for a text-to-image service.
    pub image_prompt: Option<String>,
    /// Three to five sentences.
    pub story: Option<String>,
    /// Upper line of the caption.
    pub meme_text_top: Option<String>,
    /// Lower line of the caption.
    pub meme_text_bottom: Option<String>,
    /// Whether a fall-back stood in for the wanted provider.
    pub degraded: bool,
    /// Seconds each step took, by name.
    pub step_seconds: Option<serde_json::Value>,
    /// Who asked for it.
    pub user_id: Option<Uuid>,
}
