//! What a receiver is told, as JSON.

use serde_json::{Value, json};

use crate::db::{Db, attempts, generations};
use crate::model::failure::Result;
use crate::model::webhook::Ended;

/// The body: the same event in each try, with what is known of the generation now.
pub async fn body(db: &Db, event: &Ended, site: &str) -> Result<Vec<u8>> {
    let id = event.generation_id;
    let own = format!("{site}/v1/generations/{id}");
    let mut data = json!({
        "id": id,
        "state": event.state,
        "github_url": event.request.get("github_url"),
        "ref": event.request.get("ref"),
        "links": {"self": own},
    });
    if event.state == "completed" {
        // It may have been deleted since.
        let result = generations::get(db, id).await?;
        data["links"]["image"] = format!("{own}/image").into();
        data["links"]["original"] = format!("{own}/original").into();
        data["result"] = result.map_or(Value::Null, |cat| json!(generations::without_analysis(cat)));
    } else {
        let last = attempts::of_job(db, id).await?.into_iter().rfind(|attempt| attempt.claim <= event.claims);
        data["error"] = last.map_or(
            Value::Null,
            |attempt| json!({"class": attempt.error_class, "message": attempt.error, "hint": attempt.hint}),
        );
    }
    let body = json!({
        "type": format!("generation.{}", event.state),
        "id": event.event_id,
        "timestamp": event.finished_at,
        "data": data,
    });
    Ok(body.to_string().into_bytes())
}
