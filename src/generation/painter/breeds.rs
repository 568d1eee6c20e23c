//! What each breed makes of the common skeleton.

use super::rig::{EarKind, Ears, Eyes, Rig};
use crate::model::attributes::Breed;

const COMMON: Rig = Rig {
    scale: 1.0,
    neck: 148.0,
    shoulder: 62.0,
    hip: 98.0,
    belly: 0.0,
    leg: 18.5,
    stance: 26.0,
    head_w: 92.0,
    head_h: 76.0,
    cheek: 1.0,
    jaw: 0.80,
    tilt: 0.0,
    ears: Ears { kind: EarKind::Upright, width: 60.0, height: 66.0, stand: 38.0, splay: 8.0 },
    eyes: Eyes {
        apart: 39.0,
        y: -2.0,
        rx: 23.0,
        ry: 22.0,
        slant: 3.0,
        lid: (0.0, 0.0),
        squeeze: 0.0,
        pupil: (0.4, 0.8),
        gaze: (0.0, 0.0),
    },
    nose_y: 24.0,
    muzzle: 1.0,
    fur: 0.2,
    ruff: 0.0,
    tail: 14.0,
    side: 1.0,
    whiskers: 1.0,
    grooming: 0.7,
};

/// The measures of a grown cat of middle size and even temper.
#[must_use]
#[expect(clippy::too_many_lines, reason = "a table: one entry for each breed")]
pub fn breed(breed: Breed) -> Rig {
    let Rig { ears, eyes, .. } = COMMON;
    match breed {
        Breed::Tabby => Rig { fur: 0.28, ..COMMON },
        Breed::Siamese => Rig {
            head_w: 80.0,
            head_h: 79.0,
            cheek: 0.93,
            jaw: 0.58,
            shoulder: 52.0,
            hip: 80.0,
            leg: 15.5,
            neck: 160.0,
            stance: 22.0,
            tail: 9.5,
            fur: 0.0,
            muzzle: 0.92,
            nose_y: 29.0,
            ears: Ears { width: 68.0, height: 86.0, stand: 46.0, splay: 17.0, ..ears },
            eyes: Eyes { slant: 8.0, ry: 18.5, rx: 22.0, apart: 34.0, ..eyes },
            ..COMMON
        },
        Breed::Persian => Rig {
            head_w: 102.0,
            head_h: 80.0,
            cheek: 1.08,
            jaw: 0.97,
            shoulder: 80.0,
            hip: 112.0,
            leg: 21.0,
            neck: 132.0,
            stance: 29.0,
            tail: 24.0,
            fur: 1.0,
            ruff: 1.0,
            muzzle: 0.98,
            nose_y: 10.0,
            ears: Ears { width: 48.0, height: 40.0, stand: 42.0, splay: 16.0, ..ears },
            eyes: Eyes { apart: 44.0, y: 2.0, rx: 25.0, ry: 24.0, slant: 0.0, ..eyes },
            ..COMMON
        },
        Breed::MaineCoon => Rig {
            head_w: 92.0,
            head_h: 84.0,
            cheek: 1.02,
            jaw: 0.84,
            shoulder: 78.0,
            hip: 112.0,
            leg: 22.0,
            neck: 152.0,
            stance: 29.0,
            tail: 27.0,
            fur: 0.82,
            ruff: 0.9,
            muzzle: 1.18,
            nose_y: 28.0,
            ears: Ears { kind: EarKind::Lynx, width: 60.0, height: 84.0, stand: 31.0, splay: 3.0 },
            eyes: Eyes { slant: 5.0, ry: 20.0, ..eyes },
            ..COMMON
        },
        Breed::ScottishFold => Rig {
            head_w: 98.0,
            head_h: 84.0,
            cheek: 1.05,
            jaw: 0.95,
            hip: 102.0,
            shoulder: 66.0,
            neck: 138.0,
            tail: 15.0,
            fur: 0.2,
            nose_y: 22.0,
            ears: Ears { kind: EarKind::Folded, width: 52.0, height: 34.0, stand: 42.0, splay: 10.0 },
            eyes: Eyes { rx: 26.0, ry: 26.0, apart: 42.0, slant: 0.0, ..eyes },
            ..COMMON
        },
        Breed::BritishShorthair => Rig {
            head_w: 104.0,
            head_h: 82.0,
            cheek: 1.12,
            jaw: 1.03,
            shoulder: 78.0,
            hip: 112.0,
            leg: 22.5,
            stance: 30.0,
            neck: 138.0,
            tail: 17.0,
            fur: 0.08,
            muzzle: 1.08,
            ears: Ears { width: 52.0, height: 48.0, stand: 44.0, splay: 14.0, ..ears },
            eyes: Eyes { rx: 24.0, ry: 23.0, apart: 42.0, slant: 1.0, ..eyes },
            ..COMMON
        },
        Breed::Ragdoll => Rig {
            head_w: 95.0,
            head_h: 78.0,
            cheek: 1.04,
            jaw: 0.86,
            shoulder: 72.0,
            hip: 106.0,
            tail: 23.0,
            fur: 0.62,
            ruff: 0.65,
            ears: Ears { width: 58.0, height: 58.0, splay: 14.0, ..ears },
            eyes: Eyes { slant: 5.0, ..eyes },
            ..COMMON
        },
        Breed::DomesticShorthair => Rig {
            head_w: 88.0,
            jaw: 0.76,
            fur: 0.1,
            ears: Ears { kind: EarKind::Tipped, width: 60.0, height: 68.0, ..ears },
            ..COMMON
        },
    }
}
