//! What the nodes of each grammar mean to the measurement: one table per language, from node names to roles.
//!
//! A new language is one variant of [`Grammar`], its rows in [`role_of`], its line in `language::grammar`.

use std::num::NonZeroU16;

use tree_sitter::{Language, Parser};

/// A language that is parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grammar {
    Rust,
    Python,
    JavaScript,
    TypeScript,
    Tsx,
    Go,
    Java,
}

impl Grammar {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Rust, Self::Python, Self::JavaScript, Self::TypeScript, Self::Tsx, Self::Go, Self::Java];

    /// The languages that are parsed, for people.
    pub const NAMES: &str = "Rust, Python, JavaScript, TypeScript, Go and Java";

    fn language(self) -> Language {
        match self {
            Self::Rust => tree_sitter_rust::LANGUAGE.into(),
            Self::Python => tree_sitter_python::LANGUAGE.into(),
            Self::JavaScript => tree_sitter_javascript::LANGUAGE.into(),
            Self::TypeScript => tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into(),
            Self::Tsx => tree_sitter_typescript::LANGUAGE_TSX.into(),
            Self::Go => tree_sitter_go::LANGUAGE.into(),
            Self::Java => tree_sitter_java::LANGUAGE.into(),
        }
    }
}

/// What a node means to the measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Nothing by itself.
    Plain,
    /// White space that the grammar shows as a token.
    Space,
    /// A comment.
    Comment,
    /// A name.
    Identifier,
    /// A function, method or constructor.
    Function,
    /// An anonymous function.
    Lambda,
    /// Gives a lambda a name: `const f = () => ...`.
    Binding,
    /// `if`.
    If,
    /// `elif`.
    Elif,
    /// The clause of an `else`.
    ElseClause,
    /// The word `else`.
    ElseWord,
    /// `for`, `while`, `loop`, `do`.
    Loop,
    /// `switch`, `match`, `select`.
    Switch,
    /// One branch of a switch that tests something.
    Case,
    /// An exception handler.
    Catch,
    /// A conditional expression.
    Ternary,
    /// A `for` or `if` in a comprehension.
    Comprehension,
    /// An operator with two operands, perhaps `&&` or `||`.
    Binary,
    /// Rust's conditions and `let`s joined by `&&`.
    Chain,
    /// `&&`, `||`, `and`, `or`.
    LogicalWord,
    /// `break`, `continue` or `goto`, perhaps to a label.
    Jump,
    /// A statement that holds no other statements.
    Statement,
    /// An attribute in front of an item, perhaps `#[test]`.
    Attribute,
    /// Text between tags, which may be nothing but blank lines.
    Markup,
}

/// A grammar with its tables and its parser.
pub struct Syntax {
    /// Which one.
    pub grammar: Grammar,
    /// The parser, set to this grammar.
    pub parser: Parser,
    roles: Vec<Role>,
    /// The fields that the measurement asks for.
    pub fields: Fields,
}

/// Field ids; `None` where the grammar has no such field.
pub struct Fields {
    pub name: Option<NonZeroU16>,
    pub alternative: Option<NonZeroU16>,
    pub parameters: Option<NonZeroU16>,
    pub parameter: Option<NonZeroU16>,
    pub return_type: Option<NonZeroU16>,
    pub body: Option<NonZeroU16>,
    pub operator: Option<NonZeroU16>,
    /// Fields in whose place a name is given to a lambda.
    pub binding: Vec<NonZeroU16>,
    /// Fields of a loop's or condition's head, where what looks like a statement is none.
    pub head: Vec<NonZeroU16>,
}

impl Syntax {
    /// The tables of a grammar.
    ///
    /// # Panics
    /// Where the grammar was built for another version of tree-sitter, which any test shows.
    #[must_use]
    pub fn new(grammar: Grammar) -> Self {
        let language = grammar.language();
        let mut parser = Parser::new();
        parser.set_language(&language).expect("the grammars are of the version that tree-sitter reads");
        let ids = 0..u16::try_from(language.node_kind_count()).unwrap_or(u16::MAX);
        let kind = |id| language.node_kind_for_id(id).unwrap_or("");
        let roles = ids.map(|id| role_of(grammar, kind(id), language.node_kind_is_named(id))).collect();
        let field = |name: &str| language.field_id_for_name(name);
        let fields = Fields {
            name: field("name"),
            alternative: field("alternative"),
            parameters: field("parameters"),
            parameter: field("parameter"),
            return_type: field("return_type"),
            body: field("body"),
            operator: field("operator"),
            binding: ["name", "key", "left", "property"].into_iter().filter_map(field).collect(),
            head: ["initializer", "init", "update", "increment", "condition"].into_iter().filter_map(field).collect(),
        };
        Self { grammar, parser, roles, fields }
    }

    /// The role of a node by its kind.
    #[must_use]
    pub fn role(&self, kind_id: u16) -> Role {
        // The id of error nodes is beyond the table.
        self.roles.get(usize::from(kind_id)).copied().unwrap_or(Role::Plain)
    }
}

