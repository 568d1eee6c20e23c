//! Everything below the head: tail, trunk, legs, chest.

use kurbo::BezPath;
use rand::rngs::ChaCha8Rng;

use super::coat::Coat;
use super::geometry::{At, arc, closed, crescent, ellipse, furry, mirrored, open, ribbon, walk};
use super::palette::{Tone, tone};
use super::rig::Rig;
use super::svg::Svg;
use crate::model::attributes::Expression;

/// The width of outlines.
pub const LINE: f64 = 3.2;

/// A part of the body: filled, marked, shaded to the right and below, lit from the upper left, with a rim of the
/// scene's light on the right, and outlined.
pub fn part(svg: &mut Svg, coat: &Coat, outline: &BezPath, depth: f64, rim: Tone, marks: impl FnOnce(&mut Svg)) {
    svg.fill(outline, coat.base);
    svg.clipped(outline, |svg| {
        marks(svg);
        let shade = coat.shade();
        svg.fill_holes(&crescent(outline, (-depth, -depth * 0.9)), shade.alpha(0.26));
        svg.fill_holes(&crescent(outline, (-depth * 0.45, -depth * 0.45)), shade.alpha(0.24));
        svg.fill_holes(&crescent(outline, (depth * 0.5, depth * 0.6)), coat.shine().alpha(0.32));
        svg.fill_holes(&crescent(outline, (-2.6, 1.4)), rim.alpha(0.55));
    });
    svg.stroke(outline, coat.ink, LINE);
}

/// The tail: held high, curled, limp or bristling.
pub fn tail(svg: &mut Svg, coat: &Coat, rig: &Rig, mood: Expression, rim: Tone, rng: &mut ChaCha8Rng) {
    let (s, hip, n) = (rig.side, rig.hip, rig.neck);
    let long = n / 148.0;
    let p = |x: f64, y: f64| (s * (hip * 0.62 + x * long.max(0.75)), y * long.max(0.62));
    let points = match mood {
        Expression::Happy => {
            [p(0.0, -22.0), p(48.0, -30.0), p(84.0, -76.0), p(74.0, -134.0), p(92.0, -180.0), p(126.0, -176.0)]
        }
        Expression::Neutral => {
            let low = -6.0 - rig.tail * (0.9 + rig.fur * 0.4);
            [
                p(0.0, low - 4.0),
                p(46.0, low),
                p(88.0, low - 2.0),
                p(120.0, low - 24.0),
                p(120.0, low - 58.0),
                p(96.0, low - 68.0),
            ]
        }
        Expression::Concerned => {
            let low = -4.0 - rig.tail * (0.9 + rig.fur * 0.4);
            [
                p(0.0, low - 6.0),
                p(36.0, low),
                p(70.0, low + 1.0),
                p(100.0, low + 2.0),
                p(126.0, low),
                p(146.0, low - 8.0),
            ]
        }
        Expression::Grumpy => [
            p(0.0, -12.0 - rig.tail * 1.3),
            p(44.0, -16.0 - rig.tail * 1.5),
            p(78.0, -60.0),
            p(86.0, -108.0),
            p(112.0, -134.0),
            p(142.0, -112.0),
        ],
    };
    let spine = open(&points);
    let bristle = if mood == Expression::Grumpy { 1.45 - 0.32 * rig.fur } else { 1.0 };
    let (thick, bush) = (rig.tail * bristle, rig.fur.max(if bristle > 1.0 { 0.65 } else { 0.0 }));
    let half = move |t: f64| {
        let plume = (t * std::f64::consts::PI).sin() * bush * 0.55;
        thick * (0.78 + plume + 0.12 * t - 0.30 * (t - 0.7).max(0.0))
    };
    let smooth = ribbon(&spine, half);
    let outline =
        if bush > 0.4 { furry(&smooth, 17.0 + bush * 6.0, rng, |_, _| 3.0 + bush * 8.0) } else { smooth.clone() };
    // Light and shade are those of the colour that the tail has.
    let coat = &Coat { base: coat.tail(), ..coat.clone() };
    let along: Vec<(At, At)> = walk(&spine, 6.0).iter().map(|(p, n)| ((p.x, p.y), (n.x, n.y))).collect();
    part(svg, coat, &outline, thick * 0.7, rim, |svg| coat.mark_tail(svg, &along, thick));
}

