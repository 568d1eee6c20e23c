//! The events of one generation, told from what is kept of it.
//!
//! What a client has seen is a few numbers, and they are the id of each event: whoever comes back with them is told the
//! difference to what is true now, which is all that was missed and nothing twice.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::db::events::Story;
use crate::model::job::JobState;
use crate::model::progress::Step;

/// What a client has seen of a generation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// The claim that it saw begin.
    claim: i32,
    /// The claim that it saw fail.
    attempt: i32,
    /// Which state, counted from 1 as in [`JobState::ALL`]; 0: none.
    state: u8,
    /// The steps that are done, a bit each.
    done: u16,
    /// The step that runs, counted from 1 as in [`Step::ALL`]; 0: none.
    step: u8,
    /// How far that is, in thousandths.
    share: u16,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { claim, attempt, state, done, step, share } = self;
        write!(f, "{claim}-{attempt}-{state}-{done}-{step}-{share}")
    }
}

impl FromStr for Seen {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        fn number<T: FromStr>(word: Option<&str>) -> Result<T, ()> {
            word.and_then(|word| word.parse().ok()).ok_or(())
        }
        let mut words = text.split('-');
        let seen = Self {
            claim: number(words.next())?,
            attempt: number(words.next())?,
            state: number(words.next())?,
            done: number(words.next())?,
            step: number(words.next())?,
            share: number(words.next())?,
        };
        words.next().map_or(Ok(seen), |_| Err(()))
    }
}

/// An event: its name, what it tells, and what has been seen after it.
pub(super) type Told = (&'static str, Value, Seen);

/// Tells what a client has not seen yet.
pub(super) fn tell(seen: Seen, story: &Story) -> Vec<Told> {
    let mut teller = Teller { story, seen, told: Vec::new() };
    teller.attempts();
    teller.run();
    teller.steps();
    teller.state();
    teller.told
}

struct Teller<'a> {
    story: &'a Story,
    seen: Seen,
    told: Vec<Told>,
}

impl Teller<'_> {
    fn say(&mut self, name: &'static str, data: Value) {
        self.told.push((name, data, self.seen));
    }

    fn is(&self, state: JobState) -> bool {
        self.story.state == state.name()
    }

    fn begin(&mut self, claim: i32, started_at: Option<DateTime<Utc>>) {
        self.seen = Seen { claim, state: code(JobState::Running.name()), step: 0, share: 0, ..self.seen };
        let id = self.story.id;
        self.say("state", json!({"id": id, "state": "running", "claim": claim, "started_at": started_at}));
    }

    fn attempts(&mut self) {
        for attempt in &self.story.attempts {
            if attempt.claim <= self.seen.attempt {
                continue;
            }
            if attempt.claim > self.seen.claim && attempt.started_at.is_some() {
                self.begin(attempt.claim, attempt.started_at);
            }
            self.seen.claim = self.seen.claim.max(attempt.claim);
            self.seen.attempt = attempt.claim;
            let mut data = json!(attempt);
            data["id"] = json!(self.story.id);
            self.say("attempt", data);
        }
    }

    fn run(&mut self) {
        let has_run = self.is(JobState::Running) || self.is(JobState::Completed);
        if has_run && self.story.claims > self.seen.claim {
            self.begin(self.story.claims, self.story.started_at);
        }
    }

    fn steps(&mut self) {
        let id = self.story.id;
        if let Some(seconds) = &self.story.step_seconds {
            for (place, step) in Step::ALL.into_iter().enumerate() {
                if let Some(seconds) = seconds.get(step.name()) {
                    self.done(place, step.name(), seconds);
                }
            }
        }
        for row in &self.story.steps {
            let Some(place) = Step::ALL.iter().position(|step| step.name() == row.step) else { continue };
            let (bit, number) = (1 << place, place as u8 + 1);
            if row.done {
                self.done(place, &row.step, &json!(row.seconds));
            } else if self.is(JobState::Running) {
                if self.seen.step != number || self.seen.done & bit != 0 {
                    self.seen = Seen { done: self.seen.done & !bit, step: number, share: 0, ..self.seen };
                    self.say("step", json!({"id": id, "step": row.step, "state": "running"}));
                }
                let share = row.fraction.map_or(0, |fraction| (fraction.clamp(0.0, 1.0) * 1000.0) as u16);
                if share > self.seen.share {
                    self.seen.share = share;
                    let data = json!({"id": id, "step": row.step, "fraction": row.fraction, "detail": row.detail});
                    self.say("progress", data);
                }
            }
        }
    }

    fn done(&mut self, place: usize, step: &str, seconds: &Value) {
        if self.seen.done & (1 << place) != 0 {
            return;
        }
        self.seen.done |= 1 << place;
        if usize::from(self.seen.step) == place + 1 {
            self.seen = Seen { step: 0, share: 0, ..self.seen };
        }
        let id = self.story.id;
        self.say("step", json!({"id": id, "step": step, "state": "done", "seconds": seconds}));
    }

    fn state(&mut self) {
        let Story { id, state, run_at, parked_because, finished_at, attempts, .. } = self.story;
        let now = code(state);
        if now == self.seen.state {
            return;
        }
        self.seen.state = now;
        if finished_at.is_none() {
            let data = json!({"id": id, "state": state, "run_at": run_at, "parked_because": parked_because});
            return self.say("state", data);
        }
        let mut data = json!({"id": id, "state": state, "finished_at": finished_at, "links": {
            "self": format!("/v1/generations/{id}"),
        }});
        if self.is(JobState::Completed) {
            data["links"]["image"] = format!("/v1/generations/{id}/image").into();
        } else {
            data["error"] = json!(attempts.last().and_then(|attempt| attempt.error.as_ref()));
        }
        self.say("end", data);
    }
}

