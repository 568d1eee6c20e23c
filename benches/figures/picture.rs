//! How long a picture takes.

use std::hint::black_box;
use std::time::Instant;

use repo_to_cat::generation::painter;
use repo_to_cat::model::attributes::{Age, Breed, CatAttributes, Expression, Size};
use repo_to_cat::model::picture::Canvas;
use repo_to_cat::model::seed::Seed;

use crate::Result;
use crate::table::{Row, Table, median, quantiles};

const LANGUAGES: [&str; 8] = ["Python", "JavaScript", "Java", "Rust", "Haskell", "Swift", "R", "COBOL"];
const LINES: [&str; 2] = ["ONE DOES NOT SIMPLY", "DELETE THE TESTS AND SLEEP WELL AT NIGHT"];

/// Paints and captions every colour of every breed; size, age and mood go round.
pub fn measure(table: &mut Table) -> Result<()> {
    let (mut seconds, mut painting, mut bytes) = (Vec::new(), Vec::new(), Vec::new());
    for (breed, language) in Breed::ALL.iter().zip(LANGUAGES) {
        for (index, color) in breed.colors().iter().enumerate() {
            let cat = CatAttributes {
                size: Size::ALL[index % Size::ALL.len()],
                age: Age::ALL[(index + 1) % Age::ALL.len()],
                breed: *breed,
                color: *color,
                beauty_score: Some(5.0),
                expression: Expression::ALL[index % Expression::ALL.len()],
                background: String::new(),
                language: Some(language.to_owned()),
            };
            let seed = Seed::of(breed.word(), color.word());
            let start = Instant::now();
            let original = painter::paint(&cat, &seed, Canvas::WIDE)?;
            painting.push(start.elapsed().as_secs_f64() * 1e3);
            let captioned = painter::caption(&original, LINES[0], LINES[1])?;
            seconds.push(start.elapsed().as_secs_f64() * 1e3);
            bytes.push(black_box(captioned).len() as f64 / 1e3);
        }
    }
    let (middle, high) = quantiles(&seconds);
    let details = format!(
        "768 x 448, {} pictures of all breeds and colours; painting alone {:.0} ms; {:.0} KB at the median",
        seconds.len(),
        median(&painting),
        median(&bytes)
    );
    let measured = format!("{middle:.0} ms, p95 {high:.0} ms");
    table.push(Row::new("a picture, painted and captioned", measured).goal("150 ms", middle < 150.0).details(details));
    Ok(())
}
