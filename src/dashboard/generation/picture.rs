//! The picture, with its caption or without.

use maud::{Markup, html};

use crate::dashboard::gallery::portrait;
use crate::model::generation::Generation;

/// The picture that was asked for, and the way to the other.
pub(super) fn card(cat: &Generation, shown: &str) -> Markup {
    let is_original = shown == "original" && cat.original_image_path.is_some();
    let (kind, path) = if is_original { ("original", &cat.original_image_path) } else { ("image", &cat.image_path) };
    let own = format!("/generations/{}", cat.id);
    let full = format!("/v1/generations/{}/{kind}", cat.id);
    let caption: Vec<&str> =
        [&cat.meme_text_top, &cat.meme_text_bottom].into_iter().flatten().map(String::as_str).collect();
    let told =
        if is_original || caption.is_empty() { String::new() } else { format!(", captioned: {}", caption.join(" / ")) };
    html! {
        section.card.picture aria-label="Picture" {
            @if path.is_some() {
                a href=(full) title="The picture in full size" {
                    img src={ (full) "?width=768" } width="768" height="768" alt={ "A " (portrait(cat)) (told) };
                }
                nav.switch aria-label="Which picture" {
                    a href=(own) aria-current=[(!is_original).then_some("true")] { "With its caption" }
                    @if cat.original_image_path.is_some() {
                        a href={ (own) "?picture=original" } aria-current=[is_original.then_some("true")] { "As it was painted" }
                    }
                }
            } @else { p.muted { "Its picture is not in the store." } }
        }
    }
}
