//! The queue of a restored database waits for a person: said where jobs are looked at, with the button that lets it go.

use maud::{Markup, html};

use super::forms::csrf_field;
use super::parts::time;
use super::visitor::Visitor;
use crate::db::{Db, hold};
use crate::model::failure::Result;
use crate::model::figures::counted;

/// Nothing while the queue works.
pub async fn banner(db: &Db, visitor: &Visitor) -> Result<Markup> {
    let Some(held) = hold::current(db).await? else { return Ok(Markup::default()) };
    Ok(html! {
        section.card.alarm aria-labelledby="held" {
            h2 #held { "The queue is held" }
            p { "Since " (time::ago(held.since, visitor.now)) ": " (held.because) "." }
            p {
                (counted(held.jobs.unsigned_abs(), "job is", "jobs are")) " parked, and "
                (counted(held.schedules.unsigned_abs(), "schedule does", "schedules do"))
                " not fire until somebody has looked at the restored database and says go. The jobs run then, even those that ran "
                "where the backup was made, and pictures in the store that no row here names are swept."
            }
            @if visitor.is_admin() {
                form method="post" action="/queues/release" {
                    (csrf_field(visitor))
                    label.choice { input type="checkbox" name="cancel_jobs" value="true"; " cancel the parked jobs instead of running them" }
                    div.actions { button.primary type="submit" { "Let it go on" } }
                }
            }
        }
    })
}
