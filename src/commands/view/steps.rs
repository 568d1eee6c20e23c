//! The steps of a job: a row for each, with a bar for the one that runs.

use std::fmt::Write as _;
use std::time::Duration;

use super::amount;
use super::bar::bar;
use super::look::Look;
use super::text::{fit, pad};
use crate::model::progress::Step;

/// A step as people see it.
#[derive(Debug, Clone, PartialEq)]
pub struct StepView {
    /// Which one.
    pub step: Step,
    /// How far it is.
    pub state: StepState,
    /// How long it has taken so far.
    pub elapsed: Option<Duration>,
}

/// How far a step is.
#[derive(Debug, Clone, PartialEq)]
pub enum StepState {
    /// Its turn has not come.
    Waiting,
    /// It runs.
    Running {
        /// Share that is done, 0 to 1; none where it cannot be known.
        fraction: Option<f64>,
        /// A few words.
        detail: Option<String>,
    },
    /// It is done.
    Done,
    /// Its result was there already.
    Skipped,
    /// It failed.
    Failed,
}

const SPINNER: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const LABEL_WIDTH: usize = 20;
const TIME_WIDTH: usize = 9;
const BAR_WIDTH: usize = 16;

/// What the step does, for people.
#[must_use]
pub const fn label(step: Step) -> &'static str {
    match step {
        Step::Fetch => "Fetch the repository",
        Step::Analyse => "Analyse the code",
        Step::Attributes => "Choose the cat",
        Step::Texts => "Write the story",
        Step::Prompt => "Write the prompt",
        Step::Paint => "Paint the cat",
        Step::Caption => "Add the caption",
        Step::Store => "Store the pictures",
        Step::Preflight => "Check what it needs",
        Step::Dump => "Dump the database",
        Step::Restore => "Restore and compare",
        Step::Record => "Note the outcome",
        Step::Prune => "Remove old backups",
    }
}

/// The row of a step on a terminal, never wider than the screen.
#[must_use]
pub fn row(view: &StepView, look: &Look) -> String {
    let time = view.elapsed.map(amount::duration).unwrap_or_default();
    let label = pad(label(view.step), LABEL_WIDTH);
    match &view.state {
        StepState::Waiting => look.dim(&format!("  · {label}")).trim_end().to_owned(),
        StepState::Done => format!("  {} {label}{time:>TIME_WIDTH$}", look.good("✓")),
        StepState::Skipped => format!("  {} {label}{}", look.dim("–"), look.dim(&format!("{:>TIME_WIDTH$}", "kept"))),
        StepState::Failed => format!("  {} {label}{time:>TIME_WIDTH$}", look.bad("✗")),
        StepState::Running { fraction, detail } => {
            // The frame follows the clock, so that it turns evenly however often the row is drawn.
            let frame = view.elapsed.unwrap_or_default().as_millis() as usize / 80 % SPINNER.len();
            let mut row = format!("  {} {label}{time:>TIME_WIDTH$}", look.busy(SPINNER[frame]));
            let mut left = look.width.saturating_sub(4 + LABEL_WIDTH + TIME_WIDTH + 1);
            if let Some(fraction) = fraction.filter(|_| left > BAR_WIDTH + 8) {
                let (filled, track) = bar(fraction, BAR_WIDTH);
                let percent = amount::percent(fraction);
                _ = write!(row, "  {}{} {percent:>5}", look.busy(&filled), look.dim(&track));
                left -= BAR_WIDTH + 8;
            }
            if let Some(detail) = detail.as_deref().filter(|_| left > 6) {
                row.push_str("  ");
                row.push_str(&look.dim(&fit(detail, left - 2)));
            }
            row
        }
    }
}

/// What to say about a step where nothing can be drawn over: a line when its state has changed.
#[must_use]
pub fn event(before: Option<&StepState>, view: &StepView) -> Option<String> {
    let same = before.is_some_and(|before| std::mem::discriminant(before) == std::mem::discriminant(&view.state));
    if same {
        return None;
    }
    let time = view.elapsed.map(|elapsed| format!(" ({})", amount::duration(elapsed))).unwrap_or_default();
    let label = label(view.step);
    match view.state {
        StepState::Waiting => None,
        StepState::Running { .. } => Some(format!("{label} ...")),
        StepState::Done => Some(format!("{label}: done{time}")),
        StepState::Skipped => Some(format!("{label}: kept from before")),
        StepState::Failed => Some(format!("{label}: failed{time}")),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::text::width;
    use super::*;

    pub fn screen(width: usize) -> Look {
        Look { is_terminal: true, has_color: false, width }
    }

    /// Some steps, half way through.
    pub fn half_way() -> Vec<StepView> {
        let millis = |millis| Some(Duration::from_millis(millis));
        let running = |fraction, detail: &str| StepState::Running { fraction, detail: Some(detail.to_owned()) };
        vec![
            StepView { step: Step::Fetch, state: StepState::Done, elapsed: millis(1240) },
            StepView {
                step: Step::Analyse,
                state: running(Some(0.47), "3,760 of 8,000 files, src/a/b/c/d.rs"),
                elapsed: millis(66_160),
            },
            StepView { step: Step::Attributes, state: StepState::Skipped, elapsed: None },
            StepView { step: Step::Texts, state: running(None, "thinking"), elapsed: millis(90) },
            StepView { step: Step::Prompt, state: StepState::Failed, elapsed: millis(3) },
            StepView { step: Step::Paint, state: StepState::Waiting, elapsed: None },
        ]
    }

    #[test]
    fn rows_on_a_terminal() {
        let rows: Vec<String> = half_way().iter().map(|view| row(view, &screen(80))).collect();
        insta::assert_snapshot!(rows.join("\n"));
    }

    #[test]
    fn no_row_is_wider_than_the_screen() {
        for columns in 40..130 {
            for view in half_way() {
                let row = row(&view, &screen(columns));
                assert!(width(&row) <= columns, "{columns}: {row}");
            }
        }
    }

    #[test]
    fn colour_only_where_it_is_wanted() {
        for view in half_way() {
            assert!(!row(&view, &screen(80)).contains('\u{1b}'));
            let colored = row(&view, &Look { has_color: true, ..screen(80) });
            assert!(colored.contains('\u{1b}'), "{colored}");
        }
    }
}
