//! Smaller pictures: each pixel is the mean of all that it stands for, so that nothing flickers or is lost.

use resvg::tiny_skia::Pixmap;

use super::render;
use crate::model::failure::Result;

const CHANNELS: usize = 4;

/// The pixels that one pixel stands for: from which on, and how much of each.
struct Share {
    first: usize,
    weights: Vec<f32>,
}

/// The picture at that width, which is smaller than its own, in the same proportions.
pub fn of(picture: &Pixmap, width: u32) -> Result<Pixmap> {
    let height = (u64::from(picture.height()) * u64::from(width) / u64::from(picture.width())).max(1) as u32;
    let (across, down) = (shares(picture.width(), width), shares(picture.height(), height));
    let narrow: Vec<Vec<f32>> =
        picture.data().chunks_exact(picture.width() as usize * CHANNELS).map(|row| narrowed(row, &across)).collect();
    let mut small = render::pixmap(width, height)?;
    for (row, share) in small.data_mut().chunks_exact_mut(width as usize * CHANNELS).zip(&down) {
        for (at, value) in row.iter_mut().enumerate() {
            let rows = narrow[share.first..].iter().zip(&share.weights);
            *value = rows.map(|(row, weight)| row[at] * weight).sum::<f32>().round() as u8;
        }
    }
    Ok(small)
}

fn narrowed(row: &[u8], across: &[Share]) -> Vec<f32> {
    let channel = |share: &Share, channel: usize| -> f32 {
        let pixels = row[share.first * CHANNELS..].chunks_exact(CHANNELS).zip(&share.weights);
        pixels.map(|(pixel, weight)| f32::from(pixel[channel]) * weight).sum()
    };
    across.iter().flat_map(|share| (0..CHANNELS).map(move |nth| channel(share, nth))).collect()
}

/// What each of `to` pixels stands for of `from`.
fn shares(from: u32, to: u32) -> Vec<Share> {
    let step = f64::from(from) / f64::from(to);
    let share = |nth: u32| {
        let (start, end) = (f64::from(nth) * step, (f64::from(nth + 1) * step).min(f64::from(from)));
        let (first, last) = (start.floor() as u32, (end.ceil() as u32).min(from));
        let covered = |pixel: u32| (end.min(f64::from(pixel + 1)) - start.max(f64::from(pixel))).max(0.0);
        Share { first: first as usize, weights: (first..last).map(|pixel| (covered(pixel) / step) as f32).collect() }
    };
    (0..to).map(share).collect()
}

#[cfg(test)]
mod tests {
    use resvg::tiny_skia::Color;

    use super::*;

    #[test]
    fn every_pixel_counts_as_much_as_any_other() {
        for (from, to) in [(768, 96), (768, 500), (7, 3), (1024, 1023), (2, 1)] {
            let mut counted = vec![0.0; from as usize];
            for share in shares(from, to) {
                let sum: f32 = share.weights.iter().sum();
                assert!((sum - 1.0).abs() < 1e-4, "{from} to {to}: {sum}");
                share.weights.iter().zip(&mut counted[share.first..]).for_each(|(weight, sum)| *sum += weight);
            }
            let each = to as f32 / from as f32;
            assert!(counted.iter().all(|sum| (sum - each).abs() < 1e-4), "{from} to {to}");
        }
    }

    #[test]
    fn one_colour_stays_and_proportions_do() {
        let mut picture = render::pixmap(768, 448).unwrap();
        picture.fill(Color::from_rgba8(200, 30, 90, 255));
        let small = of(&picture, 96).unwrap();
        assert_eq!((small.width(), small.height()), (96, 56));
        assert!(small.pixels().iter().all(|pixel| (pixel.red(), pixel.green(), pixel.blue()) == (200, 30, 90)));
        assert_eq!(of(&render::pixmap(1000, 2).unwrap(), 10).unwrap().height(), 1);
    }
}
