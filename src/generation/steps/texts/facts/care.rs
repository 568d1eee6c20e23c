//! How it is looked after: tests, CI, licence, documentation, and what the judges said.

use crate::generation::steps::texts::template::{Row, Template, when};

pub(super) const CARE: &[Row<Template>] = &[
    // How it is looked after.
    Row {
        topic: "tests",
        interest: |s| {
            when(!s.analysis.metrics.has_tests && s.analysis.sloc >= 50, if s.analysis.sloc >= 1_000 { 30 } else { 12 })
        },
        say: &[
            Template("It has no tests, because a cat that always lands on its feet does not rehearse."),
            Template("We found no tests, though it assures us that everything works on its cushion."),
            Template("There are no tests here, just {sloc} and a great deal of confidence."),
            Template("Of tests there is no sign, and the vase at the edge of the shelf has noticed."),
        ],
    },
    Row {
        topic: "tests",
        interest: |s| when(s.analysis.metrics.has_tests && s.analysis.metrics.test_ratio >= 0.25, 14),
        say: &[
            Template("With {tests} of its code in tests, it looks before it leaps and then looks again."),
            Template("Tests make up {tests} of its code, so only what was meant to fall ever leaves the table."),
            Template("It spends {tests} of its code on tests, as other cats spend the afternoon on one whisker."),
        ],
    },
    Row {
        topic: "tests",
        interest: |s| when(s.analysis.metrics.has_tests && s.analysis.metrics.test_ratio >= 0.05, 3),
        say: &[
            Template("Tests hold {tests} of its code, so it sleeps at night as well as all day."),
            Template("It keeps {tests} of its code in tests and the rest in good faith."),
            Template("Its tests, at {tests} of the code, have heard the treat bag and are sitting up straight."),
        ],
    },
    Row {
        topic: "tests",
        interest: |s| {
            let ratio = s.analysis.metrics.test_ratio;
            when(s.analysis.metrics.has_tests && s.analysis.sloc >= 500 && ratio > 0.0 && ratio < 0.05, 14)
        },
        say: &[
            Template("It does have tests, at {tests} of its code, much as cat food does contain vegetables."),
            Template("It has been seen near its tests, which hold {tests} of the code and look lonely."),
            Template("Tests it has, {tests} of the code to be fair, which is about one claw trimmed."),
        ],
    },
    Row {
        topic: "ci",
        interest: |s| when(!s.analysis.has_ci && s.analysis.sloc >= 200, 7),
        say: &[
            Template("No CI watches over it, so every push is a leap off the wardrobe in the dark."),
            Template("There is no CI to be found, and it prefers that, as it does with baths."),
            Template("Of continuous integration we saw nothing, but the continuous napping is in place."),
        ],
    },
    Row {
        topic: "ci",
        interest: |s| when(s.analysis.has_ci && s.analysis.sloc > 0, 3),
        say: &[
            Template("Since it has CI, it sleeps with both eyes shut."),
            Template("It has CI, which is as close to being supervised as a cat will come."),
            Template("CI stands by with the comb, and it pretends not to enjoy that."),
        ],
    },
    Row {
        topic: "licence",
        interest: |s| when(!s.analysis.has_license && s.analysis.entries > 0, 8),
        say: &[
            Template("It has no licence file, so strictly speaking nobody is allowed to pet it."),
            Template("It wears no licence, and every cuddle is at your own legal risk."),
            Template("We looked for a licence file and were told, with a look, that cats grant nothing in writing."),
        ],
    },
    Row {
        topic: "licence",
        interest: |s| when(s.analysis.has_license, 2),
        say: &[
            Template("Its licence is on file, so petting is permitted under the usual terms."),
            Template("It comes with a licence file, which is more paperwork than most cats will sign."),
            Template("A licence hangs from its collar and jingles when it runs."),
        ],
    },
    Row {
        topic: "documentation",
        interest: |s| when(!s.analysis.has_documentation && s.analysis.sloc >= 200, 9),
        say: &[
            Template(
                "Documentation we found none: you are expected to know what it wants, at five in the morning, from the tone alone.",
            ),
            Template("It comes without documentation, like every cat before it."),
            Template("Nothing documents it, so you learn the rules in the traditional way, from the claws."),
        ],
    },
    Row {
        topic: "documentation",
        interest: |s| when(s.analysis.has_documentation && s.analysis.sloc > 0, 2),
        say: &[
            Template("It comes with documentation, so for once we know why a cat is staring at the wall."),
            Template("It explains itself in writing, which is uncommonly polite for a cat."),
            Template("There is documentation, and the cat is sitting on it."),
        ],
    },
    // Why this cat.
    Row {
        topic: "worst term",
        interest: |s| when(s.worst_term().is_some_and(|term| term.value <= 0.3), 7),
        say: &[
            Template(
                "The judges gave it {worst_points} under “{worst_term}”, and it spent the rest of the show in its carrier.",
            ),
            Template("Under “{worst_term}” it came away with {worst_points} and pretended to look at a bird."),
            Template("On “{worst_term}”, where it took {worst_points}, it declines to comment and washes a leg."),
        ],
    },
    Row {
        topic: "best term",
        interest: |s| when(s.best_term().is_some_and(|term| term.value >= 0.9), 4),
        say: &[
            Template("Under “{best_term}” it took {best_points} and had them framed."),
            Template("The judges gave it {best_points} under “{best_term}” and asked for a paw print."),
            Template("It earned {best_points} for “{best_term}” and will bring that up at dinner."),
        ],
    },
];
