//! What is said about the cat: a story and the two lines of the caption.
//!
//! All of it comes from tables of templates. A template applies where its condition on the analysis holds *and* each
//! of its placeholders has a value, so that nothing is said which the analysis does not know. The seed picks among
//! those that apply; the most telling fact is always told, and no figure is told twice.

use std::iter;

use rand::seq::IndexedRandom;
use rand::{Rng, RngExt};

use self::subject::Subject;
use crate::model::analysis::Analysis;
use crate::model::attributes::CatAttributes;
use crate::model::seed::Seed;
use crate::model::texts::Texts;

mod closings;
mod facts;
mod memes;
mod numbers;
mod openings;
mod subject;
mod template;
#[cfg(test)]
mod tests;

use self::template::{Row, Template};

/// The longest line of a caption, in characters: what the column holds.
pub const MEME_LINE_MAX: usize = 100;
/// The longest word of a caption, in characters: a longer one would be drawn too small to read.
const MEME_WORD_MAX: usize = 18;

/// Writes the story and the caption. Names and paths are the repository's and not trusted: see `plain`.
#[must_use]
pub fn write(analysis: &Analysis, cat: &CatAttributes, repository_name: &str, owner: &str, seed: &Seed) -> Texts {
    let subject = Subject::new(analysis, cat, repository_name, owner);
    let (meme_text_top, meme_text_bottom) = meme(&subject, &mut seed.rng("meme"));
    Texts { story: story(&subject, &mut seed.rng("story")), meme_text_top, meme_text_bottom }
}

/// An opening, two or three facts with the most telling one last, and a closing; fewer facts where there are fewer.
fn story(subject: &Subject, rng: &mut impl Rng) -> String {
    let mut told = Told::default();
    let opening = told.tell(openings::OPENINGS, subject, rng).expect("some opening always applies");
    let mut facts = vec![told.tell_most(facts::all(), subject, rng).expect("every repository has a size")];
    for _ in 0..rng.random_range(1..=2) {
        facts.extend(told.tell(facts::all(), subject, rng));
    }
    facts.sort_by_key(|fact| fact.interest);
    let closing = told.tell(closings::CLOSINGS, subject, rng).expect("some closing always applies");
    let all = iter::once(opening).chain(facts).chain([closing]);
    all.map(|sentence| sentence.text).collect::<Vec<_>>().join(" ")
}

/// A pair of lines that both keep to the limits, whatever the names in them are.
fn meme(subject: &Subject, rng: &mut impl Rng) -> (String, String) {
    let pairs: Vec<(u32, (String, String))> = applicable(memes::MEMES, subject)
        .flat_map(|(row, interest)| {
            let lines = row.say.iter().filter_map(|(top, bottom)| Some((line(top, subject)?, line(bottom, subject)?)));
            lines.map(move |pair| (interest, pair))
        })
        .collect();
    let chosen = pairs.choose_weighted(rng, |(interest, _)| *interest).expect("some caption always applies");
    chosen.1.clone()
}

/// The line in upper case, if it is one of 2 to 8 words in ASCII, which every caption font has, and short enough.
fn line(template: &Template, subject: &Subject) -> Option<String> {
    let line = template.fill(subject)?.to_uppercase();
    let words = line.split(' ').count();
    let short = line.len() <= MEME_LINE_MAX && line.split(' ').all(|word| word.len() <= MEME_WORD_MAX);
    (line.is_ascii() && short && (2..=8).contains(&words)).then_some(line)
}

/// The rows that are true of the subject, with the interest in each.
fn applicable<T: 'static>(
    table: impl IntoIterator<Item = &'static Row<T>>,
    subject: &Subject,
) -> impl Iterator<Item = (&'static Row<T>, u32)> {
    table.into_iter().map(|row| (row, (row.interest)(subject))).filter(|(_, interest)| *interest > 0)
}

/// What a story has said already: it does not come back to a topic or a figure.
#[derive(Default)]
struct Told {
    topics: Vec<&'static str>,
    figures: Vec<&'static str>,
}

/// A row that can be told now, with those of its phrases that can be filled.
struct Candidate {
    topic: &'static str,
    interest: u32,
    phrases: Vec<(&'static Template, String)>,
}

/// A sentence of the story, and how interesting it is.
struct Sentence {
    interest: u32,
    text: String,
}

impl Told {
    /// Tells something from the table, the more interesting the likelier.
    fn tell(
        &mut self,
        table: impl IntoIterator<Item = &'static Row<Template>>,
        subject: &Subject,
        rng: &mut impl Rng,
    ) -> Option<Sentence> {
        let candidates = self.candidates(table, subject);
        let candidate = candidates.choose_weighted(rng, |candidate| candidate.interest).ok()?;
        self.say(candidate, rng)
    }

    /// Tells the most interesting thing of the table.
    fn tell_most(
        &mut self,
        table: impl IntoIterator<Item = &'static Row<Template>>,
        subject: &Subject,
        rng: &mut impl Rng,
    ) -> Option<Sentence> {
        let mut candidates = self.candidates(table, subject);
        let most = candidates.iter().map(|candidate| candidate.interest).max()?;
        candidates.retain(|candidate| candidate.interest == most);
        self.say(candidates.choose(rng)?, rng)
    }

    fn candidates(&self, table: impl IntoIterator<Item = &'static Row<Template>>, subject: &Subject) -> Vec<Candidate> {
        let new = applicable(table, subject).filter(|(row, _)| !self.topics.contains(&row.topic));
        let candidates = new.map(|(row, interest)| {
            let fresh = row.say.iter().filter(|phrase| !phrase.figures().any(|name| self.figures.contains(&name)));
            let phrases = fresh.filter_map(|phrase| Some((phrase, phrase.fill(subject)?))).collect();
            Candidate { topic: row.topic, interest, phrases }
        });
        candidates.filter(|candidate| !candidate.phrases.is_empty()).collect()
    }

    fn say(&mut self, candidate: &Candidate, rng: &mut impl Rng) -> Option<Sentence> {
        let (phrase, text) = candidate.phrases.choose(rng)?;
        self.topics.push(candidate.topic);
        self.figures.extend(phrase.figures());
        Some(Sentence { interest: candidate.interest, text: text.clone() })
    }
}
