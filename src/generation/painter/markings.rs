//! The coat's pattern on each part of the body. Whoever calls cuts it to the part's outline.

use rand::RngExt;
use rand::rngs::ChaCha8Rng;

use super::coat::{Coat, Pattern};
use super::geometry::{At, blade, blob, circle, closed, ellipse, mirrored, polygon};
use super::palette::{Tone, tone};
use super::rig::Rig;
use super::svg::Svg;

impl Coat {
    fn chance(&self, part: &str) -> ChaCha8Rng {
        self.seed.rng(part)
    }

    /// The pattern of the face, in coordinates of the head.
    pub fn mark_head(&self, svg: &mut Svg, rig: &Rig) {
        let (w, h) = (rig.head_w, rig.head_h);
        let mut rng = self.chance("coat of the head");
        match self.pattern {
            Pattern::Solid => {}
            Pattern::Tabby => {
                let m = self.mark;
                // The M, and the stripes that run back over the crown.
                for s in [-1.0, 1.0] {
                    let p = |x: f64, y: f64| (s * x * w, y * h);
                    svg.fill(&blade(p(0.07, -1.1), p(0.13, -0.72), p(0.10, -0.40), 6.0), m);
                    svg.fill(&blade(p(0.30, -1.08), p(0.24, -0.70), p(0.30, -0.46), 6.5), m);
                    svg.fill(&blade(p(0.10, -0.42), p(0.20, -0.58), p(0.29, -0.48), 3.5), m);
                    svg.fill(&blade(p(0.54, -1.0), p(0.50, -0.74), p(0.56, -0.52), 5.0), m);
                    // Cheeks.
                    for (y, drop, size) in [(-0.02, 0.06, 5.5), (0.24, 0.12, 6.5), (0.48, 0.14, 5.5)] {
                        let jitter = rng.random_range(-0.03..=0.03);
                        svg.fill(&blade(p(1.14, y + drop + jitter), p(0.90, y + 0.02), p(0.66, y + jitter), size), m);
                    }
                }
                svg.fill(&blade((0.0, -1.1 * h), (0.0, -0.8 * h), (0.0, -0.52 * h), 4.5), m);
            }
            Pattern::Points | Pattern::Mitted => {
                let fade = [
                    (0.0, self.mark),
                    (0.48, self.mark.alpha(0.93)),
                    (0.74, self.mark.alpha(0.5)),
                    (1.0, self.mark.alpha(0.0)),
                ];
                let mask = svg.radial((0.0, h * 0.20), (w * 0.92, h * 1.02), &fade);
                svg.fill(&ellipse((0.0, h * 0.2), w * 0.95, h * 1.05), mask);
                if self.pattern == Pattern::Mitted {
                    let blaze = [
                        (0.0, -h * 0.62),
                        (10.0, -h * 0.2),
                        (20.0, h * 0.15),
                        (w * 0.38, h * 0.46),
                        (w * 0.40, h * 0.74),
                        (w * 0.22, h * 1.04),
                        (0.0, h * 1.12),
                    ];
                    svg.fill(&closed(&mirrored(&blaze)), tone(0.97, 0.012, 82.0));
                }
            }
            Pattern::Tuxedo => {
                let lean = rng.random_range(-5.0..=5.0);
                let blaze = [
                    (lean, -h * 0.52),
                    (7.0, -h * 0.18),
                    (17.0, h * 0.18),
                    (w * 0.40, h * 0.44),
                    (w * 0.42, h * 0.72),
                    (w * 0.24, h * 1.04),
                    (0.0, h * 1.14),
                ];
                svg.fill(&closed(&mirrored(&blaze)), self.pale);
            }
            Pattern::Calico => {
                let drift = rng.random_range(-0.05..=0.05) * w;
                svg.fill(&blob((-w * 0.66 + drift, -h * 0.50), w * 0.54, h * 0.66, 0.13, &mut rng), self.third);
                svg.fill(&blob((w * 0.66 + drift, -h * 0.46), w * 0.56, h * 0.74, 0.12, &mut rng), self.mark);
                svg.fill(&blob((w * 0.9, h * 0.72), w * 0.25, h * 0.25, 0.2, &mut rng), self.third);
            }
            Pattern::Tortoiseshell => {
                // A face in two halves, then flecks of either colour in the other.
                let half = [
                    (2.0, -h * 1.2),
                    (w * 1.3, -h * 1.2),
                    (w * 1.3, h * 0.5),
                    (w * 0.75, h * 0.62),
                    (w * 0.5, h * 1.1),
                    (w * 0.06, h * 0.55),
                    (6.0, h * 0.1),
                    (-5.0, -h * 0.4),
                ];
                svg.fill(&closed(&half), self.mark);
                self.fleck(svg, (w, h), (0.0, 0.0), 26, &mut rng);
            }
        }
        if self.bib && self.pattern != Pattern::Calico {
            let blaze = [
                (0.0, -h * 0.30),
                (6.0, -h * 0.05),
                (14.0, h * 0.2),
                (w * 0.34, h * 0.46),
                (w * 0.36, h * 0.72),
                (w * 0.2, h * 1.02),
                (0.0, h * 1.12),
            ];
            svg.fill(&closed(&mirrored(&blaze)), self.pale);
        }
    }

