//! What there is: how much code, in which languages, in which functions.

use crate::generation::steps::texts::template::{ALWAYS, Row, Template, when};

pub(super) const CODE: &[Row<Template>] = &[
    // How much there is.
    Row {
        topic: "weight",
        interest: ALWAYS,
        say: &[
            Template("It tips the scales at {size} and would like that to stay between us."),
            Template("It weighs {size}, tail included."),
            Template("The whole animal comes to {size}, whiskers and all."),
        ],
    },
    Row {
        topic: "tree",
        interest: |s| when(s.analysis.entries >= 2, 1),
        say: &[
            Template("Its tree has {entries}, and it has been rescued from most of them."),
            Template("We counted {entries} in its tree and scratch marks on every one."),
            Template("For climbing it has a tree of {entries}, the whole of which it considers its own."),
        ],
    },
    Row {
        topic: "code",
        interest: |s| when(s.analysis.sloc == 0, 90),
        say: &[
            Template("There is not one line of code in it, which makes it flawless and of no use, as a cat should be."),
            Template("We looked for code and found a cat sitting where the code would go."),
            Template("It contains no code that we could recognise, and regards this as the winning move."),
        ],
    },
    Row {
        topic: "code",
        interest: |s| when((1..200).contains(&s.analysis.sloc), 30),
        say: &[
            Template("All of it fits into {sloc}, which is less a codebase than a note on the fridge."),
            Template("With {sloc} to its name, it has hardly had the time to do anything wrong."),
            Template("You could read it aloud, all {sloc} of it, and still have a cat's attention at the end."),
        ],
    },
    Row {
        topic: "code",
        interest: |s| when((200..50_000).contains(&s.analysis.sloc), 3),
        say: &[
            Template("It prowls through {sloc} and knows a warm spot in most of them."),
            Template("So far {sloc} have gone in, and it is looking at the fridge again."),
            Template("It has {sloc} and treats every one of them as its favourite chair."),
        ],
    },
    Row {
        topic: "code",
        interest: |s| match s.analysis.sloc {
            0..50_000 => 0,
            50_000..500_000 => 15,
            _ => 50,
        },
        say: &[
            Template("It has swallowed {sloc} and is asking what there is for dinner."),
            Template("At {sloc}, it no longer sits on a lap so much as replace it."),
            Template("Nobody picks up {sloc} with one hand, and nobody has tried it twice."),
        ],
    },
    Row {
        topic: "code",
        interest: |s| when(s.analysis.sloc >= 200 && s.analysis.metrics.function_count == 0, 20),
        say: &[
            Template("It has {sloc} and not one function that we could find: all fur, no paws."),
            Template("We went through {sloc} without meeting a single function, only a lot of sunbathing."),
            Template("Of functions we found none, just {sloc} lying on top of one another for warmth."),
        ],
    },
    // What it is written in.
    Row {
        topic: "language",
        interest: |s| when(s.share() >= 0.95 && s.analysis.sloc >= 200, 6),
        say: &[
            Template("Its code is {share} {language}, a diet that no vet has managed to change."),
            Template("It speaks {language} for {share} of its code and hisses at the rest."),
            Template(
                "Offered anything but {language}, it sniffs and walks away, and so {share} of its code is just that.",
            ),
        ],
    },
    Row {
        topic: "language",
        interest: |s| when(s.second_share() >= 0.2 && s.share() >= s.second_share(), 10),
        say: &[
            Template("It is {share} {language} and {second_share} {second}, and both of them claim the sofa."),
            Template(
                "{language} pays the rent at {share}, while {second} has moved in with {second_share} and a suitcase.",
            ),
            Template(
                "Torn between {language} at {share} and {second} at {second_share}, it has two bowls and is late for both.",
            ),
        ],
    },
    Row {
        topic: "language",
        interest: |s| when(s.analysis.languages.len() >= 5 && s.share() <= 0.8, 8),
        say: &[
            Template("It meows in {languages} and expects to be fed in all of them."),
            Template(
                "No fewer than {languages} share this basket, and {language}, at {share}, is lying on the others.",
            ),
            Template("It was raised by {languages} and has kept something of every accent."),
        ],
    },
    // Its functions.
    Row {
        topic: "function",
        interest: |s| match s.analysis.metrics.function_length_max {
            0..80 => 0,
            80..200 => 12,
            200..400 => 30,
            _ => 80,
        },
        say: &[
            Template(
                "Its longest function, {longest} in {longest_file}, goes on for {longest_lines}, and lesser cats have retired on the way.",
            ),
            Template("Somewhere in {longest_file} lies {longest}, {longest_lines} long and warm enough to sleep on."),
            Template(
                "If you enter {longest} in {longest_file}, which is {longest_lines} long, bring a cushion and tell somebody where you are going.",
            ),
            Template(
                "It once followed {longest} into {longest_file} and came out {longest_lines} later wearing a different collar.",
            ),
            Template(
                "A search party that enters {longest} in {longest_file} at the top is expected back {longest_lines} later.",
            ),
        ],
    },
    Row {
        topic: "function",
        interest: |s| when(s.analysis.metrics.function_length_max >= 400, 70),
        say: &[
            Template("At {longest_lines}, {longest} in {longest_file} is less a function than a stretch of coast."),
            Template("In {longest_file} lives {longest}, a function of {longest_lines} with its own weather."),
        ],
    },
    Row {
        topic: "function",
        interest: |s| when(s.analysis.metrics.function_length_max >= 120, 8),
        say: &[
            Template("Its longest function runs to {longest_lines}, which is a long time to hold one's tail still."),
            Template("One function takes {longest_lines} to get to the point, and the cat left after the second act."),
            Template("It owns a function of {longest_lines}, and nobody remembers how that one began."),
        ],
    },
    Row {
        topic: "function",
        interest: |s| match s.knot().0 {
            0..25 => 0,
            25..60 => 14,
            60..120 => 28,
            _ => 60,
        },
        say: &[
            Template(
                "The knot in its fur is {hotspot} in {hotspot_file}, cognitive complexity {cognitive}, and it bites when brushed.",
            ),
            Template(
                "It keeps its claws in {hotspot} in {hotspot_file}, where the cognitive complexity is {cognitive} and visitors are few.",
            ),
            Template(
                "With a cognitive complexity of {cognitive}, {hotspot} in {hotspot_file} is the ball of yarn that won.",
            ),
        ],
    },
    Row {
        topic: "function",
        interest: |s| match s.knot().1 {
            0..20 => 0,
            20..40 => 14,
            _ => 28,
        },
        say: &[
            Template(
                "It takes {decisions} to get through {hotspot} in {hotspot_file}, about as many as a cat needs at an open door.",
            ),
            Template(
                "In {hotspot_file}, {hotspot} makes {decisions} in a row, which is more than this cat makes in a year.",
            ),
            Template(
                "Anyone can walk into {hotspot} in {hotspot_file}, but after {decisions} few recall where they came in.",
            ),
        ],
    },
    Row {
        topic: "function",
        interest: |s| when(s.has_habits() && (1..=40).contains(&s.analysis.metrics.function_length_max), 25),
        say: &[
            Template("None of its {functions} is longer than {longest_lines}, which is how one lands on one's feet."),
            Template("Its {functions} all end within {longest_lines}, each one a neat little paw print."),
            Template("Of its {functions} the longest has {longest_lines} and could hide under one paw."),
        ],
    },
    Row {
        topic: "function",
        interest: |s| {
            let metrics = &s.analysis.metrics;
            when(s.has_habits() && metrics.function_length_avg <= 12.0 && metrics.function_length_max > 40, 6)
        },
        say: &[
            Template("It takes its {functions} in bites of about {average} each, and chews."),
            Template("A typical function is over after about {average}, well within a cat's attention span."),
            Template("Its {functions} average about {average}, so nobody had to be carried off the table."),
        ],
    },
    Row {
        topic: "nesting",
        interest: |s| match s.analysis.metrics.nesting_depth_max {
            0..6 => 0,
            6..9 => 10,
            _ => 20,
        },
        say: &[
            Template("It likes boxes so much that it nests them {nesting} deep and sits in the last one."),
            Template("Its deepest nesting is {nesting} down, where even a cat brings a torch."),
            Template(
                "Climb down its nesting for {nesting}, and you find something warm, purring and out of reach of any ladder.",
            ),
        ],
    },
    Row {
        topic: "nesting",
        interest: |s| when(s.has_habits() && (1..=2).contains(&s.analysis.metrics.nesting_depth_max), 10),
        say: &[
            Template("It never climbs higher than {nesting} of nesting, so the fire brigade has never been called."),
            Template("Its nesting stops at {nesting}, which in a cat is known as good posture."),
            Template("With no more than {nesting} of nesting, it can be admired from end to end without bending."),
        ],
    },
];
