//! Where what belongs to a generation is.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// Where what belongs to a generation is, on this service.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = GenerationLinks)]
pub struct Links {
    /// Where it stands, and what became of it.
    #[serde(rename = "self")]
    #[schema(example = "/v1/generations/0198c0de-0000-7000-8000-000000000000")]
    pub own: String,
    /// Its life as a stream of events.
    pub events: String,
    /// The captioned picture.
    pub image: String,
    /// The picture without caption.
    pub original: String,
}

impl Links {
    /// Those of a generation.
    pub fn of(id: Uuid) -> Self {
        let own = format!("/v1/generations/{id}");
        let below = |name: &str| format!("{own}/{name}");
        Self { events: below("events"), image: below("image"), original: below("original"), own }
    }
}
