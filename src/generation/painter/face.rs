//! The head: skull, ears, eyes, muzzle, whiskers. Drawn around the middle of the head.

use kurbo::BezPath;
use rand::RngExt;
use rand::rngs::ChaCha8Rng;

use super::body::{LINE, part};
use super::coat::Coat;
use super::geometry::{At, arc, blade, circle, closed, crescent, ellipse, furry, hair, mirrored, open};
use super::palette::{INK, Tone, WHITE, tone};
use super::rig::{EarKind, Rig};
use super::svg::Svg;
use crate::model::attributes::{Age, CatAttributes, Expression};

/// The whole head.
pub fn head(svg: &mut Svg, sitter: &CatAttributes, coat: &Coat, rig: &Rig, rim: Tone, rng: &mut ChaCha8Rng) {
    if rig.ears.kind != EarKind::Folded {
        for s in [-1.0, 1.0] {
            ear(svg, coat, rig, s, rim, rng);
        }
    }
    skull(svg, coat, rig, rim, rng);
    for s in [-1.0, 1.0] {
        eye(svg, coat, rig, s);
    }
    muzzle(svg, coat, rig, sitter.expression, rng);
    brows(svg, coat, rig, sitter);
    if rig.ears.kind == EarKind::Folded {
        for s in [-1.0, 1.0] {
            folded_ear(svg, coat, rig, s);
        }
    }
    whiskers(svg, coat, rig, sitter.expression);
}

fn skull(svg: &mut Svg, coat: &Coat, rig: &Rig, rim: Tone, rng: &mut ChaCha8Rng) {
    let (w, h, cheek, jaw) = (rig.head_w, rig.head_h, rig.cheek, rig.jaw);
    let smooth = closed(&mirrored(&[
        (0.0, -h * 0.98),
        (w * 0.45, -h * 0.93),
        (w * 0.82, -h * 0.62),
        (w * 0.99, -h * 0.10),
        (w * (cheek * (0.62 + jaw * 0.42)).min(1.06), h * 0.34),
        (w * (cheek * jaw * 0.98).min(0.97), h * 0.68),
        (w * (jaw * 0.60).min(0.60), h * 0.96),
        (w * 0.24, h * 1.06),
        (0.0, h * 1.07),
    ]));
    let fur = rig.fur;
    let scruff = (0.6 - rig.grooming).max(0.0) * 16.0;
    let outline = furry(&smooth, 17.0 + fur * 9.0, rng, |p, _| {
        let side = ((p.x.abs() / w - 0.5) * 2.2).clamp(0.0, 1.0);
        let cheek = if p.y > h * 0.05 && p.y < h * 0.95 { side } else { 0.0 };
        let crown = if p.y < -h * 0.86 && p.x.abs() < w * 0.26 { 1.0 } else { 0.0 };
        let below = if p.y > h * 0.05 { 1.0 } else { 0.0 };
        cheek * (7.0 + fur * 11.0)
            + crown * (5.0 + fur * 5.0 + scruff * 0.6)
            + fur * fur * 9.0 * below
            + scruff * 0.6 * side
    });
    part(svg, coat, &outline, 15.0, rim, |svg| {
        coat.mark_head(svg, rig);
        // A soft light on the forehead makes the skull round.
        let glow = svg.radial(
            (-w * 0.25, -h * 0.55),
            (w * 0.8, h * 0.7),
            &[(0.0, coat.shine().alpha(0.30 * (0.4 + rig.grooming))), (1.0, coat.shine().alpha(0.0))],
        );
        svg.fill(&ellipse((-w * 0.25, -h * 0.55), w * 0.8, h * 0.7), glow);
    });
}

/// Where an ear stands, and how it is turned.
fn ear_place(rig: &Rig, s: f64) -> (At, f64) {
    let angle = rig.ears.stand.to_radians();
    (
        (s * angle.sin() * rig.head_w * 0.86, -angle.cos() * rig.head_h * 0.86),
        s * (rig.ears.stand * 0.45 + rig.ears.splay).min(60.0),
    )
}

