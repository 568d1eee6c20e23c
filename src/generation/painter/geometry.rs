//! Curves: closed and open splines, ribbons, blades, blobs, fur along an outline.

use kurbo::{Affine, BezPath, ParamCurve, Point, Shape, Vec2};
use rand::{Rng, RngExt};

/// A point as written in a drawing.
pub type At = (f64, f64);

fn point((x, y): At) -> Point {
    Point::new(x, y)
}

/// A smooth closed curve through all points.
#[must_use]
pub fn closed(points: &[At]) -> BezPath {
    let n = points.len();
    let at = |i: usize| point(points[i % n]);
    let mut path = BezPath::new();
    path.move_to(at(0));
    for i in 0..n {
        join(&mut path, at(i + n - 1), at(i), at(i + 1), at(i + 2));
    }
    path.close_path();
    path
}

/// A smooth curve through all points, from the first to the last.
#[must_use]
pub fn open(points: &[At]) -> BezPath {
    let last = points.len() - 1;
    let mut path = BezPath::new();
    path.move_to(point(points[0]));
    for i in 0..last {
        let before = point(points[i.saturating_sub(1)]);
        join(&mut path, before, point(points[i]), point(points[i + 1]), point(points[(i + 2).min(last)]));
    }
    path
}

/// One Catmull-Rom span; its tangents are kept shorter than the span, so that uneven spacing makes no loops.
fn join(path: &mut BezPath, before: Point, from: Point, to: Point, after: Point) {
    let span = (to - from).hypot();
    let limit = |tangent: Vec2| {
        let length = tangent.hypot();
        if length > span * 0.4 { tangent * (span * 0.4 / length) } else { tangent }
    };
    path.curve_to(from + limit((to - before) / 6.0), to - limit((after - from) / 6.0), to);
}

/// Straight lines through all points, closed.
#[must_use]
pub fn polygon(points: &[At]) -> BezPath {
    let mut path = BezPath::new();
    path.move_to(point(points[0]));
    for p in &points[1..] {
        path.line_to(point(*p));
    }
    path.close_path();
    path
}

/// The right half of a symmetrical outline, from the top centre to the bottom centre, made whole.
#[must_use]
pub fn mirrored(right: &[At]) -> Vec<At> {
    let mut points = right.to_vec();
    points.extend(right[1..right.len() - 1].iter().rev().map(|(x, y)| (-x, *y)));
    points
}

/// An ellipse.
#[must_use]
pub fn ellipse(centre: At, rx: f64, ry: f64) -> BezPath {
    kurbo::Ellipse::new(point(centre), (rx, ry), 0.0).to_path(0.05)
}

/// A circle.
#[must_use]
pub fn circle(centre: At, radius: f64) -> BezPath {
    ellipse(centre, radius, radius)
}

/// A rectangle with round corners, its upper left corner at `at`.
#[must_use]
pub fn rounded(at: At, width: f64, height: f64, radius: f64) -> BezPath {
    kurbo::RoundedRect::new(at.0, at.1, at.0 + width, at.1 + height, radius).to_path(0.05)
}

/// A straight line.
#[must_use]
pub fn line(from: At, to: At) -> BezPath {
    let mut path = BezPath::new();
    path.move_to(point(from));
    path.line_to(point(to));
    path
}

/// A curve from `from` to `to`, drawn towards `bend`.
#[must_use]
pub fn arc(from: At, bend: At, to: At) -> BezPath {
    let mut path = BezPath::new();
    path.move_to(point(from));
    path.quad_to(point(bend), point(to));
    path
}

/// A brush mark: pointed at both ends and `width` thick in between, drawn towards `bend`.
#[must_use]
pub fn blade(from: At, bend: At, to: At, width: f64) -> BezPath {
    let (a, c, b) = (point(from), point(bend), point(to));
    let along = (b - a).hypot().max(0.01);
    let side = Vec2::new(-(b - a).y, (b - a).x) / along * width;
    let mut path = BezPath::new();
    path.move_to(a);
    path.quad_to(c + side, b);
    path.quad_to(c - side, a);
    path.close_path();
    path
}

/// A hair: thick where it grows, pointed at its end.
#[must_use]
pub fn hair(root: At, bend: At, tip: At, width: f64) -> BezPath {
    let (a, c, b) = (point(root), point(bend), point(tip));
    let along = (c - a).hypot().max(0.01);
    let side = Vec2::new(-(c - a).y, (c - a).x) / along * (width / 2.0);
    let mut path = BezPath::new();
    path.move_to(a + side);
    path.quad_to(c + side * 0.7, b);
    path.quad_to(c - side * 0.7, a - side);
    path.close_path();
    path
}

/// Points evenly spread on a curve, each with its outward normal (for an outline drawn clockwise).
#[must_use]
pub fn walk(path: &BezPath, step: f64) -> Vec<(Point, Vec2)> {
    let mut fine: Vec<Point> = Vec::new();
    for segment in path.segments() {
        fine.extend((0..16).map(|i| segment.eval(f64::from(i) / 16.0)));
    }
    if let Some(last) = path.segments().last() {
        fine.push(last.eval(1.0));
    }
    let lengths: Vec<f64> = fine.windows(2).map(|pair| (pair[1] - pair[0]).hypot()).collect();
    let total: f64 = lengths.iter().sum();
    let count = (total / step).round().max(4.0);
    let mut out = Vec::new();
    let (mut i, mut passed) = (0, 0.0);
    for k in 0..=(count as u32) {
        let goal = total * f64::from(k) / count;
        while i + 1 < lengths.len() && passed + lengths[i] < goal {
            passed += lengths[i];
            i += 1;
        }
        let share = if lengths[i] > 0.0 { ((goal - passed) / lengths[i]).clamp(0.0, 1.0) } else { 0.0 };
        let along = fine[i + 1] - fine[i];
        let normal = Vec2::new(along.y, -along.x) / along.hypot().max(1e-6);
        out.push((fine[i].lerp(fine[i + 1], share), normal));
    }
    out
}