fn role_of(grammar: Grammar, kind: &str, named: bool) -> Role {
    if !named {
        return match kind {
            "else" => Role::ElseWord,
            "&&" | "||" | "and" | "or" => Role::LogicalWord,
            _ if kind.trim().is_empty() || kind == "\0" => Role::Space,
            _ => Role::Plain,
        };
    }
    match kind {
        "comment" | "line_comment" | "block_comment" | "html_comment" => return Role::Comment,
        "jsx_text" => return Role::Markup,
        "line_continuation" => return Role::Space,
        _ if kind == "identifier" || kind.ends_with("_identifier") => return Role::Identifier,
        _ => {}
    }
    match grammar {
        Grammar::Rust => rust(kind),
        Grammar::Python => python(kind),
        Grammar::JavaScript | Grammar::TypeScript | Grammar::Tsx => javascript(kind),
        Grammar::Go => go(kind),
        Grammar::Java => java(kind),
    }
}

fn rust(kind: &str) -> Role {
    match kind {
        "function_item" => Role::Function,
        "closure_expression" => Role::Lambda,
        "if_expression" => Role::If,
        "else_clause" => Role::ElseClause,
        "for_expression" | "while_expression" | "loop_expression" => Role::Loop,
        "match_expression" => Role::Switch,
        "match_arm" => Role::Case,
        "binary_expression" => Role::Binary,
        "let_chain" => Role::Chain,
        "break_expression" | "continue_expression" => Role::Jump,
        "let_declaration" | "expression_statement" => Role::Statement,
        "attribute_item" => Role::Attribute,
        "self" | "metavariable" => Role::Identifier,
        _ => Role::Plain,
    }
}

fn python(kind: &str) -> Role {
    match kind {
        "function_definition" => Role::Function,
        "lambda" => Role::Lambda,
        "if_statement" => Role::If,
        "elif_clause" => Role::Elif,
        "else_clause" => Role::ElseClause,
        "for_statement" | "while_statement" => Role::Loop,
        "match_statement" => Role::Switch,
        "case_clause" => Role::Case,
        "except_clause" | "except_group_clause" => Role::Catch,
        "conditional_expression" => Role::Ternary,
        "for_in_clause" | "if_clause" => Role::Comprehension,
        "boolean_operator" => Role::Binary,
        "expression_statement"
        | "return_statement"
        | "raise_statement"
        | "assert_statement"
        | "delete_statement"
        | "import_statement"
        | "import_from_statement"
        | "future_import_statement"
        | "global_statement"
        | "nonlocal_statement"
        | "print_statement"
        | "exec_statement"
        | "break_statement"
        | "continue_statement" => Role::Statement,
        _ => Role::Plain,
    }
}

fn javascript(kind: &str) -> Role {
    match kind {
        "function_declaration" | "generator_function_declaration" | "method_definition" => Role::Function,
        "arrow_function" | "function_expression" | "generator_function" => Role::Lambda,
        "variable_declarator" | "pair" | "assignment_expression" | "field_definition" | "public_field_definition" => {
            Role::Binding
        }
        "if_statement" => Role::If,
        "else_clause" => Role::ElseClause,
        "for_statement" | "for_in_statement" | "while_statement" | "do_statement" => Role::Loop,
        "switch_statement" => Role::Switch,
        "switch_case" => Role::Case,
        "catch_clause" => Role::Catch,
        "ternary_expression" => Role::Ternary,
        "binary_expression" => Role::Binary,
        "break_statement" | "continue_statement" => Role::Jump,
        "expression_statement"
        | "lexical_declaration"
        | "variable_declaration"
        | "return_statement"
        | "throw_statement"
        | "import_statement"
        | "using_declaration" => Role::Statement,
        _ => Role::Plain,
    }
}

fn go(kind: &str) -> Role {
    match kind {
        "function_declaration" | "method_declaration" => Role::Function,
        "func_literal" => Role::Lambda,
        "if_statement" => Role::If,
        "for_statement" => Role::Loop,
        "expression_switch_statement" | "type_switch_statement" | "select_statement" => Role::Switch,
        "expression_case" | "type_case" | "communication_case" => Role::Case,
        "binary_expression" => Role::Binary,
        "break_statement" | "continue_statement" | "goto_statement" => Role::Jump,
        "expression_statement"
        | "assignment_statement"
        | "short_var_declaration"
        | "var_declaration"
        | "const_declaration"
        | "return_statement"
        | "go_statement"
        | "defer_statement"
        | "send_statement"
        | "inc_statement"
        | "dec_statement" => Role::Statement,
        "blank_identifier" | "label_name" => Role::Identifier,
        _ => Role::Plain,
    }
}

fn java(kind: &str) -> Role {
    match kind {
        "method_declaration" | "constructor_declaration" | "compact_constructor_declaration" => Role::Function,
        "lambda_expression" => Role::Lambda,
        "if_statement" => Role::If,
        "for_statement" | "enhanced_for_statement" | "while_statement" | "do_statement" => Role::Loop,
        "switch_expression" => Role::Switch,
        "switch_label" => Role::Case,
        "catch_clause" => Role::Catch,
        "ternary_expression" => Role::Ternary,
        "binary_expression" => Role::Binary,
        "break_statement" | "continue_statement" => Role::Jump,
        "expression_statement"
        | "local_variable_declaration"
        | "return_statement"
        | "throw_statement"
        | "assert_statement"
        | "explicit_constructor_invocation"
        | "yield_statement"
        | "field_declaration" => Role::Statement,
        _ => Role::Plain,
    }
}
