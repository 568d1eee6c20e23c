//! How the code is spread over functions and files: per risk band for people, and as smooth means for the score.
//!
//! A function's weight in the means is its number of statements, which wrapping code in control structures does not
//! change: so more nesting can only make a mean worse. Copies of a function count once, as their worst: so copying
//! good code does not dilute bad code.

use std::collections::BTreeMap;

use crate::model::analysis::Distributions;

use super::facts::{FileFacts, MeasuredFunction};

/// Code lines, cognitive complexity, nesting and code lines of a file at which half of the quality is gone, and how
/// steeply.
const FUNCTION_LINES: (f64, i32) = (60.0, 3);
const COGNITIVE: (f64, i32) = (20.0, 3);
const NESTING: (f64, i32) = (4.5, 4);
const FILE_LINES: (f64, i32) = (1000.0, 3);

/// Means over the code, each 0 (bad) to 1 (good).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quality {
    /// Of the sizes of functions; `None`: there are none.
    pub function_size: Option<f64>,
    /// Of their cognitive complexity.
    pub cognitive: Option<f64>,
    /// Of their nesting.
    pub nesting: Option<f64>,
    /// Of the sizes of files.
    pub file_size: Option<f64>,
}

/// The quality of files that are not tests, together.
#[must_use]
pub fn quality<'a>(files: impl Iterator<Item = &'a FileFacts>) -> Quality {
    // The worst of each group of copies; of equal ones that in the largest file.
    let mut originals: BTreeMap<u64, (u64, u64, u64, u64, &MeasuredFunction)> = BTreeMap::new();
    let (mut statements, mut sizes) = (Vec::new(), Vec::new());
    for (file, facts) in files.enumerate() {
        let size = facts.sloc.saturating_sub(facts.test_sloc);
        sizes.push(size);
        statements.push(facts.statements);
        for function in facts.functions.iter().filter(|function| !function.is_test) {
            let metrics = &function.metrics;
            let rank = (metrics.sloc, metrics.cognitive, size, file as u64, function);
            let worst = originals.entry(function.shape).or_insert(rank);
            if (rank.0, rank.1, rank.2) > (worst.0, worst.1, worst.2) {
                *worst = rank;
            }
        }
        // What stands in functions is added again below, for the originals only.
        if let Some(rest) = statements.last_mut() {
            *rest = rest.saturating_sub(facts.functions.iter().map(|function| function.statements - 1).sum());
        }
    }
    let (mut function_size, mut cognitive, mut nesting) = (Mean::default(), Mean::default(), Mean::default());
    for &(_, _, _, file, function) in originals.values() {
        let metrics = &function.metrics;
        function_size.add(function.statements, fall(metrics.sloc, FUNCTION_LINES));
        cognitive.add(function.statements, fall(metrics.cognitive, COGNITIVE));
        nesting.add(function.statements, fall(metrics.nesting, NESTING));
        statements[file as usize] += function.statements;
    }
    let mut file_size = Mean::default();
    for (weight, size) in statements.into_iter().zip(sizes) {
        file_size.add(weight, fall(size, FILE_LINES));
    }
    Quality {
        function_size: function_size.value(),
        cognitive: cognitive.value(),
        nesting: nesting.value(),
        file_size: file_size.value(),
    }
}

/// The shares of code per risk band over files that are not tests.
#[must_use]
pub fn bands<'a>(files: impl Iterator<Item = &'a FileFacts>) -> Distributions {
    let mut bands = Distributions::default();
    for facts in files {
        for function in facts.functions.iter().filter(|function| !function.is_test) {
            let metrics = &function.metrics;
            let lines = metrics.sloc as f64;
            bands.function_length[band(metrics.sloc, [15, 30, 60])] += lines;
            bands.cognitive[band(metrics.cognitive, [5, 15, 25])] += lines;
            bands.cyclomatic[band(metrics.cyclomatic, [5, 10, 25])] += lines;
            bands.nesting[band(metrics.nesting, [2, 3, 4])] += lines;
        }
        let size = facts.sloc.saturating_sub(facts.test_sloc);
        bands.file_length[band(size, [200, 500, 1000])] += size as f64;
    }
    for shares in [
        &mut bands.function_length,
        &mut bands.cognitive,
        &mut bands.cyclomatic,
        &mut bands.nesting,
        &mut bands.file_length,
    ] {
        let sum: f64 = shares.iter().sum();
        if sum > 0.0 {
            *shares = shares.map(|lines| super::round(lines / sum, 4));
        }
    }
    bands
}

fn band(value: u64, limits: [u64; 3]) -> usize {
    limits.iter().take_while(|&&limit| value > limit).count()
}

/// Falls smoothly from 1 at 0 through a half.
fn fall(value: u64, (half, steepness): (f64, i32)) -> f64 {
    1.0 / (1.0 + (value as f64 / half).powi(steepness))
}

#[derive(Default)]
struct Mean {
    weights: u64,
    /// In parts of 2^32, so that the order of summing does not matter.
    sum: u128,
}

impl Mean {
    fn add(&mut self, weight: u64, value: f64) {
        self.weights += weight;
        self.sum += u128::from(weight) * u128::from((value * 4_294_967_296.0) as u64);
    }

    fn value(&self) -> Option<f64> {
        (self.weights > 0).then(|| self.sum as f64 / self.weights as f64 / 4_294_967_296.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::analysis::FunctionMetrics;

    fn function(sloc: u64, cognitive: u64, shape: u64) -> MeasuredFunction {
        let metrics = FunctionMetrics {
            name: "f".into(),
            line: 1,
            length: sloc,
            sloc,
            parameters: 0,
            cyclomatic: 1,
            cognitive,
            nesting: 0,
            typed: false,
        };
        MeasuredFunction { metrics, statements: sloc, is_test: false, shape }
    }

    fn file(functions: Vec<MeasuredFunction>) -> FileFacts {
        let sloc = functions.iter().map(|function| function.metrics.sloc).sum();
        let statements = functions.iter().map(|function| function.statements - 1).sum();
        FileFacts { sloc, statements, functions, parsed: true, ..FileFacts::default() }
    }

    #[test]
    fn bands_are_shares_of_lines() {
        let files = [file(vec![function(15, 0, 1), function(45, 30, 2)])];
        let bands = bands(files.iter());
        assert_eq!(format!("{:?}", bands.function_length), "[0.25, 0.0, 0.75, 0.0]");
        assert_eq!(format!("{:?}", bands.cognitive), "[0.25, 0.0, 0.0, 0.75]");
        assert_eq!(format!("{:?}", bands.file_length), "[1.0, 0.0, 0.0, 0.0]");
    }

    #[test]
    fn copies_of_good_code_do_not_dilute_bad_code() {
        let bad = file(vec![function(200, 60, 1), function(5, 0, 2)]);
        let copy = file(vec![function(5, 0, 2)]);
        assert_eq!(quality([bad.clone(), copy].iter()), quality([bad].iter()));
    }

    #[test]
    fn the_order_of_files_does_not_matter() {
        let files = [file(vec![function(20, 3, 1)]), file(vec![function(70, 13, 2)]), file(vec![function(7, 1, 3)])];
        assert_eq!(quality(files.iter()), quality(files.iter().rev()));
        assert_eq!(bands(files.iter()), bands(files.iter().rev()));
    }

    #[test]
    fn nothing_has_no_quality() {
        assert_eq!(quality([].iter()).function_size, None);
        assert_eq!(bands([].iter()), Distributions::default());
    }
}
