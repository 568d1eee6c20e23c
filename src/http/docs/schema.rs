//! Schemas for people: what type something is, the fields that it has, an example.

use maud::{Markup, html};
use serde_json::{Map, Value, json};

use super::{inline, text};

/// How deep examples and tables go into what is within what.
const DEEPEST: usize = 4;

/// The schemas of a document, by name.
pub(super) struct Schemas<'a>(Option<&'a Map<String, Value>>);

impl<'a> Schemas<'a> {
    /// Those of this document.
    pub fn of(document: &'a Value) -> Self {
        Self(document["components"]["schemas"].as_object())
    }

    /// What a reference names, else the schema itself.
    fn resolve<'s>(&self, schema: &'s Value) -> &'s Value
    where
        'a: 's,
    {
        let name = schema["$ref"].as_str().and_then(|place| place.rsplit('/').next());
        name.and_then(|name| self.0?.get(name)).unwrap_or(schema)
    }

    /// Its type in a few words.
    pub fn kind(&self, schema: &Value) -> Markup {
        html! { span.type { (self.words(schema, 0)) } }
    }

    fn words(&self, schema: &Value, depth: usize) -> String {
        if let Some(name) = schema["$ref"].as_str().and_then(|place| place.rsplit('/').next()) {
            let inner = self.resolve(schema);
            let is_plain = inner.get("properties").is_none() && depth < DEEPEST;
            return if is_plain { self.words(inner, depth + 1) } else { name.to_owned() };
        }
        let many = |key: &str| schema[key].as_array().filter(|several| !several.is_empty());
        if let Some(values) = many("enum") {
            return values.iter().map(ToString::to_string).collect::<Vec<_>>().join(" | ");
        }
        if let Some(several) = many("oneOf").or_else(|| many("anyOf")) {
            let words: Vec<String> = several.iter().map(|one| self.words(one, depth + 1)).collect();
            return words.join(" | ");
        }
        if let Some(several) = many("allOf") {
            return several.iter().map(|one| self.words(one, depth + 1)).collect::<Vec<_>>().join(" & ");
        }
        let types: Vec<&str> = match &schema["type"] {
            Value::String(one) => vec![one],
            Value::Array(several) => several.iter().map(text).collect(),
            _ => return "any".to_owned(),
        };
        let words: Vec<String> = types.into_iter().map(|one| self.word(one, schema, depth)).collect();
        words.join(" | ")
    }

    fn word(&self, name: &str, schema: &Value, depth: usize) -> String {
        match (name, schema["format"].as_str()) {
            ("array", _) if depth < DEEPEST => format!("list of {}", self.words(&schema["items"], depth + 1)),
            (_, Some(format)) if name != "null" => format!("{name} ({format})"),
            _ => name.to_owned(),
        }
    }

    /// Its fields.
    pub fn table(&self, schema: &Value) -> Markup {
        let fields = self.fields(schema, "", 0);
        html! {
            @if fields.is_empty() {
                p { (self.kind(schema)) }
            } @else {
                table tabindex="0" {
                    thead { tr { th scope="col" { "Field" } th scope="col" { "Type" } th scope="col" { "What" } } }
                    tbody {
                        @for field in &fields {
                            tr {
                                td { code { (field.name) } @if field.is_required { " " em { "required" } } }
                                td { span.type { (field.words) } }
                                td { (inline(&field.what)) }
                            }
                        }
                    }
                }
            }
        }
    }

    fn fields(&self, schema: &Value, within: &str, depth: usize) -> Vec<Field> {
        let schema = self.resolve(schema);
        let mut found = Vec::new();
        if depth >= DEEPEST {
            return found;
        }
        for part in ["allOf", "oneOf", "anyOf"].iter().filter_map(|key| schema[*key].as_array()).flatten() {
            found.extend(self.fields(part, within, depth + 1));
        }
        if schema.get("items").is_some() {
            found.extend(self.fields(&schema["items"], &format!("{within}[]."), depth + 1));
        }
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            let full = format!("{within}{name}");
            let is_required =
                schema["required"].as_array().is_some_and(|required| required.iter().any(|one| one == name));
            let what = field["description"].as_str().or_else(|| self.resolve(field)["description"].as_str());
            let words = self.words(field, 0);
            let (name, what) = (full.clone(), what.unwrap_or_default().replace("\n\n", " "));
            found.push(Field { name, words, what, is_required });
            let is_list = self.resolve(field).get("items").is_some();
            found.extend(self.fields(field, &if is_list { full } else { full + "." }, depth + 1));
        }
        found
    }

    /// What somebody might send.
    pub fn example(&self, schema: &Value) -> Value {
        self.example_at(schema, 0)
    }

    fn example_at(&self, schema: &Value, depth: usize) -> Value {
        let schema = self.resolve(schema);
        let given = schema.get("example").or_else(|| schema["examples"].get(0)).or_else(|| schema["enum"].get(0));
        if let Some(given) = given.or_else(|| schema.get("default")) {
            return given.clone();
        }
        if depth >= DEEPEST {
            return Value::Null;
        }
        if let Some(properties) = schema["properties"].as_object() {
            let required = schema["required"].as_array();
            let is_shown = |name: &str, field: &Value| {
                let is_required = required.is_some_and(|required| required.iter().any(|one| one == name));
                is_required
                    || self.resolve(field).get("example").is_some()
                    || self.resolve(field)["examples"].get(0).is_some()
            };
            let shown = properties.iter().filter(|(name, field)| is_shown(name, field));
            return shown.map(|(name, field)| (name.clone(), self.example_at(field, depth + 1))).collect();
        }
        let first =
            |key: &str| schema[key].as_array().and_then(|several| several.iter().find(|one| one["type"] != "null"));
        if let Some(part) = first("oneOf").or_else(|| first("anyOf")).or_else(|| first("allOf")) {
            return self.example_at(part, depth + 1);
        }
        let kind = match &schema["type"] {
            Value::Array(several) => several.first().map_or("", text),
            one => text(one),
        };
        match (kind, schema["format"].as_str()) {
            ("array", _) => json!([self.example_at(&schema["items"], depth + 1)]),
            ("string", Some("uuid")) => json!("0198c0de-0000-7000-8000-000000000000"),
            ("string", Some("date-time")) => json!("2030-01-31T12:00:00Z"),
            ("string", _) => json!("text"),
            ("integer" | "number", _) => schema.get("minimum").cloned().unwrap_or(json!(1)),
            ("boolean", _) => json!(true),
            _ => json!({}),
        }
    }
}

