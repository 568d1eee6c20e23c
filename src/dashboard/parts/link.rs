//! Addresses of pages.

use std::fmt::Write as _;

use url::form_urlencoded;
use uuid::Uuid;

/// A path with a query; what is empty is left out.
#[must_use]
pub fn href(path: &str, query: &[(&str, &str)]) -> String {
    let given: Vec<_> = query.iter().filter(|(_, value)| !value.is_empty()).collect();
    let mut address = path.to_owned();
    if !given.is_empty() {
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(given).finish();
        _ = write!(address, "?{query}");
    }
    address
}

/// One segment of a path, whatever is in it.
#[must_use]
pub fn segment(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

/// The end of an id, which is what differs between those of one moment.
#[must_use]
pub fn short(id: Uuid) -> String {
    let id = id.to_string();
    format!("…{}", &id[id.len() - 8..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_id_is_the_end_of_it() {
        assert_eq!(short(Uuid::from_u128(1)), "…00000001");
    }

    #[test]
    fn whatever_is_in_a_value_stays_a_value() {
        assert_eq!(href("/jobs", &[("state", ""), ("tag", "")]), "/jobs");
        assert_eq!(href("/jobs", &[("state", "running"), ("text", "a&b=c d")]), "/jobs?state=running&text=a%26b%3Dc+d");
        assert_eq!(segment("a/b c?"), "a%2Fb%20c%3F");
    }
}
