//! A cat as a person asks for it: in JSON, with as much left out as they like.

use serde::Deserialize;

use super::attributes::{Age, Breed, CatAttributes, Color, Expression, Size};
use super::failure::{Failure, Kind, Result};
use super::habitat;

/// What a person wrote of a cat: everything may be left out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    size: Option<Size>,
    age: Option<Age>,
    breed: Option<Breed>,
    color: Option<Color>,
    // Left out is a common score; null is too little code.
    #[serde(default = "common_score")]
    beauty_score: Option<f64>,
    expression: Option<Expression>,
    background: Option<String>,
    language: Option<String>,
}

#[expect(clippy::unnecessary_wraps, reason = "the default of an optional field")]
fn common_score() -> Option<f64> {
    Some(7.0)
}

/// A cat from JSON in which any attribute may be left out: the breed then follows from the language, the colour from
/// the breed, age and mood from the score (7.0 if that is left out too; `null` is too little code), the background
/// from the language.
///
/// Fails (`Invalid`) on malformed JSON, an unknown key or value, naming those that are allowed, and on a score outside
/// 0 to 10.
pub fn from_json(json: &str) -> Result<CatAttributes> {
    let wish: Wish = serde_json::from_str(json).map_err(|cause| {
        Failure::new(Kind::Invalid, format!("the attributes {} are not those of a cat: {cause}", excerpt(json))).hint(
            "write a JSON object such as {\"breed\":\"siamese\",\"expression\":\"happy\"}; every key may be left out",
        )
    })?;
    let beauty_score = wish.beauty_score;
    if let Some(score) = beauty_score
        && !(0.0..=10.0).contains(&score)
    {
        return Err(Failure::new(Kind::Invalid, format!("the beauty_score {score} is outside 0 to 10"))
            .hint("give a number from 0 to 10, or null for too little code"));
    }
    let breed = wish.breed.unwrap_or_else(|| Breed::of_language(wish.language.as_deref()));
    Ok(CatAttributes {
        size: wish.size.unwrap_or(Size::Medium),
        age: wish.age.unwrap_or_else(|| Age::of_score(beauty_score)),
        breed,
        color: wish.color.unwrap_or(breed.colors()[0]),
        beauty_score,
        expression: wish.expression.unwrap_or_else(|| Expression::of(beauty_score, true)),
        background: wish.background.unwrap_or_else(|| habitat::background_of(wish.language.as_deref()).to_owned()),
        language: wish.language,
    })
}

/// The start of a text, for a message.
fn excerpt(text: &str) -> String {
    let mut start: String = text.chars().take(60).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if start.len() < text.len() {
        start.push_str("...");
    }
    start
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_follows_from_the_rest() {
        let cat = from_json(r#"{"language":"typescript","beauty_score":9}"#).unwrap();
        assert_eq!((cat.breed, cat.age, cat.expression), (Breed::Siamese, Age::Senior, Expression::Happy));
        assert!(cat.background.contains("coffee"));
        let cat = from_json(r#"{"breed":"siamese"}"#).unwrap();
        assert_eq!((cat.color, cat.size, cat.beauty_score), (Color::SealPoint, Size::Medium, Some(7.0)));
        assert_eq!(from_json(r#"{"beauty_score":null}"#).unwrap().beauty_score, None);
        assert_eq!(from_json("{}").unwrap().language, None);
    }

    #[test]
    fn a_whole_cat_comes_back() {
        let cat = CatAttributes { size: Size::VeryLarge, ..from_json(r#"{"language":"Rust"}"#).unwrap() };
        assert_eq!(from_json(&serde_json::to_string(&cat).unwrap()).unwrap(), cat);
    }

    #[test]
    fn unknown_keys_and_values_are_refused_with_those_allowed() {
        for (json, allowed) in [
            (r#"{"bread":"siamese"}"#, "breed"),
            (r#"{"breed":"sphynx"}"#, "maine_coon"),
            (r#"{"beauty_score":11}"#, "0 to 10"),
            (r#"{"beauty_score":"good"}"#, "f64"),
            ("[]", "struct"),
            ("", "EOF"),
        ] {
            let failure = from_json(json).unwrap_err();
            assert_eq!(failure.kind(), Kind::Invalid);
            assert!(failure.what().contains(allowed), "{json}: {failure}");
            assert!(failure.hint_text().is_some());
        }
    }
}