/// A field, as the table shows it.
struct Field {
    name: String,
    words: String,
    what: String,
    is_required: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> Value {
        json!({"components": {"schemas": {
            "Cat": {"type": "object", "required": ["name", "kittens"], "properties": {
                "name": {"type": "string", "description": "What it is called.", "example": "Tom"},
                "born_at": {"type": ["string", "null"], "format": "date-time"},
                "mood": {"$ref": "#/components/schemas/Mood"},
                "kittens": {"type": "array", "items": {"$ref": "#/components/schemas/Cat"}},
            }},
            "Mood": {"type": "string", "enum": ["calm", "hungry"]},
        }}})
    }

    #[test]
    fn fields_are_told_with_type_and_meaning_however_deep() {
        let document = document();
        let schemas = Schemas::of(&document);
        let cat = json!({"$ref": "#/components/schemas/Cat"});
        let fields = schemas.fields(&cat, "", 0);
        let told: Vec<(&str, &str)> = fields.iter().map(|one| (one.name.as_str(), one.words.as_str())).collect();
        for expected in [
            ("name", "string"),
            ("born_at", "string (date-time) | null"),
            ("mood", "\"calm\" | \"hungry\""),
            ("kittens", "list of Cat"),
            ("kittens[].name", "string"),
        ] {
            assert!(told.contains(&expected), "{expected:?}: {told:?}");
        }
        assert!(fields.iter().any(|one| one.is_required && one.what == "What it is called."));
    }

    #[test]
    fn an_example_has_what_is_required_and_ends() {
        let document = document();
        let example = Schemas::of(&document).example(&json!({"$ref": "#/components/schemas/Cat"}));
        assert_eq!((&example["name"], &example["kittens"][0]["name"]), (&json!("Tom"), &json!("Tom")));
        assert_eq!(example.get("born_at"), None);
    }
}
