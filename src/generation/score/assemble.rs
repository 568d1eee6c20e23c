//! Puts the findings about all files together into one analysis.

use std::collections::BTreeMap;

use crate::model::analysis::{
    Analysis, FileReport, FullAnalysis, FunctionMetrics, Hotspot, LanguageShare, LeftOut, LeftOutReason, Metrics, Note,
};
use crate::model::tree::TreeEntry;

use super::facts::FileFacts;
use super::signals::Signals;
use super::{distributions, duplication, language, round, terms, words};

/// Paths in `files_analyzed`.
const MAX_PATHS: usize = 1000;
/// Examples of files that were left out, per reason.
const MAX_EXAMPLES: usize = 20;
/// Notes that are kept.
const MAX_NOTES: usize = 200;
/// Functions that are named as most in need of care.
const MAX_HOTSPOTS: usize = 10;

/// The analysis of a tree; `facts` has one for each of its entries, in order.
#[must_use]
pub fn assemble(entries: &[TreeEntry], mut facts: Vec<FileFacts>, windows: Vec<u64>) -> FullAnalysis {
    name_headers(&mut facts);
    let signals = Signals::of(entries);
    let languages = languages(&facts);
    let is_scored = |facts: &&FileFacts| facts.parsed && facts.left_out.is_none() && !facts.is_test;
    let bands = distributions::bands(facts.iter().filter(is_scored));
    let quality = distributions::quality(facts.iter().filter(is_scored));
    let metrics = metrics(&facts, duplication::ratio(windows));
    let evidence = terms::Evidence {
        quality,
        bands: &bands,
        duplication: metrics.duplication_ratio,
        has_tests: metrics.has_tests,
        test_ratio: metrics.test_ratio,
        signals,
    };
    let parsed: u64 = facts.iter().filter(is_scored).map(|facts| facts.sloc.saturating_sub(facts.test_sloc)).sum();
    let code: u64 = facts.iter().filter(|facts| facts.left_out.is_none()).map(|facts| facts.sloc).sum();
    let tests: u64 = facts.iter().filter(|facts| facts.left_out.is_none()).map(|facts| facts.test_sloc).sum();
    let main = languages.first().map(|language| language.name.clone());
    let score_reason = terms::reason_for_none(parsed, code, main.as_deref().filter(|_| code > 0));
    let score_terms = if score_reason.is_none() { terms::terms(&evidence) } else { Vec::new() };
    let score = score_reason.is_none().then(|| terms::score(&score_terms));
    let hotspots = hotspots(entries, &facts);
    let sloc = languages.iter().map(|language| language.sloc).sum();
    let paths_parsed =
        || entries.iter().zip(&facts).filter(|(_, facts)| facts.parsed).map(|(entry, _)| entry.path.clone());
    let recognised = languages.iter().map(|language| language.files as usize).sum();
    let analysis = Analysis {
        code_quality_score: score,
        score_model: terms::SCORE_MODEL.to_owned(),
        confidence: terms::confidence(parsed, code.saturating_sub(tests)),
        primary_language: main.clone(),
        // A damaged object may claim any size.
        repo_size_kb: entries.iter().fold(0_u64, |sum, entry| sum.saturating_add(entry.size)).div_ceil(1024),
        entries: entries.len() as u64,
        sloc,
        files_analyzed: paths_parsed().take(MAX_PATHS).collect(),
        files_parsed: paths_parsed().count() as u64,
        metrics,
        has_ci: signals.ci,
        has_documentation: signals.readme || signals.docs_folder,
        has_license: signals.license,
        left_out: left_out(entries, &facts),
        notes: notes(entries, &facts),
        distributions: bands,
        strengths: words::strengths(&score_terms),
        weaknesses: words::weaknesses(&score_terms),
        recommendations: words::recommendations(&score_terms, &hotspots),
        summary: words::summary(main.as_deref(), sloc, recognised, score, score_reason.as_deref(), &score_terms),
        hotspots,
        languages,
        score_reason,
        score_terms,
    };
    let files = entries.iter().zip(facts).map(|(entry, facts)| report(entry, facts)).collect();
    FullAnalysis { analysis, files }
}

