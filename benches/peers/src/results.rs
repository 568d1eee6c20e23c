//! What was measured, by measure and system.

use std::collections::BTreeMap;

use peers::Result;
use serde_json::json;

use crate::long::median;
use crate::measures::Values;
use crate::systems::{FLOOR, OURS};

pub struct Results {
    /// Names, and the share of the floor's drain that each had elsewhere.
    pub systems: Vec<(&'static str, Option<f64>)>,
    runs: BTreeMap<(&'static str, &'static str), Vec<Values>>,
    /// What could not be measured, and why.
    pub failures: Vec<String>,
}

impl Results {
    pub fn new(systems: Vec<(&'static str, Option<f64>)>) -> Self {
        Self { systems, runs: BTreeMap::new(), failures: Vec::new() }
    }

    /// Adds a run; the line that says so.
    pub fn add(&mut self, measure: &'static str, system: &'static str, round: u32, run: Result<Values>) -> String {
        match run {
            Ok(values) => {
                let line = json!({"measure": measure, "system": system, "round": round, "values": values});
                self.runs.entry((measure, system)).or_default().push(values);
                line.to_string()
            }
            Err(error) => {
                self.note(system, &format!("{measure}: {error}"));
                json!({"measure": measure, "system": system, "round": round, "error": error.to_string()}).to_string()
            }
        }
    }

    /// Says why something of a system is not there.
    pub fn note(&mut self, system: &str, why: &str) {
        let failure = format!("{system}: {why}");
        if !self.failures.contains(&failure) {
            eprintln!("{failure}");
            self.failures.push(failure);
        }
    }

    /// A value in all rounds that have it.
    pub fn all(&self, measure: &str, system: &str, value: &str) -> Vec<f64> {
        let runs = self.runs.iter().find(|(key, _)| **key == (measure, system));
        runs.into_iter().flat_map(|(_, runs)| runs).filter_map(|values| values.get(value).copied()).collect()
    }

    /// Its median.
    pub fn median(&self, measure: &str, system: &str, value: &str) -> Option<f64> {
        let values = self.all(measure, system, value);
        (!values.is_empty()).then(|| median(&values))
    }

    pub fn ours(&self, measure: &str, value: &str) -> Option<f64> {
        self.median(measure, OURS, value)
    }

    pub fn floor(&self, measure: &str, value: &str) -> Option<f64> {
        self.median(measure, FLOOR, value)
    }

    /// The peers that a value was measured of, with it.
    pub fn peers(&self, measure: &str, value: &str) -> Vec<(&'static str, f64)> {
        let peers = self.systems.iter().map(|&(name, _)| name).filter(|name| ![OURS, FLOOR].contains(name));
        peers.filter_map(|name| Some((name, self.median(measure, name, value)?))).collect()
    }
}
