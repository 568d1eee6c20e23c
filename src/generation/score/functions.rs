//! Walks one syntax tree and measures its lines, functions and tokens.
//!
//! The walk keeps its own stack, so that no depth of nesting overflows ours. The rules:
//! - A named function is measured by itself, wherever it stands: methods, nested functions, lambdas bound to a name.
//!   Its lines, decisions and statements do not count for the function around it.
//! - Another lambda belongs to the function around it and adds to the nesting there, as `SonarSource` has it. With
//!   none around it is a function named `<anonymous>`.
//! - Cyclomatic: 1, and 1 for each `if`, loop, case that tests something, handler, conditional expression, logical
//!   operator, `for` and `if` of a comprehension, `else` of Rust's `let`.
//! - Cognitive: `SonarSource`'s definition without recursion: control structures cost 1 and their nesting; `else`,
//!   `elif`, runs of like logical operators and jumps to labels cost 1.
//! - Nesting: control structures inside each other; `else if` is as deep as its `if`.
//! - A statement is one that holds no others: wrapping code in control structures adds none.

use tree_sitter::{Node, Tree, TreeCursor};

use crate::model::analysis::FunctionMetrics;

use super::duplication::Tokens;
use super::facts::{FileFacts, MeasuredFunction};
use super::grammar::{Grammar, Role, Syntax};
use super::lines::{Rows, new_rows, rows};
use super::signature::{field_text, is_test_attribute, signature};

/// Name of a function that has none.
const ANONYMOUS: &str = "<anonymous>";
/// Measures a parsed file into `facts`, and its sampled windows of tokens into `windows`.
/// `is_test`: the whole file is a test, so that its windows are left out.
pub fn measure(
    syntax: &Syntax,
    tree: &Tree,
    source: &[u8],
    is_test: bool,
    shift: u8,
    facts: &mut FileFacts,
    windows: &mut Vec<u64>,
) {
    let mut walk = Walk {
        syntax,
        source,
        shift,
        facts,
        windows,
        frames: Vec::with_capacity(64),
        open: Vec::new(),
        tokens: Tokens::default(),
        rows: Rows::default(),
        test_rows: 0,
        test_attribute: false,
        broken_bytes: 0,
    };
    walk.run(&mut tree.walk(), is_test);
    let Walk { rows, test_rows, broken_bytes, .. } = walk;
    facts.sloc = rows.code;
    facts.comments = rows.comments;
    facts.test_sloc = if is_test { rows.code } else { test_rows };
    facts.broken_bytes = broken_bytes;
    facts.functions.sort_by(|a, b| (a.metrics.line, &a.metrics.name).cmp(&(b.metrics.line, &b.metrics.name)));
}

/// A node that the walk is inside of.
#[expect(clippy::struct_excessive_bools, reason = "each is undone on its own")]
struct Frame<'tree> {
    node: Node<'tree>,
    role: Role,
    /// The logical operator, where it is a node of one.
    operator: u16,
    /// Whether it adds to the cognitive nesting.
    nests: bool,
    /// Whether it adds to the nesting of control structures.
    deepens: bool,
    /// Whether it opened a function.
    opened: bool,
    /// Whether it is test code.
    test: bool,
    /// Whether it is no valid code.
    broken: bool,
}

/// A function that the walk is inside of.
struct Open {
    metrics: FunctionMetrics,
    statements: u64,
    is_test: bool,
    cognitive_nesting: u64,
    nesting: u64,
    last_row: Option<usize>,
    first_token: usize,
}

struct Walk<'a, 'tree> {
    syntax: &'a Syntax,
    source: &'a [u8],
    shift: u8,
    facts: &'a mut FileFacts,
    windows: &'a mut Vec<u64>,
    frames: Vec<Frame<'tree>>,
    open: Vec<Open>,
    /// Of the outermost open function.
    tokens: Tokens,
    rows: Rows,
    test_rows: u64,
    /// A `#[test]` or `#[cfg(test)]` was met, whose item is to come.
    test_attribute: bool,
    broken_bytes: u64,
}

