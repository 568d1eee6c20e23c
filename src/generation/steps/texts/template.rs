//! Templates and the tables that they stand in.

use super::subject::Subject;

/// A text with placeholders in braces, as in `It weighs {size}, tail included.`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Template(pub &'static str);

/// Things to say about one topic, and when they are true.
pub(super) struct Row<T: 'static> {
    /// What it is about: a story says one thing of a topic.
    pub topic: &'static str,
    /// How interesting it is to say it of this repository; 0 where it is not true of it.
    pub interest: fn(&Subject) -> u32,
    /// The ways to say it.
    pub say: &'static [T],
}

/// The condition of a row that may always be said.
pub(super) const ALWAYS: fn(&Subject) -> u32 = |_| 1;

/// The interest of a row that is either true or not.
pub(super) fn when(is_true: bool, interest: u32) -> u32 {
    if is_true { interest } else { 0 }
}

/// A piece of a template.
#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Text(&'static str),
    Placeholder(&'static str),
}

impl Template {
    /// The text with each placeholder's value in its place; none where one has no value.
    pub fn fill(&self, subject: &Subject) -> Option<String> {
        self.pieces().try_fold(String::new(), |mut text, piece| {
            match piece {
                Piece::Text(literal) => text.push_str(literal),
                Piece::Placeholder(name) => text.push_str(&subject.value(name)?),
            }
            Some(text)
        })
    }

    /// The placeholders that are worth saying once only: all but those that say whom it is about.
    pub fn figures(&self) -> impl Iterator<Item = &'static str> {
        self.placeholders().filter(|name| !Subject::WHO.contains(name))
    }

    /// The names in braces, in order.
    pub fn placeholders(&self) -> impl Iterator<Item = &'static str> {
        self.pieces().filter_map(|piece| match piece {
            Piece::Placeholder(name) => Some(name),
            Piece::Text(_) => None,
        })
    }

    fn pieces(&self) -> impl Iterator<Item = Piece> {
        self.0.split_inclusive(['{', '}']).map(|part| match part.strip_suffix('}') {
            Some(name) => Piece::Placeholder(name),
            None => Piece::Text(part.strip_suffix('{').unwrap_or(part)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_text_and_placeholders() {
        let template = Template("{a} and {b}.");
        assert_eq!(template.placeholders().collect::<Vec<_>>(), ["a", "b"]);
        let pieces: Vec<_> = template.pieces().filter(|piece| *piece != Piece::Text("")).collect();
        assert_eq!(pieces, [Piece::Placeholder("a"), Piece::Text(" and "), Piece::Placeholder("b"), Piece::Text(".")]);
    }
}