fn ear(svg: &mut Svg, coat: &Coat, rig: &Rig, s: f64, rim: Tone, rng: &mut ChaCha8Rng) {
    let (at, turn) = ear_place(rig, s);
    let (w, h) = (rig.ears.width / 2.0, rig.ears.height);
    let clipped = rig.ears.kind == EarKind::Tipped && s < 0.0;
    let tip: &[At] = if clipped {
        &[(-w * 0.22, -h * 0.80), (w * 0.28, -h * 0.76)]
    } else {
        &[(-w * 0.10, -h * 0.97), (w * 0.12, -h * 0.96)]
    };
    let mut points = vec![(-w, h * 0.30), (-w * 0.90, -h * 0.12), (-w * 0.52, -h * 0.62)];
    points.extend_from_slice(tip);
    points.extend([(w * 0.66, -h * 0.56), (w * 1.02, -h * 0.02), (w * 1.0, h * 0.34), (0.0, h * 0.5)]);
    let outline = closed(&points);
    let inner = closed(&[
        (-w * 0.62, h * 0.30),
        (-w * 0.54, -h * 0.10),
        (-w * 0.26, -h * 0.50),
        (w * 0.06, -h * 0.74),
        (w * 0.42, -h * 0.42),
        (w * 0.68, h * 0.02),
        (w * 0.66, h * 0.34),
        (0.0, h * 0.45),
    ]);
    svg.placed(at, (s, 1.0), turn, |svg| {
        if rig.ears.kind == EarKind::Lynx {
            for (dx, long) in [(-6.0, 16.0), (0.0, 24.0), (6.0, 17.0)] {
                svg.fill(&hair((dx * 0.4, -h * 0.86), (dx * 0.6, -h - 4.0), (dx, -h * 0.96 - long), 7.0), coat.ink);
            }
        }
        let back = Coat { base: coat.ear_back(s < 0.0), ..coat.clone() };
        part(svg, &back, &outline, 7.0, rim, |svg| {
            let dip =
                svg.linear((0.0, -h * 0.8), (0.0, h * 0.3), &[(0.0, coat.ear.light(0.04)), (1.0, coat.ear.dark(0.16))]);
            svg.fill(&inner, dip);
            svg.clipped(&inner, |svg| {
                svg.fill_holes(&crescent(&inner, (4.0, 5.0)), tone(0.45, 0.09, 10.0).alpha(0.35));
            });
            // Hair that grows across from the inner edge.
            let white = coat.muzzle().mix(WHITE, 0.35);
            let rows = 4 + (rig.fur * 4.0) as u32;
            for i in 0..rows {
                let t = f64::from(i) / f64::from(rows);
                let root = (-w * (0.86 - t * 0.36), h * (0.34 - t * 0.52));
                let reach = w * (1.05 - t * 0.5) * rng.random_range(0.85..1.1);
                svg.fill(
                    &hair(
                        root,
                        (root.0 + reach * 0.5, root.1 - 10.0),
                        (root.0 + reach, root.1 - 13.0 - rig.fur * 8.0),
                        10.0,
                    ),
                    white.alpha(0.9),
                );
            }
        });
    });
}

fn folded_ear(svg: &mut Svg, coat: &Coat, rig: &Rig, s: f64) {
    let (at, turn) = ear_place(rig, s);
    let (w, h) = (rig.ears.width / 2.0, rig.ears.height);
    let flap = closed(&[
        (-w * 0.95, -h * 0.22),
        (-w * 0.2, -h * 0.70),
        (w * 0.72, -h * 0.50),
        (w * 1.12, h * 0.10),
        (w * 0.92, h * 0.62),
        (w * 0.45, h * 0.72),
        (-w * 0.30, h * 0.36),
    ]);
    svg.placed(at, (s, 1.0), turn * 0.6, |svg| {
        svg.fill(&moved_down(&flap), coat.shade().alpha(0.45));
        let fill = coat.ear_back(s < 0.0);
        svg.fill(&flap, fill);
        svg.clipped(&flap, |svg| {
            svg.fill_holes(&crescent(&flap, (-5.0 * s, -8.0)), coat.shade().alpha(0.35));
            svg.fill_holes(&crescent(&flap, (3.0 * s, 5.0)), coat.shine().alpha(0.35));
        });
        svg.stroke(&flap, coat.ink, LINE);
        // The crease along which it folds.
        svg.stroke(&arc((-w * 0.6, -h * 0.18), (w * 0.1, -h * 0.46), (w * 0.74, -h * 0.22)), coat.ink.alpha(0.35), 2.2);
    });
}

fn moved_down(path: &BezPath) -> BezPath {
    super::geometry::moved(path, (-2.0, 6.0), 1.0)
}

