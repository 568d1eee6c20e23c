//! What stands in front of a function's body: its name, parameters, types and attributes.

use std::num::NonZeroU16;

use tree_sitter::Node;

use super::grammar::{Grammar, Syntax};

/// Longest name that is kept, in characters.
const MAX_NAME: usize = 120;

/// The number of parameters, and whether the signature carries types.
pub fn signature(syntax: &Syntax, source: &[u8], node: &Node<'_>) -> (u64, bool) {
    let fields = &syntax.fields;
    let child = |field: Option<NonZeroU16>| field.and_then(|field| node.child_by_field_id(field.get()));
    let returns = child(fields.return_type).is_some();
    let (mut count, mut annotated) = (0, 0);
    if let Some(list) = child(fields.parameters) {
        let mut cursor = list.walk();
        for parameter in list.named_children(&mut cursor) {
            match parameter.kind() {
                "comment"
                | "line_comment"
                | "block_comment"
                | "self_parameter"
                | "attribute_item"
                | "receiver_parameter"
                | "keyword_separator"
                | "positional_separator" => {}
                "identifier" if matches!(&source[parameter.byte_range()], b"self" | b"cls") => {}
                // Go: `a, b int` is one declaration of two.
                "parameter_declaration" => {
                    let names = fields
                        .name
                        .map_or(0, |name| parameter.children_by_field_id(name, &mut parameter.walk()).count() as u64);
                    count += names.max(1);
                }
                "required_parameter" | "optional_parameter" => {
                    count += 1;
                    annotated += u64::from(parameter.child_by_field_name("type").is_some());
                }
                "typed_parameter" | "typed_default_parameter" => {
                    count += 1;
                    annotated += 1;
                }
                _ => count += 1,
            }
        }
    } else if child(fields.parameter).is_some() {
        count = 1;
    }
    let typed = match syntax.grammar {
        Grammar::Rust | Grammar::Go | Grammar::Java => true,
        Grammar::TypeScript | Grammar::Tsx => returns || count == 0 || annotated > 0,
        Grammar::Python => returns || annotated > 0,
        Grammar::JavaScript => false,
    };
    (count, typed)
}

/// The text of a field, if it is short and of one line.
pub fn field_text(source: &[u8], node: &Node<'_>, field: Option<NonZeroU16>) -> Option<String> {
    let child = node.child_by_field_id(field?.get())?;
    let text = String::from_utf8_lossy(&source[child.byte_range()]).into_owned();
    (text.len() <= MAX_NAME && !text.contains(char::is_control)).then_some(text)
}

/// `#[test]`, `#[tokio::test]`, `#[cfg(test)]`, `#[cfg(all(test, ...))]`, but not `#[cfg(not(test))]`.
pub fn is_test_attribute(text: &[u8]) -> bool {
    let text: String = String::from_utf8_lossy(text).chars().filter(|c| !c.is_whitespace()).collect();
    let inner = text.trim_start_matches("#[").trim_end_matches(']');
    let path = inner.split('(').next().unwrap_or(inner);
    if path == "cfg" {
        return inner[3..].split(['(', ')', ',']).any(|word| word == "test") && !inner.contains("not(test)");
    }
    path.rsplit("::").next().is_some_and(|last| matches!(last, "test" | "rstest" | "test_case" | "bench"))
}
