//! What the reader's screen can show: colour, width.

use std::io::{self, IsTerminal};

use clap::builder::styling::{AnsiColor, Style};

use crate::config::Environment;

/// Width where none is known: pipes, files, old habits.
const DEFAULT_WIDTH: usize = 80;

/// What can be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Whether somebody watches: a terminal.
    pub is_terminal: bool,
    /// Whether colour may be used.
    pub has_color: bool,
    /// Columns to fill.
    pub width: usize,
}

impl Look {
    /// Text for pipes and files: no colour, 80 columns.
    #[must_use]
    pub const fn plain() -> Self {
        Self { is_terminal: false, has_color: false, width: DEFAULT_WIDTH }
    }

    /// What standard output shows.
    #[must_use]
    pub fn of_stdout(environment: &Environment) -> Self {
        Self::of(io::stdout().is_terminal(), environment)
    }

    /// What standard error shows.
    #[must_use]
    pub fn of_stderr(environment: &Environment) -> Self {
        Self::of(io::stderr().is_terminal(), environment)
    }

    fn of(is_terminal: bool, environment: &Environment) -> Self {
        if !is_terminal || environment.has_dumb_terminal() {
            return Self::plain();
        }
        let width = terminal_size::terminal_size().map_or(DEFAULT_WIDTH, |(width, _)| usize::from(width.0).max(40));
        Self { is_terminal, has_color: !environment.forbids_color(), width }
    }

    /// Columns for text that is hard to read when it runs wide.
    #[must_use]
    pub fn text_width(&self) -> usize {
        self.width.min(100)
    }

    /// A heading.
    #[must_use]
    pub fn heading(&self, text: &str) -> String {
        self.styled(Style::new().bold(), text)
    }

    /// What matters less.
    #[must_use]
    pub fn dim(&self, text: &str) -> String {
        self.styled(Style::new().dimmed(), text)
    }

    /// What is well.
    #[must_use]
    pub fn good(&self, text: &str) -> String {
        self.styled(AnsiColor::Green.on_default(), text)
    }

    /// What could be better.
    #[must_use]
    pub fn fair(&self, text: &str) -> String {
        self.styled(AnsiColor::Yellow.on_default(), text)
    }

    /// What is wrong.
    #[must_use]
    pub fn bad(&self, text: &str) -> String {
        self.styled(AnsiColor::Red.on_default(), text)
    }

    /// What is going on.
    #[must_use]
    pub fn busy(&self, text: &str) -> String {
        self.styled(AnsiColor::Cyan.on_default(), text)
    }

    /// By how good `share` (0 to 1) is.
    #[must_use]
    pub fn judged(&self, share: f64, text: &str) -> String {
        match share {
            share if share >= 0.7 => self.good(text),
            share if share >= 0.4 => self.fair(text),
            _ => self.bad(text),
        }
    }

    fn styled(&self, style: Style, text: &str) -> String {
        if self.has_color { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}
