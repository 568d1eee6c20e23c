//! Room on the disks that we write to.

use maud::{Markup, html};

use crate::config::Config;
use crate::dashboard::parts::chart::{Bar, bars};
use crate::model::amount::{bytes, percent};
use crate::providers::room::Room;

/// How full the disks of this host are.
pub(super) fn card(config: &Config) -> Markup {
    let mut places = vec![("Data", config.data.folder.clone())];
    let stores = [("Pictures", &config.images.store), ("Backups", &config.backup.store)];
    let folder = |store: &str| {
        let path = store.strip_prefix("file://").unwrap_or(store);
        (!path.is_empty() && !path.contains("://")).then(|| path.into())
    };
    places.extend(stores.iter().filter_map(|(name, store)| Some((*name, folder(store)?))));
    let list: Vec<Bar> = places
        .iter()
        .filter_map(|(name, folder)| {
            let room = Room::on(folder).ok().filter(|room| room.all > 0)?;
            let used = 1.0 - room.free as f64 / room.all as f64;
            Some(Bar {
                name: html! { (name) },
                share: used,
                of: 1.0,
                value: format!("{} free", bytes(room.free)),
                note: html! { (percent(used)) " of " (bytes(room.all)) " used" },
            })
        })
        .collect();
    html! {
        @if !list.is_empty() {
            section.card {
                div.head { h2 { "Disk of this host" } a href="/system" { "System" } }
                (bars("How full the disks are", &list))
            }
        }
    }
}