/// The opening of the lids, drawn around the middle of the eye with its outer corner to the right.
fn lids(rx: f64, ry: f64, slant: f64, squeeze: f64) -> BezPath {
    let low = ry * (1.0 - squeeze);
    closed(&[
        (-rx * 1.0, slant * 0.75 + 1.0),
        (-rx * 0.62, -ry * 0.72),
        (rx * 0.02, -ry),
        (rx * 0.66, -ry * 0.74 - slant * 0.2),
        (rx * 1.0, -slant * 0.75),
        (rx * 0.66, low * 0.74 - slant * 0.3),
        (-rx * 0.02, low),
        (-rx * 0.64, low * 0.74 + slant * 0.2),
    ])
}

fn eye(svg: &mut Svg, coat: &Coat, rig: &Rig, s: f64) {
    let eyes = &rig.eyes;
    let (rx, ry) = (eyes.rx, eyes.ry);
    let opening = lids(rx, ry, eyes.slant, eyes.squeeze);
    let rimmed = lids(rx + 4.2, ry + 4.0, eyes.slant, eyes.squeeze);
    let dark = INK.mix(coat.ink, 0.4);
    svg.placed((s * eyes.apart, eyes.y), (s, 1.0), 0.0, |svg| {
        svg.fill(&rimmed, dark);
        // The tear mark at the inner corner.
        svg.fill(&blade((-rx * 0.86, eyes.slant), (-rx * 1.12, ry * 0.30), (-rx * 1.18, ry * 0.62), 4.0), dark);
        let deep = coat.iris.dark(0.30).turn(-10.0);
        let iris = svg.radial(
            (0.0, ry * 0.42),
            (rx * 1.15, ry * 1.45),
            &[(0.0, coat.iris.light(0.13)), (0.45, coat.iris), (0.85, coat.iris.dark(0.15)), (1.0, deep)],
        );
        svg.fill(&opening, iris);
        svg.clipped(&opening, |svg| {
            let middle = (s * eyes.gaze.0 * rx - rx * 0.04, eyes.gaze.1 * ry);
            svg.stroke(&ellipse(middle, rx * 0.94, ry * 1.02), deep.alpha(0.6), 3.0);
            let pupil = ellipse(middle, rx * eyes.pupil.0, ry * eyes.pupil.1);
            svg.stroke(&pupil, coat.iris.light(0.16).alpha(0.6), 3.0);
            svg.fill(&pupil, tone(0.13, 0.02, 290.0));
            // The upper lid's shadow, then the lid itself where the mood lowers it.
            svg.fill_holes(&crescent(&opening, (0.0, ry * 0.34)), INK.alpha(0.34));
            let (inner, outer) = eyes.lid;
            if inner > 0.0 || outer > 0.0 {
                let edge = |share: f64| -ry + 2.0 * ry * share * 0.62;
                let (a, b) = ((-rx * 1.3, edge(inner)), (rx * 1.3, edge(outer)));
                let bend = (0.0, f64::midpoint(a.1, b.1) - ry * 0.14);
                let mut lid = arc(a, bend, b);
                lid.line_to((rx * 1.5, -ry * 2.0));
                lid.line_to((-rx * 1.5, -ry * 2.0));
                lid.close_path();
                svg.fill(&super::geometry::moved(&lid, (0.0, 6.0), 1.0), INK.alpha(0.25));
                let skin = match coat.pattern {
                    super::coat::Pattern::Points | super::coat::Pattern::Mitted => coat.mark.light(0.05),
                    super::coat::Pattern::Calico => {
                        if s < 0.0 {
                            coat.third.light(0.04)
                        } else {
                            coat.mark
                        }
                    }
                    super::coat::Pattern::Tortoiseshell if s > 0.0 => coat.mark,
                    _ => coat.base.dark(0.04),
                };
                svg.fill(&lid, skin);
                svg.stroke(&arc(a, bend, b), dark, 4.2);
            }
        });
        // Catch-lights: the lamp is on the left for both eyes.
        let k = s;
        svg.fill(&ellipse((-k * rx * 0.30, -ry * 0.28), rx * 0.25, ry * 0.25), WHITE.alpha(0.97));
        svg.fill(&circle((k * rx * 0.34, ry * 0.36 * (1.0 - eyes.squeeze)), rx * 0.12), WHITE.alpha(0.8));
        // The corner runs out to a point.
        svg.fill(
            &hair(
                (rx * 0.78, -ry * 0.52 - eyes.slant * 0.4),
                (rx * 1.08, -ry * 0.50 - eyes.slant),
                (rx * 1.34, -ry * 0.62 - eyes.slant * 1.4),
                6.0,
            ),
            dark,
        );
    });
}