    fn fleck(&self, svg: &mut Svg, (w, h): (f64, f64), centre: At, count: u32, rng: &mut ChaCha8Rng) {
        for i in 0..count {
            let at = (centre.0 + rng.random_range(-1.0..1.0) * w, centre.1 + rng.random_range(-1.0..1.0) * h);
            let (long, thin) = (rng.random_range(0.09..0.2) * w, rng.random_range(0.035..0.075) * w);
            let lean = rng.random_range(-0.4..0.4) * long;
            let colour = if i % 3 == 0 { self.base.dark(0.05) } else { self.mark.turn(f64::from(i % 4) * 3.0 - 4.0) };
            svg.fill(&blade((at.0 - lean, at.1 - long), (at.0 + lean, at.1), (at.0 + lean, at.1 + long), thin), colour);
        }
    }

    /// The pattern of the trunk and the haunches.
    pub fn mark_body(&self, svg: &mut Svg, rig: &Rig) {
        let (n, hip) = (rig.neck, rig.hip);
        let mut rng = self.chance("coat of the body");
        match self.pattern {
            Pattern::Solid | Pattern::Mitted | Pattern::Tuxedo => {}
            Pattern::Points => {
                let fade = svg.linear(
                    (0.0, -n * 0.5),
                    (0.0, 0.0),
                    &[(0.0, self.mark.alpha(0.0)), (1.0, self.mark.alpha(0.35))],
                );
                svg.fill(&polygon(&[(-hip * 1.2, -n), (hip * 1.2, -n), (hip * 1.2, 10.0), (-hip * 1.2, 10.0)]), fade);
            }
            Pattern::Tabby => {
                for s in [-1.0, 1.0] {
                    for i in 0..7 {
                        let t = f64::from(i) / 6.0;
                        let y = -n * (0.90 - t * 0.78) + rng.random_range(-3.0..=3.0);
                        let inner = hip * (0.42 + 0.10 * (t * 3.0).sin()) + rng.random_range(-6.0..=6.0);
                        let bend = (s * hip * 0.86, y - 4.0);
                        svg.fill(
                            &blade((s * hip * 1.16, y + 15.0), bend, (s * inner, y + 8.0), 6.0 + 2.5 * t),
                            self.mark,
                        );
                    }
                }
            }
            Pattern::Calico => {
                svg.fill(&blob((-hip * 0.82, -n * 0.34), hip * 0.42, n * 0.30, 0.15, &mut rng), self.mark);
                svg.fill(&blob((hip * 0.86, -n * 0.30), hip * 0.36, n * 0.26, 0.16, &mut rng), self.third);
                svg.fill(&blob((hip * 0.62, -n * 0.82), hip * 0.32, n * 0.2, 0.16, &mut rng), self.mark);
                svg.fill(&blob((-hip * 0.66, -n * 0.86), hip * 0.2, n * 0.16, 0.16, &mut rng), self.third);
            }
            Pattern::Tortoiseshell => {
                for (x, y, r) in [(-0.8, -0.3, 0.3), (0.75, -0.55, 0.34), (0.4, -0.85, 0.22), (-0.45, -0.75, 0.2)] {
                    svg.fill(&blob((hip * x, n * y), hip * r, n * r * 0.7, 0.25, &mut rng), self.mark);
                }
                self.fleck(svg, (hip, n * 0.5), (0.0, -n * 0.5), 30, &mut rng);
            }
        }
    }

