//! Progress while people wait: drawn over on a terminal, a line per event elsewhere, nothing with `--json`.

use std::io::{self, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::look::Look;
use super::steps::{StepState, StepView, event, row};
use super::text::fit;
use crate::model::progress::Report;
use crate::telemetry::drawing;

/// The progress of one generation, on standard error.
pub struct ProgressView {
    shape: Shape,
    seen: Vec<StepView>,
}

enum Shape {
    Live { rows: Vec<ProgressBar>, look: Look },
    Lines(Box<dyn Write + Send>),
    Nothing,
}

impl ProgressView {
    /// A view for what `look` (of standard error) can show, headed by `title`.
    #[must_use]
    pub fn start(title: &str, look: &Look, json: bool) -> Self {
        if json {
            return Self { shape: Shape::Nothing, seen: Vec::new() };
        }
        if look.is_terminal {
            // Nobody is left to look at it if standard error is closed.
            _ = drawing().println(look.heading(title));
            return Self { shape: Shape::Live { rows: Vec::new(), look: *look }, seen: Vec::new() };
        }
        Self::lines(title, Box::new(io::stderr()))
    }

    fn lines(title: &str, mut to: Box<dyn Write + Send>) -> Self {
        _ = writeln!(to, "{title}");
        Self { shape: Shape::Lines(to), seen: Vec::new() }
    }

    /// Shows how far the steps are. To be called some ten times a second while a terminal watches.
    pub fn update(&mut self, steps: &[StepView]) {
        match &mut self.shape {
            Shape::Nothing => {}
            Shape::Lines(to) => {
                for view in steps {
                    let before = self.seen.iter().find(|seen| seen.step == view.step).map(|seen| &seen.state);
                    // A step that was over before anybody looked still began.
                    if let Some(line) = event(before, view) {
                        _ = writeln!(to, "{line}");
                    }
                }
            }
            Shape::Live { rows, look } => {
                while rows.len() < steps.len() {
                    rows.push(drawing().add(ProgressBar::no_length().with_style(bare())));
                }
                for (bar, view) in rows.iter().zip(steps) {
                    bar.set_message(row(view, look));
                }
            }
        }
        self.seen = steps.to_vec();
    }

    /// Says something between the steps, such as why an attempt failed.
    pub fn say(&mut self, text: &str) {
        match &mut self.shape {
            Shape::Nothing => {}
            Shape::Lines(to) => _ = writeln!(to, "{text}"),
            Shape::Live { .. } => _ = drawing().println(text),
        }
    }

    /// Leaves the last state on the screen.
    pub fn finish(self) {
        if let Shape::Live { rows, .. } = self.shape {
            rows.iter().for_each(ProgressBar::abandon);
        }
    }

    /// Takes the view off the screen, to say something else in its place.
    pub fn clear(self) {
        if let Shape::Live { rows, .. } = self.shape {
            rows.iter().for_each(ProgressBar::finish_and_clear);
        }
    }

    /// Whether some step failed, as far as was seen.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.seen.iter().any(|view| view.state == StepState::Failed)
    }
}

/// A spinner for work of one piece, on standard error of a terminal; elsewhere nothing.
pub struct Spinner {
    bar: ProgressBar,
    look: Look,
}

impl Spinner {
    /// Turns until it is dropped, and leaves no trace.
    #[must_use]
    pub fn start(look: &Look, json: bool) -> Self {
        let bar =
            if look.is_terminal && !json { drawing().add(ProgressBar::no_length()) } else { ProgressBar::hidden() };
        bar.set_style(ProgressStyle::default_spinner());
        bar.enable_steady_tick(Duration::from_millis(100));
        Self { bar, look: *look }
    }

    /// Says what is being done now.
    pub fn say(&self, doing: &str) {
        self.bar.set_message(fit(doing, self.look.width.saturating_sub(4)));
    }
}

impl Report for Spinner {
    fn report(&self, _: u64, _: u64, detail: &str) {
        self.say(detail);
    }

    fn should_stop(&self) -> bool {
        // Ctrl-C ends the process, and the children with it.
        false
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// The row comes ready-made.
fn bare() -> ProgressStyle {
    ProgressStyle::with_template("{msg}").expect("a template of one placeholder is valid")
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::super::steps::tests::half_way;
    use super::*;
    use crate::model::progress::Step;

    #[derive(Clone, Default)]
    struct Captured(Arc<Mutex<Vec<u8>>>);

    impl Write for Captured {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_pipe_gets_one_line_per_event() {
        let captured = Captured::default();
        let mut view = ProgressView::lines("owner/name", Box::new(captured.clone()));
        view.update(&half_way());
        view.update(&half_way());
        let mut later = half_way();
        later[1].state = StepState::Done;
        later[5].state = StepState::Running { fraction: Some(0.1), detail: None };
        view.update(&later);
        later[5] = StepView { step: Step::Paint, state: StepState::Done, elapsed: Some(Duration::from_millis(141)) };
        view.update(&later);
        insta::assert_snapshot!(String::from_utf8(captured.0.lock().unwrap().clone()).unwrap());
        assert!(view.has_failed());
    }
}
