//! How a story ends: with the score, a wish, or the cat's last word.

use super::template::{Row, Template, when};
use crate::model::attributes::Expression;

pub(super) const CLOSINGS: &[Row<Template>] = &[
    Row {
        topic: "closing",
        interest: |_| 1,
        say: &[
            Template("It would like to go out now, or in, or at least to have the door open."),
            Template("It has read this review and pushed it off the table."),
            Template("Dinner, it reminds us, is not going to serve itself."),
        ],
    },
    Row {
        topic: "closing",
        interest: |s| when(s.cat.expression == Expression::Happy, 8),
        say: &[
            Template("It scored {score} and has been impossible to live with ever since."),
            Template("With {score} out of 10, it may sit on any keyboard it likes."),
            Template("We gave it {score}, and it looked at us as if we had been late with it."),
            Template("Praise is accepted between naps, in writing, with tuna."),
        ],
    },
    Row {
        topic: "closing",
        interest: |s| when(s.cat.expression == Expression::Neutral && s.cat.beauty_score.is_some(), 8),
        say: &[
            Template("All in all that makes {score} out of 10 and half of your chair."),
            Template("For {score} out of 10 you get a purr, with a rattle in it."),
            Template("It takes its {score} out of 10 with a slow blink, which is as good as thanks."),
        ],
    },
    Row {
        topic: "closing",
        interest: |s| when(s.cat.expression == Expression::Concerned, 8),
        say: &[
            Template("We give it {score} out of 10, a blanket and some time."),
            Template("At {score} out of 10 it needs a brush, a nap and a refactoring, in any order."),
            Template("Still, {score} out of 10 leaves plenty of room on the scratching post."),
        ],
    },
    Row {
        topic: "closing",
        interest: |s| when(s.cat.expression == Expression::Grumpy, 8),
        say: &[
            Template("We gave it {score} out of 10, it gave us the look, and so we are even."),
            Template("A score of {score} is no shame: every tiger started out on somebody's curtains."),
            Template("That makes {score} out of 10 and, to look on the bright side, eight lives to go."),
        ],
    },
    Row {
        topic: "closing",
        interest: |s| when(s.cat.beauty_score.is_none(), 10),
        say: &[
            Template("There is no score yet, since nobody should judge a cat by its first whisker."),
            Template("Until there is more to judge, it competes on cuteness alone and is in the lead."),
            Template("Come back for a score once it has written its name on something, or on everything."),
        ],
    },
    Row {
        topic: "closing",
        interest: |s| when(!s.analysis.metrics.has_tests && s.analysis.sloc >= 200, 3),
        say: &[
            Template("One small test, and it will purr for a week."),
            Template("If anyone writes it a test, it promises to sit on it until it passes."),
        ],
    },
    Row {
        topic: "closing",
        interest: |s| when(!s.analysis.has_license && s.analysis.sloc >= 200, 2),
        say: &[
            Template("A licence would look lovely on that collar."),
            Template("Do hang a licence on it, in case it ever wanders off."),
        ],
    },
    Row {
        topic: "closing",
        interest: |s| when(s.analysis.metrics.function_length_max >= 200 && s.cat.beauty_score.is_some(), 3),
        say: &[
            Template("Whoever splits its longest function in two gets the first purr."),
            Template("Cut its longest function into nine pieces, and each may have a life of its own."),
        ],
    },
];
