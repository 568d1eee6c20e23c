//! A part of a page: a heading, and what stands indented below it.

use super::look::Look;

/// Adds a section after an empty line; nothing where there is no content.
pub(super) fn section(lines: &mut Vec<String>, title: &str, content: Vec<String>, look: &Look) {
    if !content.is_empty() {
        lines.push(String::new());
        lines.push(look.heading(title));
        lines.extend(content.into_iter().map(|line| format!("  {line}")));
    }
}