    /// The pattern of a front leg around `x`.
    pub fn mark_leg(&self, svg: &mut Svg, rig: &Rig, x: f64) {
        let (n, leg) = (rig.neck, rig.leg);
        let sock = |svg: &mut Svg, top: f64, colour: Tone, soft: bool| {
            let fade = if soft { 0.55 } else { 0.06 };
            let paint = svg.linear((0.0, top), (0.0, top * (1.0 - fade)), &[(0.0, colour.alpha(0.0)), (1.0, colour)]);
            svg.fill(&polygon(&[(x - 60.0, top), (x + 60.0, top), (x + 60.0, 20.0), (x - 60.0, 20.0)]), paint);
        };
        match self.pattern {
            Pattern::Points => sock(svg, -n * 0.5, self.mark, true),
            Pattern::Mitted => sock(svg, -n * 0.22, self.foot(), false),
            Pattern::Tuxedo => sock(svg, -n * 0.20, self.foot(), false),
            Pattern::Tabby => {
                for y in [-0.50, -0.37, -0.245] {
                    svg.fill(&blade((x - leg * 1.4, n * y), (x, n * y + 7.0), (x + leg * 1.4, n * y), 4.5), self.mark);
                }
            }
            Pattern::Tortoiseshell if x > 0.0 => sock(svg, -n * 0.2, self.mark, false),
            _ => {}
        }
        if self.bib {
            sock(svg, -n * 0.19, self.pale, false);
        }
    }

    /// The pattern of the tail: rings, or a coloured end. `spine` are points along it, from the root.
    pub fn mark_tail(&self, svg: &mut Svg, spine: &[(At, At)], half: f64) {
        let across = |i: usize, reach: f64| {
            let ((x, y), (nx, ny)) = spine[i];
            ((x + nx * reach, y + ny * reach), (x - nx * reach, y - ny * reach))
        };
        let last = spine.len() - 1;
        match self.pattern {
            Pattern::Tabby => {
                let mut i = 3;
                while i < last {
                    let (from, to) = across(i, half * 2.2);
                    let ((x, y), (nx, ny)) = spine[i];
                    svg.fill(&blade(from, (x - ny * 4.0, y + nx * 4.0), to, half * 0.45), self.mark);
                    i += 4;
                }
                svg.fill(&circle(spine[last].0, half * 1.7), self.mark);
            }
            Pattern::Tuxedo => svg.fill(&circle(spine[last].0, half * 1.5), self.pale),
            Pattern::Calico => {
                svg.fill(&circle(spine[last].0, half * 2.2), self.third);
            }
            Pattern::Tortoiseshell => {
                for i in (2..last).step_by(4) {
                    svg.fill(&circle(spine[i].0, half * 0.8), self.mark);
                }
            }
            Pattern::Solid if self.bib => svg.fill(&circle(spine[last].0, half * 1.4), self.pale),
            Pattern::Solid | Pattern::Points | Pattern::Mitted => {}
        }
    }
}
