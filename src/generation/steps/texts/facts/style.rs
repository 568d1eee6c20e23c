//! How it is written, and what it brings along.

use crate::generation::steps::texts::template::{Row, Template, when};
use crate::model::analysis::LeftOutReason;

pub(super) const STYLE: &[Row<Template>] = &[
    // How it is written.
    Row {
        topic: "duplication",
        interest: |s| match s.analysis.metrics.duplication_ratio {
            ratio if ratio >= 0.3 => 25,
            ratio if ratio >= 0.12 => 12,
            _ => 0,
        },
        say: &[
            Template("It has said {duplication} of its code more than once, as cats do when dinner is late."),
            Template(
                "Duplicates make up {duplication} of it, so if you lose a piece, look behind the sofa for the other.",
            ),
            Template("Nine lives seemed excessive until we saw that {duplication} of its code occurs in it again."),
        ],
    },
    Row {
        topic: "duplication",
        interest: |s| {
            let ratio = s.analysis.metrics.duplication_ratio;
            when(s.analysis.sloc >= 1_000 && ratio > 0.0 && ratio <= 0.03, 4)
        },
        say: &[
            Template(
                "Duplication stands at {duplication}, rare in an animal that asks for dinner at four, at five and at six.",
            ),
            Template("It hardly ever says a thing twice, and would not come if you did."),
            Template("Only {duplication} of its code is a repetition, and that part was probably about tuna."),
        ],
    },
    Row {
        topic: "comments",
        interest: |s| when(s.analysis.sloc >= 500 && s.analysis.metrics.comment_ratio <= 0.03, 9),
        say: &[
            Template("Comments make up {comments} of its lines, because a cat does not explain itself."),
            Template("With comments at {comments}, it keeps its reasons where it keeps the good toys."),
            Template("It spends {comments} of its lines on comments and lets the tail do the rest of the talking."),
        ],
    },
    Row {
        topic: "comments",
        interest: |s| when(s.analysis.sloc >= 200 && s.analysis.metrics.comment_ratio >= 0.35, 10),
        say: &[
            Template("Comments take up {comments} of its lines: this is a cat that narrates its own naps."),
            Template("With {comments} of its lines spent on comments, it purrs in footnotes."),
            Template("It has a great deal to say, {comments} of its lines being comments, and it says it at night."),
        ],
    },
    Row {
        topic: "comments",
        interest: |s| when(s.analysis.sloc >= 500 && (0.1..0.3).contains(&s.analysis.metrics.comment_ratio), 2),
        say: &[
            Template("Comments make up {comments} of its lines, about as much as a well-bred cat says at table."),
            Template("It comments just enough, in {comments} of its lines, and leaves the rest to its eyebrows."),
            Template("With {comments} of its lines in comments, it meows when it matters."),
        ],
    },
    Row {
        topic: "types",
        interest: |s| when(s.has_habits() && !s.analysis.metrics.has_type_hints, 6),
        say: &[
            Template("Types are for dogs, to judge by most of its functions."),
            Template("It does not ask an argument for its type: if it fits, it sits."),
            Template("Most of its functions go without types and sniff whatever is put in front of them."),
        ],
    },
    Row {
        topic: "lines",
        interest: |s| when(s.analysis.metrics.lines_too_long_pct >= 8.0, 9),
        say: &[
            Template("It stretches: {long_lines} of its lines are longer than 120 characters."),
            Template("With {long_lines} of its lines over 120 characters, it needs the whole sofa."),
            Template("It lets {long_lines} of its lines run past 120 characters, like a cat beside a radiator."),
        ],
    },
    Row {
        topic: "lines",
        interest: |s| when(s.analysis.metrics.line_length_max >= 1_000, 9),
        say: &[
            Template("Its longest line has {longest_line}, and it has been stalking the end of it for days."),
            Template("One of its lines is {longest_line} long and has to be photographed in panorama."),
            Template("Somewhere it drew a line of {longest_line}, and nobody has dared to cross it."),
        ],
    },
    Row {
        topic: "files",
        interest: |s| when(s.analysis.sloc >= 2_000 && s.giant_files() >= 0.4, 12),
        say: &[
            Template(
                "It keeps {giants} of its code in files of more than 1,000 lines, since one big box beats many small ones.",
            ),
            Template(
                "Files of more than 1,000 lines hold {giants} of its code, and it will not be lifted out of them.",
            ),
            Template("It has moved {giants} of its code into files beyond 1,000 lines and pulled the lid shut."),
        ],
    },
    // What it brings along.
    Row {
        topic: "left out",
        interest: |s| when(s.left_out(LeftOutReason::Vendored) > 0, 8),
        say: &[
            Template("It has laid {vendored} of somebody else's code on the doormat and expects to be praised."),
            Template("We stepped politely over {vendored} of vendored code, as one does with gifts from a cat."),
            Template(
                "It carries {vendored} that it caught elsewhere, and we did not look too closely at the feathers.",
            ),
        ],
    },
    Row {
        topic: "left out",
        interest: |s| when(s.analysis.sloc < 200 && s.left_out(LeftOutReason::NotCode) > 0, 8),
        say: &[
            Template("What it does own is {not_code} of prose, data and settings, kept warm."),
            Template("It prefers {not_code} of prose, data and settings to code, since nobody reviews a blanket."),
            Template("Mostly it sits on {not_code} of prose, data and settings, and it sits well."),
        ],
    },
    Row {
        topic: "left out",
        interest: |s| when(s.left_out(LeftOutReason::Generated) > 0, 6),
        say: &[
            Template("A machine wrote {generated} of it, and the cat took the credit."),
            Template("It has {generated} written by a generator, which is how one keeps one's paws soft."),
            Template("We did not grade {generated} that a program had written while the cat was asleep on it."),
        ],
    },
    Row {
        topic: "left out",
        interest: |s| when(s.left_out(LeftOutReason::Minified) > 0, 6),
        say: &[
            Template("It has squeezed {minified} of minified code into a shoebox and itself on top."),
            Template("We came across {minified} of minified code, flat as a cat under a sofa."),
            Template("Its luggage includes {minified} of minified code, folded by somebody in a hurry."),
        ],
    },
    Row {
        topic: "left out",
        interest: |s| when(s.left_out(LeftOutReason::Binary) >= 20, 5),
        say: &[
            Template("It sits on {binary} that are not text and will not say what is in them."),
            Template("It also guards {binary} of pure binary, which it can read in the dark."),
            Template("There are {binary} in there that are no text at all, and it has slept on each."),
        ],
    },
];