fn muzzle(svg: &mut Svg, coat: &Coat, rig: &Rig, mood: Expression, rng: &mut ChaCha8Rng) {
    let m = rig.muzzle;
    let y = rig.nose_y;
    let pale = coat.muzzle();
    let lip = y + 19.0 * m;
    let soft =
        svg.radial((0.0, y + 18.0 * m), (44.0 * m, 34.0 * m), &[(0.0, pale), (0.66, pale), (1.0, pale.alpha(0.0))]);
    svg.fill(&ellipse((0.0, y + 18.0 * m), 44.0 * m, 34.0 * m), soft);
    let line = coat.ink.mix(INK, 0.5);
    // An open mouth lies under the pads.
    if mood == Expression::Happy {
        let mouth = closed(&[
            (-15.0 * m, lip + 4.0),
            (0.0, lip + 1.0),
            (15.0 * m, lip + 4.0),
            (12.5 * m, lip + 15.0 * m),
            (0.0, lip + 22.0 * m),
            (-12.5 * m, lip + 15.0 * m),
        ]);
        svg.fill(&mouth, tone(0.36, 0.11, 20.0));
        svg.clipped(&mouth, |svg| {
            svg.fill(&ellipse((0.0, lip + 20.0 * m), 11.0 * m, 9.5 * m), tone(0.73, 0.14, 15.0));
            svg.stroke(
                &arc((0.0, lip + 12.0 * m), (0.0, lip + 16.0 * m), (0.0, lip + 22.0 * m)),
                tone(0.6, 0.14, 15.0),
                1.8,
            );
            for s in [-1.0, 1.0] {
                svg.fill(&closed(&[(s * 6.0 * m, lip), (s * 11.0 * m, lip), (s * 8.0 * m, lip + 9.0 * m)]), WHITE);
            }
        });
        svg.stroke(&mouth, line, 2.8);
    }
    for s in [-1.0, 1.0] {
        let pad = ellipse((s * 16.5 * m, lip - 3.0), 19.5 * m, 14.0 * m);
        let fill = svg.radial(
            (s * 12.0 * m - 4.0, lip - 9.0),
            (24.0 * m, 20.0 * m),
            &[(0.0, pale.light(0.05)), (0.7, pale), (1.0, pale.mix(coat.shade(), 0.16))],
        );
        svg.fill(&pad, fill);
        for (dx, dy) in [(11.0, -3.0), (19.0, -5.0), (15.0, 3.0), (24.0, 2.0)] {
            let x = s * dx * m + rng.random_range(-1.0..1.0);
            svg.fill(&circle((x, lip + dy * m - 2.0), 1.5), line.alpha(0.45));
        }
    }
    svg.stroke(&arc((0.0, y + 7.0), (0.0, lip - 4.0), (0.0, lip - 1.0)), line, 2.8);
    let curve: &[At] = match mood {
        Expression::Happy => &[(0.0, 0.0), (8.0, 7.0), (17.0, 7.0), (24.0, 0.5), (27.0, -5.0)],
        Expression::Neutral => &[(0.0, 0.0), (6.0, 6.5), (14.0, 8.0), (22.0, 5.0), (26.0, 1.0)],
        Expression::Concerned => &[(0.0, 1.0), (6.0, 4.5), (11.0, 4.5), (17.0, 8.0), (21.0, 13.0)],
        Expression::Grumpy => &[(0.0, 0.0), (8.0, 1.0), (17.0, 5.0), (25.0, 13.0), (28.0, 21.0)],
    };
    for s in [-1.0, 1.0] {
        let points: Vec<At> = curve.iter().map(|(x, dy)| (s * x * m, lip + dy * m)).collect();
        svg.stroke(&open(&points), line, 3.0);
    }
    if mood == Expression::Grumpy || mood == Expression::Neutral {
        svg.stroke(
            &arc((-7.0 * m, lip + 18.0 * m), (0.0, lip + 20.5 * m), (7.0 * m, lip + 18.0 * m)),
            line.alpha(0.3),
            2.2,
        );
    }
    nose(svg, coat, y, m);
    if mood == Expression::Happy {
        for s in [-1.0, 1.0] {
            let at = (s * rig.head_w * 0.60, rig.eyes.y + rig.eyes.ry + 15.0);
            let blush = svg.radial(
                at,
                (20.0, 12.0),
                &[(0.0, tone(0.72, 0.16, 15.0).alpha(0.55)), (1.0, tone(0.72, 0.16, 15.0).alpha(0.0))],
            );
            svg.fill(&ellipse(at, 20.0, 12.0), blush);
        }
    }
}