/// An outline with locks of fur some `lock` wide: `length` says how long they are at a point, 0 leaves it smooth there.
/// Fur hangs, so that locks on a flank lie downwards and those on top stand up.
#[must_use]
pub fn furry(outline: &BezPath, lock: f64, rng: &mut impl Rng, length: impl Fn(Point, Vec2) -> f64) -> BezPath {
    let points = walk(outline, lock / 4.0);
    let last = points.len() - 1;
    let mut path = BezPath::new();
    path.move_to(points[0].0);
    let mut i = 0;
    while i < last {
        let wide = [2, 4, 4, 6][rng.random_range(0..4)].min(last - i);
        let ((from, _), (middle, normal), (to, _)) = (points[i], points[i + wide / 2], points[i + wide]);
        let share = wide as f64 / 4.0;
        let long = length(middle, normal) * share.sqrt() * rng.random_range(0.75..1.25);
        let along = Vec2::new(-normal.y, normal.x);
        let hang = along.y.clamp(-1.0, 1.0);
        if long < 1.2 {
            path.quad_to(middle + (middle - from.midpoint(to)), to);
        } else {
            let sweep = along * (hang * (lock * share * 0.5 + long * 0.35));
            let tip = middle + normal * (long * 0.7) + sweep;
            let back = middle + normal * (long * 0.62) - along * (hang * lock * share * 0.12);
            let (near, lead) = if hang >= 0.0 { (to, true) } else { (from, false) };
            let nook = near + normal * (long * 0.10) - along * (hang * lock * 0.06);
            path.quad_to(if lead { back } else { nook }, tip);
            path.quad_to(if lead { nook } else { back }, to);
        }
        i += wide;
    }
    path.close_path();
    path
}

/// A band along a centre line, `half` as wide at each share of its length to either side; round at its end.
#[must_use]
pub fn ribbon(centre: &BezPath, half: impl Fn(f64) -> f64) -> BezPath {
    let points = walk(centre, 6.0);
    let last = (points.len() - 1) as f64;
    let side = |sign: f64| {
        points.iter().enumerate().map(move |(i, (p, n))| (*p, *n, i as f64 / last, sign)).collect::<Vec<_>>()
    };
    let place = |(p, n, t, sign): &(Point, Vec2, f64, f64)| {
        let q = *p + *n * (half(*t) * sign);
        (q.x, q.y)
    };
    let mut outline: Vec<At> = side(1.0).iter().map(place).collect();
    // A round end, in five steps from one side to the other.
    let (tip, normal) = points[points.len() - 1];
    let ahead = Vec2::new(-normal.y, normal.x);
    outline.extend([30.0_f64, 60.0, 90.0, 120.0, 150.0].map(|degrees| {
        let (sin, cos) = degrees.to_radians().sin_cos();
        let q = tip + (normal * cos + ahead * sin) * half(1.0);
        (q.x, q.y)
    }));
    outline.extend(side(-1.0).iter().rev().map(place));
    closed(&outline)
}

/// An irregular round patch.
#[must_use]
pub fn blob(centre: At, rx: f64, ry: f64, wobble: f64, rng: &mut impl Rng) -> BezPath {
    let count = 9;
    let start: f64 = rng.random_range(0.0..1.0);
    let points: Vec<At> = (0..count)
        .map(|i| {
            let angle = (f64::from(i) + start) / f64::from(count) * std::f64::consts::TAU;
            let r = 1.0 + rng.random_range(-wobble..=wobble);
            (centre.0 + angle.cos() * rx * r, centre.1 + angle.sin() * ry * r)
        })
        .collect();
    closed(&points)
}

/// Everything but the outline moved by `by`: clipped to the outline itself, a crescent of shade or light on one side.
#[must_use]
pub fn crescent(outline: &BezPath, by: At) -> BezPath {
    let mut path = rounded((-4000.0, -4000.0), 8000.0, 8000.0, 0.0);
    let moved = Affine::translate(by) * outline.clone();
    path.extend(moved);
    path
}

/// A path moved, scaled, or both.
#[must_use]
pub fn moved(path: &BezPath, by: At, scale: f64) -> BezPath {
    Affine::translate(by) * Affine::scale(scale) * path.clone()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kurbo::ParamCurveArclen;

    #[test]
    fn a_closed_curve_passes_through_its_points() {
        let points = [(0.0, -10.0), (10.0, 0.0), (0.0, 10.0), (-10.0, 0.0)];
        let path = closed(&points);
        for (segment, p) in path.segments().zip(points) {
            assert!((segment.eval(0.0) - point(p)).hypot() < 1e-9);
        }
    }

    #[test]
    fn normals_point_outwards() {
        for (p, normal) in walk(&closed(&mirrored(&[(0.0, -50.0), (50.0, 0.0), (0.0, 50.0)])), 5.0) {
            assert!(p.to_vec2().dot(normal) > 0.0);
        }
    }

    #[test]
    fn a_walk_takes_even_steps() {
        let path = closed(&mirrored(&[(0.0, -50.0), (50.0, 0.0), (0.0, 50.0)]));
        let length: f64 = path.segments().map(|s| s.arclen(0.01)).sum();
        let points = walk(&path, 5.0);
        let step = length / (points.len() - 1) as f64;
        for pair in points.windows(2) {
            assert!(((pair[1].0 - pair[0].0).hypot() - step).abs() < 0.2);
        }
    }
}
