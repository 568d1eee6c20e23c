//! The contact sheet: what the painter can do, at one glance.

use resvg::tiny_skia::{FilterQuality, Pixmap, PixmapPaint, Transform};

use super::background::LANGUAGES;
use super::palette::{INK, tone};
use super::render;
use super::svg::Svg;
use crate::model::attributes::{Age, Breed, CatAttributes, Color, Expression, Size};
use crate::model::failure::Result;
use crate::model::picture::Canvas;
use crate::model::seed::Seed;

const COLUMNS: usize = 8;
const CELL: (u32, u32) = (240, 137);
const LABEL: u32 = 26;
const HEADING: u32 = 46;

struct Section {
    title: &'static str,
    cells: Vec<(String, CatAttributes)>,
}

fn plain() -> CatAttributes {
    CatAttributes {
        size: Size::Medium,
        age: Age::Adult,
        breed: Breed::Tabby,
        color: Color::Orange,
        beauty_score: Some(7.0),
        expression: Expression::Neutral,
        background: String::new(),
        language: Some("Go".to_owned()),
    }
}

/// A language of each breed, so that the breeds stand before backgrounds they are seen with.
fn native(breed: Breed) -> CatAttributes {
    let language = match breed {
        Breed::Tabby => "Python",
        Breed::Siamese => "JavaScript",
        Breed::Persian => "Java",
        Breed::MaineCoon => "Rust",
        Breed::ScottishFold => "Elixir",
        Breed::BritishShorthair => "Swift",
        Breed::Ragdoll => "R",
        Breed::DomesticShorthair => "Groovy",
    };
    CatAttributes { breed, color: breed.colors()[0], language: Some(language.to_owned()), ..plain() }
}

fn sections() -> Vec<Section> {
    let mut breeds = Vec::new();
    for (i, &breed) in Breed::ALL.iter().enumerate() {
        for &color in breed.colors().iter().take(3) {
            let expression = Expression::ALL[i % 2];
            breeds.push((
                format!("{} {}", color.name(), breed.name()),
                CatAttributes { color, expression, ..native(breed) },
            ));
        }
    }
    let moods = [Breed::Tabby, Breed::Persian, Breed::ScottishFold, Breed::Siamese].iter().flat_map(|&breed| {
        Expression::ALL.iter().map(move |&expression| {
            (format!("{expression} {}", breed.name()), CatAttributes { expression, ..native(breed) })
        })
    });
    let ages = [Breed::DomesticShorthair, Breed::Siamese, Breed::MaineCoon, Breed::Ragdoll].iter().flat_map(|&breed| {
        Age::ALL.iter().map(move |&age| {
            (format!("{age} {}", breed.name()), CatAttributes { age, expression: Expression::Happy, ..native(breed) })
        })
    });
    let sizes = [Breed::BritishShorthair, Breed::Tabby, Breed::Ragdoll, Breed::Persian].iter().flat_map(|&breed| {
        Size::ALL.iter().map(move |&size| {
            (format!("{} {}", size.word().replace('_', " "), breed.name()), CatAttributes { size, ..native(breed) })
        })
    });
    let colours = Color::ALL
        .iter()
        .map(|&color| (color.name().to_owned(), CatAttributes { color, breed: Breed::DomesticShorthair, ..plain() }));
    let scores = [Some(0.5), Some(2.5), Some(5.0), Some(7.5), Some(9.5), None].iter().map(|&beauty_score| {
        let label = beauty_score.map_or("too little code".to_owned(), |score| format!("score {score}"));
        let age = Age::of_score(beauty_score);
        (
            label,
            CatAttributes {
                beauty_score,
                age,
                expression: Expression::of(beauty_score, true),
                language: None,
                ..plain()
            },
        )
    });
    let languages = LANGUAGES[..27].iter().map(|language| Some((*language).to_owned())).chain([None]).enumerate().map(
        |(i, language)| {
            let breed = Breed::of_language(language.as_deref());
            let color = breed.colors()[i % breed.colors().len()];
            let expression = Expression::ALL[i % 3];
            (
                language.clone().unwrap_or("any other".to_owned()),
                CatAttributes { breed, color, expression, language, ..plain() },
            )
        },
    );
    vec![
        Section { title: "Breeds", cells: breeds },
        Section { title: "Moods", cells: moods.collect() },
        Section { title: "Ages", cells: ages.collect() },
        Section { title: "Sizes", cells: sizes.collect() },
        Section { title: "Colours", cells: colours.collect() },
        Section { title: "Scores", cells: scores.collect() },
        Section { title: "Languages", cells: languages.collect() },
    ]
}

/// The sheet as PNG.
pub fn png() -> Result<Vec<u8>> {
    let sections = sections();
    let width = CELL.0 * COLUMNS as u32;
    let height: u32 =
        sections.iter().map(|s| HEADING + s.cells.len().div_ceil(COLUMNS) as u32 * (CELL.1 + LABEL)).sum();
    let mut sheet = render::pixmap(width, height)?;
    let mut labels = Svg::new();
    let paper = super::geometry::rounded((0.0, 0.0), f64::from(width), f64::from(height), 0.0);
    labels.fill(&paper, tone(0.97, 0.01, 90.0));
    let mut pictures: Vec<(u32, u32, Pixmap)> = Vec::new();
    let mut y = 0;
    for section in &sections {
        labels.text(section.title, (14.0, f64::from(y) + 34.0), 28.0, INK, false);
        y += HEADING;
        for (i, (label, cat)) in section.cells.iter().enumerate() {
            let (column, row) = ((i % COLUMNS) as u32, (i / COLUMNS) as u32);
            let (left, top) = (column * CELL.0, y + row * (CELL.1 + LABEL));
            labels.text(
                label,
                (f64::from(left) + f64::from(CELL.0) / 2.0, f64::from(top + CELL.1) + 17.0),
                14.0,
                INK,
                true,
            );
            let drawn = super::svg(cat, &Seed::of(section.title, label), Canvas::WIDE);
            let mut cell = render::pixmap(CELL.0 - 6, CELL.1 - 1)?;
            let scale = (CELL.0 - 6) as f32 / Canvas::WIDE.width as f32;
            resvg::render(&render::parse(&drawn)?, Transform::from_scale(scale, scale), &mut cell.as_mut());
            pictures.push((left + 3, top, cell));
        }
        y += section.cells.len().div_ceil(COLUMNS) as u32 * (CELL.1 + LABEL);
    }
    render::draw(&render::parse(&labels.finish(width, height))?, &mut sheet);
    let plain = PixmapPaint { quality: FilterQuality::Nearest, ..PixmapPaint::default() };
    for (left, top, cell) in &pictures {
        sheet.draw_pixmap(left.cast_signed(), top.cast_signed(), cell.as_ref(), &plain, Transform::identity(), None);
    }
    render::encode(&sheet)
}
