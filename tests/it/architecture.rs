//! ARCHITECTURE.md says what the code does.

use std::collections::BTreeSet;

use repo_to_cat::model::job::JobState;

#[test]
fn the_state_diagram_shows_every_transition_and_no_other() {
    let text = include_str!("../../ARCHITECTURE.md");
    let drawn: BTreeSet<(String, String)> = text
        .lines()
        .filter_map(|line| line.trim().split_once(" --> "))
        .map(|(from, to)| (from.to_owned(), to.split(':').next().unwrap_or_default().trim().to_owned()))
        .filter(|(from, to)| [from, to].into_iter().all(|name| JobState::from_name(name).is_ok()))
        .collect();
    let real: BTreeSet<(String, String)> = JobState::ALL
        .into_iter()
        .flat_map(|from| JobState::ALL.into_iter().map(move |to| (from, to)))
        .filter(|(from, to)| from.may_become(*to))
        .map(|(from, to)| (from.to_string(), to.to_string()))
        .collect();
    assert_eq!(drawn, real);
}
