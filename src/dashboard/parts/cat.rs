//! A few strokes of a cat, for where there is nothing else to see. Who cannot see them misses nothing.

use maud::{Markup, html};

/// A head with ears: our sign.
#[must_use]
pub fn head() -> Markup {
    html! {
        svg.sign viewBox="0 0 32 32" width="28" height="28" aria-hidden="true" focusable="false" {
            path.fur d="M5 4.5c0-1 1.1-1.5 1.9-.8l5 4.6a15 15 0 0 1 8.2 0l5-4.6c.8-.7 1.9-.2 1.9.8v13.2C27 23.9 22 28 16 28S5 23.9 5 17.700z" {}
            circle.eye cx="11.500" cy="17" r="1.800" {}
            circle.eye cx="20.500" cy="17" r="1.800" {}
            path.whisker d="M14.600 21.300 16 22.500l1.400-1.200" {}
        }
    }
}

/// Curled up and asleep.
#[must_use]
pub fn curled() -> Markup {
    html! {
        svg.drawing viewBox="0 0 160 90" width="160" height="90" aria-hidden="true" focusable="false" {
            path d="M28 70c-8-26 16-50 50-50 32 0 54 20 54 44 0 10-8 14-18 14H44" {}
            path d="M44 78c-14 0-24-8-22-22 1-8 4-12 8-16l-2-14 12 7c5-2 11-2 16 0l11-8-1 15c6 6 8 12 7 18-2 12-13 20-29 20z" {}
            path d="M34 56c2 3 6 3 8 0M54 56c2 3 6 3 8 0M46 64l2 2 2-2" {}
            path d="M114 78c14 0 24-6 26-16 1-6-6-8-9-3" {}
            path.soft d="M84 14l8 0-8 9h8M100 2l10 0-10 11h10" {}
        }
    }
}

/// In a box that it fits into.
#[must_use]
pub fn in_a_box() -> Markup {
    html! {
        svg.drawing viewBox="0 0 160 120" width="160" height="120" aria-hidden="true" focusable="false" {
            path d="M52 62V34l12 12c10-4 22-4 32 0l12-12v28" {}
            path d="M68 56v4M92 56v4" {}
            path d="M24 62h112v50H24zM24 62 8 76M136 62l16 14" {}
            path.soft d="M66 90c4-8 24-8 28 0" {}
        }
    }
}