/// A header is of the language that most sources of the repository are of.
fn name_headers(facts: &mut [FileFacts]) {
    let count = |name: &str| facts.iter().filter(|facts| facts.language.as_deref() == Some(name)).count();
    let name = if count("C++") > count("C") { "C++" } else { "C" };
    for facts in facts.iter_mut().filter(|facts| facts.language.as_deref() == Some(language::C_HEADER)) {
        facts.language = Some(name.to_owned());
    }
}

/// The languages, code first, most lines first. Where there is code, data and prose have no share.
fn languages(facts: &[FileFacts]) -> Vec<LanguageShare> {
    let mut languages: BTreeMap<&str, (bool, LanguageShare)> = BTreeMap::new();
    for facts in facts.iter().filter(|facts| matches!(facts.left_out, None | Some(LeftOutReason::NotCode))) {
        let Some(name) = facts.language.as_deref() else { continue };
        let (is_code, language) = languages.entry(name).or_insert_with(|| {
            let name = name.to_owned();
            (false, LanguageShare { name, files: 0, sloc: 0, comments: 0, blanks: 0, share: 0.0 })
        });
        *is_code |= facts.left_out.is_none();
        language.files += 1;
        language.sloc += facts.sloc;
        language.comments += facts.comments;
        language.blanks += facts.blanks;
    }
    let mut languages: Vec<(bool, LanguageShare)> = languages.into_values().collect();
    languages.sort_by(|(a_code, a), (b_code, b)| (b_code, b.sloc, &a.name).cmp(&(a_code, a.sloc, &b.name)));
    let leads = languages.iter().any(|(is_code, language)| *is_code && language.sloc > 0);
    let whole: u64 = languages.iter().filter(|(is_code, _)| *is_code == leads).map(|(_, language)| language.sloc).sum();
    for (_, language) in languages.iter_mut().filter(|(is_code, _)| *is_code == leads && whole > 0) {
        language.share = round(language.sloc as f64 / whole as f64, 4);
    }
    languages.into_iter().map(|(_, language)| language).collect()
}

/// The original's metrics over all parsed files, and the presence of tests.
fn metrics(facts: &[FileFacts], duplication_ratio: f64) -> Metrics {
    let code = || facts.iter().filter(|facts| facts.left_out.is_none());
    let parsed = || code().filter(|facts| facts.parsed);
    let functions = || parsed().flat_map(|facts| facts.functions.iter().map(|function| &function.metrics));
    let count = functions().count() as u64;
    let ratio =
        |part: u64, whole: u64, digits| if whole == 0 { 0.0 } else { round(part as f64 / whole as f64, digits) };
    let sum = |of: fn(&FileFacts) -> u64| code().map(of).sum::<u64>();
    let lines = |of: fn(&FileFacts) -> u64| parsed().map(of).sum::<u64>();
    let (sloc, comments, test_sloc) =
        (sum(|facts| facts.sloc), sum(|facts| facts.comments), sum(|facts| facts.test_sloc));
    let (length, nesting) = (functions().map(|f| f.length).sum(), functions().map(|f| f.nesting).sum());
    let (cyclomatic, cognitive) = (functions().map(|f| f.cyclomatic).sum(), functions().map(|f| f.cognitive).sum());
    let line_count = lines(|facts| facts.lines.count);
    Metrics {
        line_length_avg: ratio(lines(|facts| facts.lines.characters), line_count, 2),
        line_length_max: parsed().map(|facts| facts.lines.longest).max().unwrap_or(0),
        lines_too_long_pct: round(ratio(lines(|facts| facts.lines.too_long), line_count, 6) * 100.0, 2),
        function_length_avg: ratio(length, count, 2),
        function_length_max: functions().map(|f| f.length).max().unwrap_or(0),
        function_count: count,
        nesting_depth_avg: ratio(nesting, count, 2),
        nesting_depth_max: functions().map(|f| f.nesting).max().unwrap_or(0),
        comment_ratio: ratio(comments, comments + sloc, 4),
        has_tests: test_sloc > 0 || code().any(|facts| facts.functions.iter().any(|function| function.is_test)),
        has_type_hints: functions().filter(|f| f.typed).count() as u64 * 2 > count,
        complexity_avg: ratio(cyclomatic, count, 2),
        complexity_max: functions().map(|f| f.cyclomatic).max().unwrap_or(0),
        complexity_total: cyclomatic,
        cognitive_avg: ratio(cognitive, count, 2),
        cognitive_max: functions().map(|f| f.cognitive).max().unwrap_or(0),
        test_ratio: ratio(test_sloc, sloc, 4),
        duplication_ratio: round(duplication_ratio, 4),
    }
}

