//! How a story begins: who the cat is. None begins with a placeholder that could be in lower case.

use super::template::{Row, Template, when};
use crate::model::attributes::{Age, Expression, Size};

pub(super) const OPENINGS: &[Row<Template>] = &[
    Row {
        topic: "opening",
        interest: |_| 6,
        say: &[
            Template("{A_cat} answers to the name of {the_repo}, though never at the first call."),
            Template("If {the_repo} were a cat, and we have checked, it would be {a_cat}."),
            Template("We shook the treats, called for {the_repo}, and {a_cat} came round the corner."),
            Template("This is {the_repo}, {a_cat} that has never once come when called."),
            Template("Somebody left a box open next to {the_repo}, and now {a_cat} lives in it."),
            Template("We asked {the_repo} to hold still for the picture, and {a_cat} looked straight past us."),
        ],
    },
    Row {
        topic: "opening",
        interest: |_| 2,
        say: &[
            Template("From the house of {owner} comes {repo}, {a_cat} with {language} in its whiskers."),
            Template("At home with {owner}, it is {repo} that owns the sofa: {a_cat}, fluent in {language}."),
        ],
    },
    Row {
        topic: "opening",
        interest: |s| when(s.share() >= 0.9, 2),
        say: &[
            Template("Raise a litter on {language} and sooner or later you get {the_repo}, {a_cat}."),
            Template("You can tell {the_repo} by the {language} on its breath: {a_cat}, straight from the bowl."),
        ],
    },
    Row {
        topic: "opening",
        interest: |s| when(s.cat.expression == Expression::Happy, 6),
        say: &[
            Template("In strolls {the_repo}, {a_cat} that knows exactly how well it has been brushed."),
            Template("There are cats, and then there is {the_repo}, {a_cat} that alphabetises its mice."),
            Template("Please rise for {the_repo}, {a_cat} with a score of {score} and the posture to match."),
        ],
    },
    Row {
        topic: "opening",
        interest: |s| when(s.cat.expression == Expression::Neutral && s.cat.beauty_score.is_some(), 4),
        say: &[
            Template("Say hello to {the_repo}, {a_cat} with {score} on its collar and no further comment."),
            Template("On the windowsill, unmoved by all of this, sits {the_repo}: {a_cat}."),
            Template("Here is {the_repo}, {a_cat} that has seen your issue and will get to it after its nap."),
        ],
    },
    Row {
        topic: "opening",
        interest: |s| when(s.cat.expression == Expression::Concerned, 6),
        say: &[
            Template("Under the sofa, watching the build with very round eyes, sits {the_repo}: {a_cat}."),
            Template(
                "Something fell over in the next room, and {the_repo}, {a_cat}, would like it noted that it was not there.",
            ),
            Template("Be gentle with {the_repo}, {a_cat} that flinches whenever somebody says the word release."),
        ],
    },
    Row {
        topic: "opening",
        interest: |s| when(s.cat.expression == Expression::Grumpy, 6),
        say: &[
            Template(
                "Please approach {the_repo} slowly: it is {a_cat}, it scored {score}, and it does not care to discuss it.",
            ),
            Template("Every street has one, and here it is {the_repo}, {a_cat} with one ear bent and no regrets."),
            Template("The hissing from the cupboard is {the_repo}, {a_cat} that has just been shown its score."),
        ],
    },
    Row {
        topic: "opening",
        interest: |s| when(s.cat.beauty_score.is_none(), 8),
        say: &[
            Template("It is too early to judge {the_repo}, so what you see is {a_cat} and a lot of potential."),
            Template("Eyes barely open, {the_repo} is {a_cat} that nobody has had the heart to grade."),
            Template(
                "We put {the_repo} on the judging table, and {a_cat} fell asleep before there was anything to judge.",
            ),
        ],
    },
    Row {
        topic: "opening",
        interest: |s| when(s.cat.size == Size::VeryLarge, 4),
        say: &[
            Template("First the floor creaks, then the light goes, and then {the_repo} is in the room: {a_cat}."),
            Template("There is no cat flap for {the_repo}, {a_cat} that came in with the furniture."),
        ],
    },
    Row {
        topic: "opening",
        interest: |s| when(s.cat.size == Size::Small && s.cat.age != Age::Kitten, 3),
        say: &[
            Template("Small enough for a coat pocket and far too dignified to enter one, {the_repo} is {a_cat}."),
            Template("Do not let the small bowl fool you: {the_repo} is {a_cat} and runs this household."),
        ],
    },
];