/// The trunk with its haunches, hind feet, front legs and chest.
pub fn trunk(svg: &mut Svg, coat: &Coat, rig: &Rig, rim: Tone, rng: &mut ChaCha8Rng) {
    let (n, sh, hip) = (rig.neck, rig.shoulder, rig.hip);
    // A fat cat is a ball; a lean one narrows from the hips to the shoulders.
    let mix = |lean: f64, fat: f64| lean + (fat - lean) * rig.belly;
    let right = [
        (0.0, -n - 26.0),
        (sh * 0.66, -n - 12.0),
        (mix(sh * 0.98, sh.max(hip * 0.72)), -n * mix(0.82, 0.88)),
        (mix(sh * 0.56 + hip * 0.36, hip * 0.95), -n * mix(0.58, 0.64)),
        (hip * mix(0.96, 1.06), -n * mix(0.37, 0.40)),
        (hip * mix(1.02, 1.05), -n * mix(0.18, 0.20)),
        (hip * mix(0.93, 0.88), -3.0),
        (hip * 0.5, 1.0),
        (0.0, 1.0),
    ];
    let smooth = closed(&mirrored(&right));
    let fur = rig.fur;
    let scruff = (0.55 - rig.grooming).max(0.0) * 14.0;
    let outline = furry(&smooth, 17.0 + fur * 11.0, rng, |p, normal| {
        if normal.y.abs() > 0.9 || p.y > -12.0 {
            return 0.0;
        }
        let elbow = if (-n * 0.68..-n * 0.48).contains(&p.y) { fur * 6.0 } else { 0.0 };
        (fur - 0.35).max(0.0) * 19.0 + elbow + scruff * 0.7
    });
    part(svg, coat, &outline, 17.0, rim, |svg| {
        coat.mark_body(svg, rig);
        // The shadow that the head throws.
        let throat = svg.radial(
            (4.0, -n + 2.0),
            (sh * 1.25, n * 0.36),
            &[(0.0, coat.shade().alpha(0.62)), (0.6, coat.shade().alpha(0.35)), (1.0, coat.shade().alpha(0.0))],
        );
        svg.fill(&ellipse((4.0, -n + 2.0), sh * 1.3, n * 0.38), throat);
    });
    for s in [-1.0, 1.0] {
        haunch(svg, coat, rig, s);
    }
    belly(svg, coat, rig);
    legs(svg, coat, rig, rim);
    chest(svg, coat, rig, rng);
}

fn haunch(svg: &mut Svg, coat: &Coat, rig: &Rig, s: f64) {
    let (n, hip) = (rig.neck, rig.hip);
    let thigh = arc((s * hip * 0.56, -n * 0.46), (s * hip * 0.36, -n * 0.18), (s * hip * 0.52, -12.0));
    svg.stroke(&thigh, coat.ink.alpha(0.55), LINE * 0.8);
    paw(svg, coat, (s * hip * 0.70, -9.0), rig.leg * 1.55, rig.leg * 0.78 + 2.0, coat.foot());
}

fn belly(svg: &mut Svg, coat: &Coat, rig: &Rig) {
    if rig.belly <= 0.0 {
        return;
    }
    let (n, r) = (rig.neck, rig.hip * (0.46 + rig.belly * 0.20));
    let round = ellipse((0.0, -n * 0.36), r, n * 0.33);
    let tone = coat.chest().unwrap_or(coat.base.light(0.035));
    svg.fill(&round, tone);
    svg.clipped(&round, |svg| {
        coat.mark_body(svg, &Rig { hip: rig.hip * 2.0, ..*rig });
        svg.fill_holes(&crescent(&round, (-9.0, -12.0)), coat.shade().alpha(0.28));
    });
    for s in [-1.0, 1.0] {
        svg.stroke(
            &arc((s * r * 0.94, -n * 0.48), (s * r * 1.12, -n * 0.22), (s * r * 0.70, -n * 0.11)),
            coat.ink.alpha(0.6),
            LINE * 0.8,
        );
    }
}