fn nose(svg: &mut Svg, coat: &Coat, y: f64, m: f64) {
    let k = 0.6 + m * 0.4;
    let shape = closed(&[
        (-11.0 * k, y - 5.0 * k),
        (0.0, y - 7.0 * k),
        (11.0 * k, y - 5.0 * k),
        (9.5 * k, y + 1.0 * k),
        (3.0 * k, y + 7.0 * k),
        (0.0, y + 8.5 * k),
        (-3.0 * k, y + 7.0 * k),
        (-9.5 * k, y + 1.0 * k),
    ]);
    let fill = svg.linear((0.0, y - 7.0), (0.0, y + 8.0), &[(0.0, coat.nose.light(0.08)), (1.0, coat.nose.dark(0.09))]);
    svg.inked(&shape, fill, coat.ink.mix(INK, 0.4), 2.4);
    svg.fill(&ellipse((-4.0 * k, y - 3.0 * k), 3.4 * k, 1.8 * k), WHITE.alpha(0.65));
}

fn brows(svg: &mut Svg, coat: &Coat, rig: &Rig, sitter: &CatAttributes) {
    let (x, y, rx, ry) = (rig.eyes.apart, rig.eyes.y, rig.eyes.rx, rig.eyes.ry);
    let dark = if coat.base.l < 0.5 { coat.base.light(0.2) } else { coat.ink.light(0.08) };
    for s in [-1.0, 1.0] {
        let p = |dx: f64, dy: f64| (s * (x + dx * rx), y - ry - dy);
        match sitter.expression {
            Expression::Grumpy => svg.fill(&blade(p(-1.12, -3.0), p(-0.1, 10.0), p(1.1, 15.0), 7.5), dark),
            Expression::Concerned => svg.fill(&blade(p(-0.95, 15.0), p(0.1, 13.0), p(1.0, 3.0), 5.5), dark),
            _ => {}
        }
        if sitter.age == Age::Senior {
            let grey = tone(0.93, 0.006, 250.0);
            for i in 0..3 {
                let k = f64::from(i);
                svg.fill(
                    &hair(
                        p(-0.1 + k * 0.22, 6.0),
                        p(0.2 + k * 0.32, 20.0 - k * 2.0),
                        p(0.9 + k * 0.4, 25.0 - k * 7.0),
                        5.5,
                    ),
                    grey.alpha(0.95),
                );
            }
        }
    }
    if sitter.expression == Expression::Concerned {
        // A drop of sweat.
        let (w, h) = (rig.head_w, rig.head_h);
        let at = (w * 0.80, -h * 0.42);
        let drop = closed(&[
            (at.0, at.1 - 17.0),
            (at.0 + 6.5, at.1 - 3.0),
            (at.0 + 6.0, at.1 + 6.0),
            (at.0, at.1 + 10.0),
            (at.0 - 6.0, at.1 + 6.0),
            (at.0 - 6.5, at.1 - 3.0),
        ]);
        svg.inked(&drop, tone(0.86, 0.075, 225.0), tone(0.5, 0.11, 245.0), 2.2);
        svg.fill(&ellipse((at.0 - 2.4, at.1 + 2.0), 1.8, 3.2), WHITE.alpha(0.9));
    }
}

fn whiskers(svg: &mut Svg, coat: &Coat, rig: &Rig, mood: Expression) {
    let m = rig.muzzle;
    let y = rig.nose_y + 17.0 * m;
    let long = rig.head_w * 0.86 * rig.whiskers;
    let lift = match mood {
        Expression::Happy => -12.0,
        Expression::Neutral => 0.0,
        Expression::Concerned => 13.0,
        Expression::Grumpy => 8.0,
    };
    for s in [-1.0, 1.0] {
        for (dy, rise) in [(-6.0, -20.0), (0.0, -3.0), (6.0, 15.0)] {
            let root = (s * 22.0 * m, y + dy * m);
            let tip = (s * (22.0 * m + long), y + dy * m + rise + lift);
            let bend = (s * (22.0 * m + long * 0.5), y + dy * m + rise * 0.3 + lift * 0.2 - 6.0);
            svg.fill(&hair(root, bend, tip, 3.0), coat.whisker());
        }
    }
}
