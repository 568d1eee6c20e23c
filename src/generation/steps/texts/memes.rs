//! The captions: pairs of lines that make one joke, each with its condition. Lines are put in upper case when filled.

use super::template::{ALWAYS, Row, Template, when};
use crate::model::attributes::{Age, Breed, Expression, Size};

type Pair = (Template, Template);

const fn pair(top: &'static str, bottom: &'static str) -> Pair {
    (Template(top), Template(bottom))
}

pub(super) const MEMES: &[Row<Pair>] = &[
    Row {
        topic: "cat",
        interest: ALWAYS,
        say: &[
            pair("I read your code", "then I sat on it"),
            pair("I was told there would be", "a review and some tuna"),
            pair("You call it a repository", "I call it a box"),
        ],
    },
    Row {
        topic: "tests",
        interest: |s| when(!s.analysis.metrics.has_tests && s.analysis.sloc >= 50, 8),
        say: &[
            pair("Tests are for cats", "with fewer than nine lives"),
            pair("No tests found", "I always land on my feet"),
            pair("Works on my cushion", "no tests required"),
            pair("{sloc}", "not one test"),
        ],
    },
    Row {
        topic: "tests",
        interest: |s| when(s.analysis.metrics.has_tests && s.analysis.metrics.test_ratio >= 0.25, 6),
        say: &[
            pair("{tests} of this code is tests", "the rest is naps"),
            pair("I test everything", "especially your patience"),
            pair("Pushed it off the table", "the tests still pass"),
        ],
    },
    Row {
        topic: "function",
        interest: |s| when(s.analysis.metrics.function_length_max >= 200, 10),
        say: &[
            pair("One function", "{longest_lines}"),
            pair("{longest_lines} in one function", "I live there now"),
            pair("I went into {longest}", "tell my kittens I tried"),
            pair("I started reading {longest}", "two naps ago"),
        ],
    },
    Row {
        topic: "function",
        interest: |s| when(s.has_habits() && (1..=40).contains(&s.analysis.metrics.function_length_max), 6),
        say: &[pair("{functions}", "none of them overweight"), pair("Short functions", "long naps")],
    },
    Row {
        topic: "complexity",
        interest: |s| when(s.knot().0 >= 40, 8),
        say: &[
            pair("I touched {hotspot}", "now I am the yarn"),
            pair("Cognitive complexity {cognitive}", "and I did it for fun"),
            pair("Do not pet {hotspot}", "it bites"),
        ],
    },
    Row {
        topic: "nesting",
        interest: |s| when(s.analysis.metrics.nesting_depth_max >= 6, 6),
        say: &[pair("Nested {nesting} deep", "if it fits I sits"), pair("A box in a box", "{nesting} of that")],
    },
    Row {
        topic: "size",
        interest: |s| when(s.cat.size == Size::VeryLarge, 6),
        say: &[
            pair("I am not fat", "I am {size} of personality"),
            pair("{size}", "and it is all fluff"),
            pair("You said clone", "I said bring a truck"),
        ],
    },
    Row {
        topic: "size",
        interest: |s| when((1..200).contains(&s.analysis.sloc), 8),
        say: &[pair("{sloc}", "and all of it adorable"), pair("Small repository", "big bowl please")],
    },
    Row {
        topic: "size",
        interest: |s| when(s.analysis.sloc == 0, 12),
        say: &[
            pair("No code", "no bugs"),
            pair("Zero lines of code", "flawless by every measure"),
            pair("I removed all the bugs", "by sitting on the code"),
        ],
    },
    Row {
        topic: "size",
        interest: |s| when(s.analysis.sloc >= 100_000, 6),
        say: &[pair("{sloc}", "and you want me to move"), pair("I contain multitudes", "{sloc} of them")],
    },
    Row {
        topic: "licence",
        interest: |s| when(!s.analysis.has_license && s.analysis.sloc >= 200, 4),
        say: &[pair("No licence", "no petting"), pair("You may look", "my lawyer says no touching")],
    },
    Row {
        topic: "ci",
        interest: |s| when(!s.analysis.has_ci && s.analysis.sloc >= 200, 3),
        say: &[pair("No CI", "I watch the build myself"), pair("Continuous integration", "sounds like a bath")],
    },
    Row {
        topic: "documentation",
        interest: |s| when(!s.analysis.has_documentation && s.analysis.sloc >= 200, 4),
        say: &[pair("No documentation", "you know what I want"), pair("Read the manual", "I shredded the manual")],
    },
    Row {
        topic: "duplication",
        interest: |s| when(s.analysis.metrics.duplication_ratio >= 0.2, 6),
        say: &[
            pair("Nine lives", "most of them duplicates"),
            pair("{duplication} duplicated", "and I would do it again"),
        ],
    },
    Row {
        topic: "comments",
        interest: |s| when(s.analysis.sloc >= 500 && s.analysis.metrics.comment_ratio <= 0.03, 4),
        say: &[pair("No comment", "and I mean {comments}"), pair("My code explains itself", "I do not")],
    },
    Row {
        topic: "mood",
        interest: |s| when(s.cat.expression == Expression::Happy, 6),
        say: &[
            pair("Scored {score}", "may sit on your keyboard"),
            pair("{score} out of 10", "purring in production"),
            pair("Yes I have been reviewed", "you may applaud"),
        ],
    },
    Row {
        topic: "mood",
        interest: |s| when(s.cat.expression == Expression::Neutral && s.cat.beauty_score.is_some(), 5),
        say: &[
            pair("{score} out of 10", "I have sat in worse boxes"),
            pair("It compiles", "I remain unimpressed"),
            pair("I saw your pull request", "I chose to nap"),
        ],
    },
    Row {
        topic: "mood",
        interest: |s| when(s.cat.expression == Expression::Concerned, 6),
        say: &[
            pair("Something fell in production", "I was never there"),
            pair("{score} out of 10", "I can hear the vacuum coming"),
            pair("Who touched {longest}", "it was the dog"),
        ],
    },
    Row {
        topic: "mood",
        interest: |s| when(s.cat.expression == Expression::Grumpy, 6),
        say: &[
            pair("I scored {score}", "my fur scored ten"),
            pair("I saw the code", "I live in the shed now"),
            pair("Technical debt", "I prefer not to pay"),
        ],
    },
    Row {
        topic: "mood",
        interest: |s| when(s.cat.beauty_score.is_none() && s.cat.age == Age::Kitten, 6),
        say: &[pair("Too young to judge", "too cute to fail"), pair("No score yet", "only potential and milk")],
    },
    Row {
        topic: "language",
        interest: |s| when(s.share() >= 0.9, 5),
        say: &[
            pair("{share} {language}", "{share} cat"),
            pair("I only speak {language}", "and dinner"),
            pair("They said rewrite it in {language}", "I was born in {language}"),
        ],
    },
    Row {
        topic: "language",
        interest: |s| when(s.cat.breed == Breed::Siamese, 2),
        say: &[pair("Undefined is not a function", "but it is a lifestyle"), pair("Await dinner", "reject promise")],
    },
];