impl<'tree> Walk<'_, 'tree> {
    fn run(&mut self, cursor: &mut TreeCursor<'tree>, is_test: bool) {
        loop {
            let descend = self.enter(cursor, is_test);
            if descend && cursor.goto_first_child() {
                continue;
            }
            if descend {
                let node = cursor.node();
                self.leaf(&node);
            }
            self.leave();
            while !cursor.goto_next_sibling() {
                if !cursor.goto_parent() {
                    return;
                }
                self.leave();
            }
        }
    }

    /// Takes in a node; whether its children are to be visited.
    fn enter(&mut self, cursor: &TreeCursor<'tree>, is_test: bool) -> bool {
        let node = cursor.node();
        let kind = node.kind_id();
        let mut role = self.syntax.role(kind);
        if role == Role::Statement && self.is_docstring(&node) {
            role = Role::Comment;
        }
        let parent_role = self.frames.last().map_or(Role::Plain, |frame| frame.role);
        let mut frame = Frame {
            node,
            role,
            operator: 0,
            nests: false,
            deepens: false,
            opened: false,
            test: self.frames.last().map_or(is_test, |frame| frame.test),
            broken: self.frames.last().is_some_and(|frame| frame.broken),
        };
        if self.test_attribute && node.is_named() && !matches!(role, Role::Attribute | Role::Comment) {
            frame.test = true;
            self.test_attribute = false;
        }
        if node.is_error() && !frame.broken {
            frame.broken = true;
            self.broken_bytes += node.byte_range().len() as u64;
        }
        let mut descend = true;
        match role {
            Role::Comment => {
                let (first, last) = rows(&node);
                self.rows.comment(first, last);
                descend = false;
            }
            Role::Space => descend = false,
            Role::Function => {
                let has_body = self.syntax.fields.body.is_none_or(|body| node.child_by_field_id(body.get()).is_some());
                if has_body {
                    let name = field_text(self.source, &node, self.syntax.fields.name);
                    self.open(&node, name, &mut frame);
                }
            }
            Role::Lambda => self.enter_lambda(&node, &mut frame),
            Role::Statement => self.enter_statement(&node, cursor),
            Role::Attribute => {}
            _ => self.enter_control(&node, parent_role, cursor, &mut frame),
        }
        if let Some(function) = self.open.last_mut() {
            function.cognitive_nesting += u64::from(frame.nests);
            function.nesting += u64::from(frame.deepens);
            function.metrics.nesting = function.metrics.nesting.max(function.nesting);
        }
        self.frames.push(frame);
        descend
    }

    fn enter_lambda(&mut self, node: &Node<'tree>, frame: &mut Frame<'tree>) {
        let own = self
            .syntax
            .fields
            .name
            .filter(|_| node.kind_id() != 0)
            .and_then(|field| field_text(self.source, node, Some(field)));
        let bound = self.frames.last().filter(|parent| parent.role == Role::Binding).and_then(|parent| {
            self.syntax.fields.binding.iter().find_map(|&field| field_text(self.source, &parent.node, Some(field)))
        });
        if let Some(name) = bound.or(own) {
            self.open(node, Some(name), frame);
        } else if self.open.is_empty() {
            self.open(node, None, frame);
        } else {
            frame.nests = true;
        }
    }

    fn enter_statement(&mut self, node: &Node<'tree>, cursor: &TreeCursor<'tree>) {
        let in_head = cursor.field_id().is_some_and(|field| self.syntax.fields.head.contains(&field));
        // Rust wraps control structures in statements.
        let wraps_control = self.syntax.grammar == Grammar::Rust
            && node
                .named_child(0)
                .is_some_and(|child| matches!(self.syntax.role(child.kind_id()), Role::If | Role::Loop | Role::Switch));
        if !in_head && !wraps_control {
            self.facts.statements += 1;
            if let Some(function) = self.open.last_mut() {
                function.statements += 1;
            }
        }
    }

    fn enter_control(
        &mut self,
        node: &Node<'tree>,
        parent_role: Role,
        cursor: &TreeCursor<'tree>,
        frame: &mut Frame<'tree>,
    ) {
        let Some(function) = self.open.last_mut() else { return };
        let structural = 1 + function.cognitive_nesting;
        let (cyclomatic, cognitive) = match frame.role {
            Role::If => {
                let is_else_if = parent_role == Role::ElseClause
                    || (parent_role == Role::If && cursor.field_id() == self.syntax.fields.alternative);
                frame.nests = !is_else_if;
                frame.deepens = !is_else_if;
                (1, if is_else_if { 0 } else { structural })
            }
            Role::Elif => (1, 1),
            Role::ElseWord => match parent_role {
                Role::If | Role::ElseClause => (0, 1),
                Role::Statement => (1, 1),
                _ => (0, 0),
            },
            Role::Loop | Role::Catch => {
                frame.nests = true;
                frame.deepens = true;
                (1, structural)
            }
            Role::Switch => {
                frame.nests = true;
                frame.deepens = true;
                (0, structural)
            }
            Role::Case => (u64::from(!is_default(node, self.source)), 0),
            Role::Ternary => {
                frame.nests = true;
                (1, structural)
            }
            Role::Comprehension => (1, 0),
            Role::Binary => {
                // Comments and line breaks may stand around the operator, so that its place tells nothing.
                let operator = self.syntax.fields.operator.and_then(|field| node.child_by_field_id(field.get()));
                let operator = operator.map_or(0, |operator| operator.kind_id());
                if self.syntax.role(operator) == Role::LogicalWord {
                    frame.operator = operator;
                    let goes_on = self.frames.last().is_some_and(|parent| parent.operator == operator);
                    (1, u64::from(!goes_on))
                } else {
                    (0, 0)
                }
            }
            Role::LogicalWord => match self.frames.last_mut().filter(|parent| parent.role == Role::Chain) {
                Some(chain) => {
                    let starts = chain.operator == 0;
                    chain.operator = node.kind_id();
                    (1, u64::from(starts))
                }
                None => (0, 0),
            },
            Role::Jump => {
                let labelled = node.named_child(0).is_some_and(|child| {
                    matches!(child.kind(), "label" | "label_name" | "statement_identifier" | "identifier")
                });
                function.statements += 1;
                self.facts.statements += 1;
                (0, u64::from(labelled))
            }
            _ => (0, 0),
        };
        function.metrics.cyclomatic += cyclomatic;
        function.metrics.cognitive += cognitive;
    }

    fn leave(&mut self) {
        let Some(frame) = self.frames.pop() else { return };
        if let Some(function) = self.open.last_mut() {
            function.cognitive_nesting -= u64::from(frame.nests);
            function.nesting -= u64::from(frame.deepens);
        }
        if frame.opened {
            self.close();
        }
        if frame.role == Role::Attribute {
            self.test_attribute |= is_test_attribute(&self.source[frame.node.byte_range()]);
        }
    }

    fn open(&mut self, node: &Node<'tree>, name: Option<String>, frame: &mut Frame<'tree>) {
        frame.opened = true;
        let (first, last) = rows(node);
        let (parameters, typed) = signature(self.syntax, self.source, node);
        self.open.push(Open {
            metrics: FunctionMetrics {
                name: name.unwrap_or_else(|| ANONYMOUS.to_owned()),
                line: first as u64 + 1,
                length: (last - first) as u64 + 1,
                sloc: 0,
                parameters,
                cyclomatic: 1,
                cognitive: 0,
                nesting: 0,
                typed,
            },
            // An expression body is code, too.
            statements: 1,
            is_test: frame.test,
            cognitive_nesting: 0,
            nesting: 0,
            last_row: None,
            first_token: self.tokens.len(),
        });
    }

    fn close(&mut self) {
        let Some(function) = self.open.pop() else { return };
        let shape = self.tokens.shape(function.first_token..self.tokens.len());
        if self.open.is_empty() {
            if !function.is_test {
                self.tokens.windows(self.shift, self.windows);
            }
            self.tokens.clear();
        }
        self.facts.functions.push(MeasuredFunction {
            metrics: function.metrics,
            statements: function.statements,
            is_test: function.is_test,
            shape,
        });
    }

    fn leaf(&mut self, node: &Node<'tree>) {
        let bytes = node.byte_range();
        if bytes.is_empty() {
            return;
        }
        let text = &self.source[bytes];
        let frame = self.frames.last();
        let role = frame.map_or(Role::Plain, |frame| frame.role);
        if role == Role::Markup && text.iter().all(u8::is_ascii_whitespace) {
            return;
        }
        let (first, last) = rows(node);
        let new = self.rows.code(first, last);
        if frame.is_some_and(|frame| frame.test) {
            self.test_rows += new;
        }
        if let Some(function) = self.open.last_mut() {
            function.metrics.sloc += new_rows(&mut function.last_row, first, last);
            if role == Role::Identifier {
                self.tokens.push_name(node.kind_id(), text);
            } else {
                self.tokens.push(node.kind_id(), if node.is_named() { text } else { b"" });
            }
        }
    }

    /// A string that stands alone as a statement: in Python that is documentation.
    fn is_docstring(&self, node: &Node<'tree>) -> bool {
        self.syntax.grammar == Grammar::Python
            && node.child_count() == 1
            && node.child(0).is_some_and(|child| child.kind() == "string")
            && node.kind() == "expression_statement"
    }
}

/// Whether a branch takes whatever is left.
fn is_default(node: &Node<'_>, source: &[u8]) -> bool {
    node.child(0).is_some_and(|child| child.kind() == "default")
        || node.named_child(0).is_some_and(|pattern| &source[pattern.byte_range()] == b"_")
}

#[cfg(test)]
mod tests;