fn legs(svg: &mut Svg, coat: &Coat, rig: &Rig, rim: Tone) {
    let (n, leg, stance) = (rig.neck, rig.leg, rig.stance);
    // Between the legs it is dark.
    let gap =
        closed(&[(-stance * 0.5, -n * 0.40), (stance * 0.5, -n * 0.40), (stance * 0.75, -6.0), (-stance * 0.75, -6.0)]);
    let dark = svg.linear(
        (0.0, -n * 0.45),
        (0.0, 0.0),
        &[(0.0, coat.shade().alpha(0.0)), (0.6, coat.shade().alpha(0.75)), (1.0, coat.shade())],
    );
    svg.fill(&gap, dark);
    for s in [-1.0, 1.0] {
        let x = s * stance;
        let (top, foot) = (-n * 0.62, leg * 1.30);
        let shape = closed(&[
            (x - leg * 0.90, top),
            (x, top - 8.0),
            (x + leg * 0.90, top),
            (x + leg * 0.98, -n * 0.30),
            (x + leg * 0.94, -22.0),
            (x + foot, -9.0),
            (x + foot * 0.84, 3.0),
            (x, 5.0),
            (x - foot * 0.84, 3.0),
            (x - foot, -9.0),
            (x - leg * 0.94, -22.0),
            (x - leg * 0.98, -n * 0.30),
        ]);
        let fade = svg.linear((0.0, top - 6.0), (0.0, -n * 0.36), &[(0.0, coat.base.alpha(0.0)), (1.0, coat.base)]);
        svg.fill(&shape, fade);
        svg.clipped(&shape, |svg| {
            coat.mark_leg(svg, rig, x);
            svg.fill_holes(&crescent(&shape, (-leg * 0.55, -4.0)), coat.shade().alpha(0.30));
            svg.fill_holes(&crescent(&shape, (leg * 0.35, 0.0)), coat.shine().alpha(0.25));
            svg.fill_holes(&crescent(&shape, (-2.2, 1.0)), rim.alpha(0.35));
        });
        let edge = svg.linear((0.0, -n * 0.56), (0.0, -n * 0.26), &[(0.0, coat.ink.alpha(0.0)), (1.0, coat.ink)]);
        svg.stroke(&shape, edge, LINE);
        for toe in [-0.36, 0.36] {
            svg.stroke(
                &arc((x + foot * toe, -8.0), (x + foot * toe * 1.15, -3.0), (x + foot * toe, 3.0)),
                coat.ink.alpha(0.8),
                2.2,
            );
        }
    }
}

/// A paw seen from the front, with its toes.
pub fn paw(svg: &mut Svg, coat: &Coat, (x, y): At, rx: f64, ry: f64, fill: Tone) {
    let outline = closed(&[
        (x - rx, y + ry * 0.2),
        (x - rx * 0.7, y - ry * 0.75),
        (x, y - ry),
        (x + rx * 0.7, y - ry * 0.75),
        (x + rx, y + ry * 0.2),
        (x + rx * 0.75, y + ry),
        (x - rx * 0.75, y + ry),
    ]);
    svg.fill(&outline, fill);
    svg.clipped(&outline, |svg| svg.fill_holes(&crescent(&outline, (-4.0, -5.0)), coat.shade().alpha(0.30)));
    svg.stroke(&outline, coat.ink, LINE);
    for toe in [-0.33, 0.33] {
        svg.stroke(
            &arc((x + rx * toe, y - ry * 0.1), (x + rx * toe * 1.2, y + ry * 0.5), (x + rx * toe, y + ry * 0.9)),
            coat.ink.alpha(0.8),
            2.2,
        );
    }
}

/// The chest: a bib, or the ruff of a long-haired cat.
fn chest(svg: &mut Svg, coat: &Coat, rig: &Rig, rng: &mut ChaCha8Rng) {
    let (n, sh) = (rig.neck, rig.shoulder);
    let long = rig.ruff;
    let (w, deep) = (sh * (0.56 + long * 0.38), n * (0.50 - long * 0.03));
    let smooth = closed(&mirrored(&[
        (0.0, -n - 18.0),
        (w * 0.8, -n - 6.0),
        (w, -n * 0.80),
        (w * 0.72, -n * 0.80 + deep * 0.38),
        (w * 0.25, -n * 0.80 + deep * 0.70),
        (0.0, -n * 0.80 + deep * 0.80),
    ]));
    let outline =
        furry(
            &smooth,
            15.0 + long * 9.0,
            rng,
            |p, normal| {
                if normal.y < -0.3 || p.y < -n * 0.92 { 0.0 } else { 6.0 + long * 9.0 }
            },
        );
    let fill = match coat.chest() {
        Some(tone) => tone,
        None if long > 0.0 || rig.fur > 0.15 => coat.base.light(0.03),
        None => return,
    };
    svg.fill(&outline, fill);
    svg.clipped(&outline, |svg| {
        if coat.chest().is_none() {
            coat.mark_body(svg, &Rig { hip: rig.hip * 0.7, ..*rig });
        }
        let throat = svg.linear(
            (0.0, -n - 8.0),
            (0.0, -n * 0.55),
            &[(0.0, tone(0.32, 0.06, 300.0).alpha(0.42)), (1.0, coat.shade().alpha(0.0))],
        );
        svg.fill(&smooth, throat);
        svg.fill_holes(&crescent(&smooth, (-8.0, -7.0)), coat.shade().alpha(0.18));
    });
    if long > 0.0 {
        svg.stroke(&outline, coat.ink.alpha(0.28), LINE * 0.7);
    }
}
