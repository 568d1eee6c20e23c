//! The facts that a story can tell, each with its condition: what is not so is not said.

use super::template::{Row, Template};

mod care;
mod code;
mod style;

/// Every fact.
pub(super) fn all() -> impl Iterator<Item = &'static Row<Template>> {
    [code::CODE, care::CARE, style::STYLE].into_iter().flatten()
}
