//! What can be said about a repository and its cat: the value of each placeholder.

use super::super::plain;
use super::numbers::{percent, size};
use crate::model::analysis::{Analysis, Hotspot, LanguageShare, LeftOutReason, ScoreTerm};
use crate::model::attributes::CatAttributes;
use crate::model::figures::{counted, grouped};
use crate::model::repository::LOCAL_OWNER;

/// Whom the texts are about.
pub(super) struct Subject<'a> {
    pub analysis: &'a Analysis,
    pub cat: &'a CatAttributes,
    repo: Option<String>,
    owner: Option<String>,
    language: Option<String>,
}

impl<'a> Subject<'a> {
    /// Placeholders that may come back in a story: they say whom it is about.
    pub const WHO: [&'static str; 7] = ["repo", "owner", "the_repo", "cat", "a_cat", "A_cat", "language"];

    pub fn new(analysis: &'a Analysis, cat: &'a CatAttributes, repository_name: &str, owner: &str) -> Self {
        let language = analysis.primary_language.as_deref().and_then(plain::language);
        // A repository on this machine has nobody's name to tell.
        let owner = Some(owner).filter(|&owner| owner != LOCAL_OWNER).and_then(plain::name);
        Self { analysis, cat, repo: plain::name(repository_name), owner, language }
    }

    /// The value of a placeholder; none where the analysis does not know it.
    pub fn value(&self, placeholder: &str) -> Option<String> {
        let (analysis, metrics) = (self.analysis, &self.analysis.metrics);
        match placeholder {
            "repo" => self.repo.clone(),
            "the_repo" => Some(self.repo.clone().unwrap_or_else(|| "this repository".into())),
            "owner" => self.owner.clone(),
            "cat" => Some(self.cat.portrait()),
            "a_cat" => Some(with_article(&self.cat.portrait(), "a")),
            "A_cat" => Some(with_article(&self.cat.portrait(), "A")),
            "score" => self.cat.beauty_score.map(|score| format!("{score:.1}")),
            "language" => self.language.clone(),
            "share" => self.primary().and_then(|language| percent(language.share)),
            "second" => self.second().and_then(|language| plain::language(&language.name)),
            "second_share" => self.second().and_then(|language| percent(language.share)),
            "languages" => Some(counted(analysis.languages.len() as u64, "language", "languages")),
            "entries" => Some(counted(analysis.entries, "entry", "entries")),
            "sloc" => Some(counted(analysis.sloc, "line of code", "lines of code")),
            "size" => Some(size(analysis.repo_size_kb)),
            "functions" => Some(counted(metrics.function_count, "function", "functions")),
            "average" => self.average_length().map(lines),
            "longest_lines" => Some(lines(metrics.function_length_max)),
            "longest" => self.longest().and_then(|spot| function(&spot.function.name)),
            "longest_file" => self.longest().and_then(|spot| plain::path(&spot.path)),
            "hotspot" => self.hotspot().and_then(|spot| function(&spot.function.name)),
            "hotspot_file" => self.hotspot().and_then(|spot| plain::path(&spot.path)),
            "cognitive" => self.hotspot().map(|spot| grouped(spot.function.cognitive)),
            "decisions" => {
                self.hotspot().map(|spot| counted(spot.function.cyclomatic.saturating_sub(1), "decision", "decisions"))
            }
            "nesting" => Some(counted(metrics.nesting_depth_max, "level", "levels")),
            "duplication" => percent(metrics.duplication_ratio),
            "comments" => percent(metrics.comment_ratio),
            "tests" => percent(metrics.test_ratio),
            "long_lines" => percent(metrics.lines_too_long_pct / 100.0),
            "longest_line" => Some(counted(metrics.line_length_max, "character", "characters")),
            "giants" => percent(self.giant_files()),
            "vendored" => Some(self.left_out_files(LeftOutReason::Vendored)),
            "generated" => Some(self.left_out_files(LeftOutReason::Generated)),
            "minified" => Some(self.left_out_files(LeftOutReason::Minified)),
            "not_code" => Some(self.left_out_files(LeftOutReason::NotCode)),
            "binary" => Some(self.left_out_files(LeftOutReason::Binary)),
            "worst_term" => self.worst_term().and_then(|term| plain::name(&term.label)).map(|l| l.to_lowercase()),
            "worst_points" => self.worst_term().and_then(points),
            "best_term" => self.best_term().and_then(|term| plain::name(&term.label)).map(|l| l.to_lowercase()),
            "best_points" => self.best_term().and_then(points),
            _ => None,
        }
    }

    /// The primary language's share of the code; 0 where it is not known.
    pub fn share(&self) -> f64 {
        self.primary().map_or(0.0, |language| language.share)
    }

    /// The share of the second language; 0 where there is none.
    pub fn second_share(&self) -> f64 {
        self.second().map_or(0.0, |language| language.share)
    }

    /// Share of code in files of more than 1,000 lines of code.
    pub fn giant_files(&self) -> f64 {
        self.analysis.distributions.file_length[3]
    }

    /// Files that were left out for a reason.
    pub fn left_out(&self, reason: LeftOutReason) -> u64 {
        let files = self.analysis.left_out.iter().filter(|left_out| left_out.reason == reason);
        files.fold(0, |sum, left_out| sum.saturating_add(left_out.files))
    }

    /// Whether there is enough code for a habit to show.
    pub fn has_habits(&self) -> bool {
        self.analysis.metrics.function_count >= 20
    }

    /// The cognitive complexity and the decisions of the function most in need of care; 0 where none is known by name.
    pub fn knot(&self) -> (u64, u64) {
        self.hotspot().map_or((0, 0), |spot| (spot.function.cognitive, spot.function.cyclomatic.saturating_sub(1)))
    }

    fn primary(&self) -> Option<&LanguageShare> {
        let name = self.analysis.primary_language.as_deref()?;
        self.analysis.languages.iter().find(|language| language.name == name)
    }

    fn second(&self) -> Option<&LanguageShare> {
        let name = self.analysis.primary_language.as_deref()?;
        self.analysis.languages.iter().find(|language| language.name != name)
    }

    /// The longest function of all, where the hotspots name it.
    fn longest(&self) -> Option<&Hotspot> {
        let length = self.analysis.metrics.function_length_max;
        self.analysis.hotspots.iter().find(|spot| spot.function.length == length)
    }

    fn hotspot(&self) -> Option<&Hotspot> {
        self.analysis.hotspots.first().filter(|spot| function(&spot.function.name).is_some())
    }

    fn average_length(&self) -> Option<u64> {
        let average = self.analysis.metrics.function_length_avg;
        (0.5..1e6).contains(&average).then(|| average.round() as u64)
    }

    fn left_out_files(&self, reason: LeftOutReason) -> String {
        counted(self.left_out(reason), "file", "files")
    }

    /// The term of the score that gave the largest part of what it could.
    pub fn best_term(&self) -> Option<&ScoreTerm> {
        self.judged().max_by(|one, other| one.value.total_cmp(&other.value))
    }

    /// The term of the score that gave the smallest part of what it could.
    pub fn worst_term(&self) -> Option<&ScoreTerm> {
        self.judged().min_by(|one, other| one.value.total_cmp(&other.value))
    }

    fn judged(&self) -> impl Iterator<Item = &ScoreTerm> {
        let terms = if self.cat.beauty_score.is_some() { &self.analysis.score_terms[..] } else { &[] };
        terms.iter().filter(|term| (0.05..=1.0).contains(&term.weight) && (0.0..=1.0).contains(&term.value))
    }
}

fn lines(number: u64) -> String {
    counted(number, "line", "lines")
}

/// `0.3 of 1.5 points`.
fn points(term: &ScoreTerm) -> Option<String> {
    let most = 10.0 * term.weight;
    (0.0..=most + 0.05).contains(&term.contribution).then(|| format!("{:.1} of {most:.1} points", term.contribution))
}

/// A function's name as it is called; none for one without a name.
fn function(name: &str) -> Option<String> {
    let clean = plain::name(name).filter(|_| !name.starts_with('<'))?;
    Some(if clean.contains([' ', '…']) { clean } else { format!("{clean}()") })
}

fn with_article(noun: &str, article: &str) -> String {
    let n = if noun.starts_with(['a', 'e', 'i', 'o', 'u']) { "n" } else { "" };
    format!("{article}{n} {noun}")
}