fn code(state: &str) -> u8 {
    JobState::ALL.iter().position(|known| known.name() == state).map_or(0, |place| place as u8 + 1)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::db::events::{AttemptThen, StepNow};

    fn story(state: &str, claims: i32) -> Story {
        Story {
            id: Uuid::nil(),
            kind: "generation".to_owned(),
            state: state.to_owned(),
            parked_because: None,
            run_at: DateTime::UNIX_EPOCH,
            started_at: (claims > 0).then_some(DateTime::UNIX_EPOCH),
            finished_at: JobState::from_name(state).unwrap().is_final().then_some(DateTime::UNIX_EPOCH),
            claims,
            steps: Vec::new(),
            attempts: Vec::new(),
            step_seconds: None,
        }
    }

    fn step(step: &str, done: bool, fraction: f64) -> StepNow {
        StepNow { step: step.to_owned(), done, seconds: None, fraction: Some(fraction), detail: None }
    }

    fn attempt(claim: i32) -> AttemptThen {
        AttemptThen {
            claim,
            started_at: Some(DateTime::UNIX_EPOCH),
            finished_at: DateTime::UNIX_EPOCH,
            outcome: "retried".to_owned(),
            error_class: None,
            error: Some("down".to_owned()),
            hint: None,
        }
    }

    /// A life, as a poll of each moment would see it.
    fn life() -> Vec<Story> {
        let failed = || Story { attempts: vec![attempt(1)], ..story("scheduled", 1) };
        let again = |steps| Story { attempts: vec![attempt(1)], steps, ..story("running", 2) };
        vec![
            story("available", 0),
            Story { steps: vec![step("fetch", false, 0.0)], ..story("running", 1) },
            Story { steps: vec![step("fetch", false, 0.5)], ..story("running", 1) },
            Story { steps: vec![step("fetch", true, 1.0), step("analyse", false, 0.25)], ..story("running", 1) },
            Story { steps: vec![step("fetch", true, 1.0), step("analyse", false, 0.25)], ..failed() },
            again(vec![step("fetch", true, 1.0), step("analyse", false, 0.0)]),
            again(vec![step("fetch", true, 1.0), step("analyse", true, 1.0), step("paint", false, 0.0)]),
            Story {
                step_seconds: Some(json!({"fetch": 1.0, "analyse": 2.0, "paint": 3.0, "store": 0.1})),
                attempts: vec![attempt(1)],
                ..story("completed", 2)
            },
        ]
    }

    fn words(told: &[Told]) -> Vec<String> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let word = |(name, data, _): &Told| format!("{name} {} {}", text(&data["step"]), text(&data["state"]));
        told.iter().map(word).collect()
    }

    #[test]
    fn whoever_stays_sees_all_of_it_and_nothing_twice() {
        let (mut seen, mut told) = (Seen::default(), Vec::new());
        for story in life() {
            let new = tell(seen, &story);
            seen = new.last().map_or(seen, |(_, _, seen)| *seen);
            assert!(tell(seen, &story).is_empty());
            told.extend(new);
        }
        let words = words(&told);
        let expected = [
            "state  available",
            "state  running",
            "step fetch running",
            "progress fetch ",
            "step fetch done",
            "step analyse running",
            "progress analyse ",
            "attempt  ",
            "state  scheduled",
            "state  running",
            "step analyse running",
            "step analyse done",
            "step paint running",
            "step paint done",
            "step store done",
            "end  completed",
        ];
        assert_eq!(words, expected);
    }

    #[test]
    fn whoever_comes_back_is_told_the_rest_from_any_event_on() {
        let end = life().pop().unwrap();
        let mut seen = Seen::default();
        let mut ids = Vec::new();
        for story in life() {
            let new = tell(seen, &story);
            seen = new.last().map_or(seen, |(_, _, seen)| *seen);
            ids.extend(new.iter().map(|(_, _, seen)| seen.to_string()));
        }
        for id in &ids {
            let seen: Seen = id.parse().unwrap();
            let rest = tell(seen, &end);
            let names = words(&rest);
            assert_eq!(
                names.iter().filter(|word| word.starts_with("end")).count(),
                usize::from(id != ids.last().unwrap())
            );
            let done = |step: &str| names.iter().filter(|word| **word == format!("step {step} done")).count();
            let had = |place: usize| usize::from(seen.done & (1 << place) != 0);
            assert_eq!([done("fetch") + had(0), done("analyse") + had(1), done("store") + had(7)], [1; 3], "{id}");
            assert_eq!(names.contains(&"attempt  ".to_owned()), seen.attempt == 0, "{id}");
        }
        assert_eq!("1-2-3".parse::<Seen>(), Err(()));
        assert_eq!("a".parse::<Seen>(), Err(()));
        assert_eq!("1-2-3-4-5-6-7".parse::<Seen>(), Err(()));
    }

    #[test]
    fn a_job_that_is_reopened_after_its_end_goes_on() {
        let ended = tell(Seen::default(), &story("cancelled", 0));
        let seen = ended.last().unwrap().2;
        assert_eq!(words(&ended), ["end  cancelled"]);
        assert_eq!(words(&tell(seen, &story("available", 0))), ["state  available"]);
    }
}