/// The worst functions outside of tests: those that are furthest beyond what reads well.
fn hotspots(entries: &[TreeEntry], facts: &[FileFacts]) -> Vec<Hotspot> {
    let mut hotspots: Vec<(u64, &TreeEntry, &FunctionMetrics)> = entries
        .iter()
        .zip(facts)
        .filter(|(_, facts)| facts.parsed && facts.left_out.is_none())
        .flat_map(|(entry, facts)| facts.functions.iter().filter(|f| !f.is_test).map(move |f| (entry, &f.metrics)))
        .map(|(entry, metrics)| {
            (metrics.sloc / 2 + metrics.cognitive + 5 * metrics.nesting.saturating_sub(3), entry, metrics)
        })
        .filter(|(badness, ..)| *badness >= 20)
        .collect();
    hotspots.sort_by(|(a, a_entry, a_f), (b, b_entry, b_f)| {
        b.cmp(a).then_with(|| (&a_entry.path, a_f.line, &a_f.name).cmp(&(&b_entry.path, b_f.line, &b_f.name)))
    });
    hotspots.truncate(MAX_HOTSPOTS);
    let hotspot = |(_, entry, function): (u64, &TreeEntry, &FunctionMetrics)| Hotspot {
        path: entry.path.clone(),
        function: function.clone(),
    };
    hotspots.into_iter().map(hotspot).collect()
}

fn left_out(entries: &[TreeEntry], facts: &[FileFacts]) -> Vec<LeftOut> {
    let mut reasons: BTreeMap<LeftOutReason, LeftOut> = BTreeMap::new();
    for (entry, facts) in entries.iter().zip(facts) {
        let Some(reason) = facts.left_out else { continue };
        let left_out =
            reasons.entry(reason).or_insert_with(|| LeftOut { reason, files: 0, bytes: 0, examples: Vec::new() });
        left_out.files += 1;
        left_out.bytes = left_out.bytes.saturating_add(entry.size);
        if left_out.examples.len() < MAX_EXAMPLES {
            left_out.examples.push(entry.path.clone());
        }
    }
    reasons.into_values().collect()
}

fn notes(entries: &[TreeEntry], facts: &[FileFacts]) -> Vec<Note> {
    let note = |path: &str, note: &String| Note { path: path.to_owned(), note: note.clone() };
    entries
        .iter()
        .zip(facts)
        .flat_map(|(entry, facts)| facts.notes.iter().map(move |text| note(&entry.path, text)))
        .take(MAX_NOTES)
        .collect()
}

fn report(entry: &TreeEntry, facts: FileFacts) -> FileReport {
    let score = if facts.parsed && facts.left_out.is_none() {
        // A test is judged like other code when it is looked at alone.
        let mut alone = facts.clone();
        alone.test_sloc = 0;
        alone.functions.iter_mut().for_each(|function| function.is_test = false);
        terms::file_score(&distributions::quality(std::iter::once(&alone)))
    } else {
        None
    };
    FileReport {
        path: entry.path.clone(),
        language: facts.language,
        bytes: entry.size,
        sloc: facts.sloc,
        comments: facts.comments,
        blanks: facts.blanks,
        is_test: facts.is_test,
        left_out: facts.left_out,
        score,
        functions: facts.functions.into_iter().map(|function| function.metrics).collect(),
    }
}
