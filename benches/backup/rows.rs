//! Rows like those of `public.generations`: the same columns, as long as real ones, and as easily compressed (real ones,
//! of 450 crates, become 6.3 times smaller by gzip). Seeded: everybody measures the same bytes.

use rand::rngs::ChaCha8Rng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};
use uuid::Builder;

/// The table, as psql makes it.
pub const TABLE: &str = "CREATE TABLE generations (id uuid PRIMARY KEY, github_url text NOT NULL, repo_owner text, \
    repo_name text, primary_language text, repo_size_kb integer, code_quality_score numeric(3,1), cat_attributes jsonb, \
    analysis_data jsonb, image_path text, image_prompt text, created_at timestamp NOT NULL, commit_oid text, story text, \
    score_model text, degraded boolean NOT NULL, original_image_path text, image_bytes bigint, step_seconds jsonb)";

const WORDS: [&str; 60] = [
    "parse", "index", "cache", "token", "stream", "buffer", "router", "session", "handler", "client", "server",
    "config", "loader", "builder", "writer", "reader", "queue", "worker", "model", "schema", "query", "field", "value",
    "node", "tree", "graph", "path", "file", "image", "color", "shape", "event", "state", "store", "action", "view",
    "page", "form", "table", "chart", "report", "user", "group", "role", "policy", "rule", "filter", "match", "split",
    "merge", "sort", "hash", "key", "lock", "pool", "batch", "chunk", "frame", "block", "layer",
];
const LANGUAGES: [(&str, &str, &str); 5] = [
    ("Python", "py", "a sunny terrarium with friendly snakes curled around its branches"),
    ("Rust", "rs", "a workshop of turning iron gears with a small orange crab on the bench"),
    ("Go", "go", "a quiet harbour with blue gophers on the pier"),
    ("Java", "java", "a coffee house with steaming cups on every table"),
    ("TypeScript", "ts", "a bright loft with two screens and a cactus"),
];
const BREEDS: [&str; 6] = ["tabby", "calico", "siamese", "persian", "bengal", "ragdoll"];
const COLORS: [&str; 6] = ["gray", "black", "white", "orange", "cream", "brown"];
const AGES: [&str; 4] = ["kitten", "young", "adult", "senior"];
const EXPRESSIONS: [&str; 4] = ["neutral", "happy", "grumpy", "smug"];

/// Rows in COPY's text format, each with its line end.
pub struct Rows {
    rng: ChaCha8Rng,
    left: u64,
}

impl Rows {
    /// As many as have so many bytes together.
    pub fn of(bytes: u64) -> Self {
        Self { rng: ChaCha8Rng::seed_from_u64(4), left: bytes }
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        *of.choose(&mut self.rng).expect("there is something to choose from")
    }

    fn number(&mut self, least: u32, most: u32) -> u32 {
        self.rng.random_range(least..=most)
    }

    /// A share with so many digits behind the point.
    fn share(&mut self, digits: i32) -> f64 {
        let unit = 10_f64.powi(digits);
        (self.rng.random::<f64>() * unit).round() / unit
    }

    /// Words that are one name; some words are frequent, as they are in code.
    fn name(&mut self, separator: &str) -> String {
        let words: Vec<&str> = (0..self.number(1, 3))
            .map(|_| {
                let spread = self.number(1, WORDS.len() as u32);
                WORDS[self.rng.random_range(0..spread) as usize]
            })
            .collect();
        words.join(separator)
    }

    /// `00ff..`, of so many digits.
    fn digits(&mut self, count: usize) -> String {
        (0..count).map(|_| char::from_digit(self.number(0, 15), 16).expect("a digit")).collect()
    }

    fn analysis(&mut self, repository: &str, extension: &str, score: f64) -> (Value, Vec<String>) {
        let folders: Vec<String> = (0..self.number(2, 6)).map(|_| self.name("_")).collect();
        let files: Vec<String> = (0..self.number(6, 40))
            .map(|_| {
                let folder = folders.choose(&mut self.rng).expect("there are folders").clone();
                format!("{repository}/src/{folder}/{}.{extension}", self.name("_"))
            })
            .collect();
        let hotspots: Vec<Value> = (0..10)
            .map(|_| {
                let path = files.choose(&mut self.rng).expect("there are files").clone();
                json!({"function": {
                    "cognitive": self.number(10, 60), "cyclomatic": self.number(5, 40), "length": self.number(20, 200),
                    "line": self.number(1, 900), "name": self.name("_"), "nesting": self.number(1, 6),
                    "parameters": self.number(0, 9), "sloc": self.number(10, 150), "typed": self.number(0, 1) == 1,
                }, "path": path})
            })
            .collect();
        let languages: Vec<Value> = LANGUAGES[..self.number(1, 3) as usize]
            .iter()
            .map(|(name, ..)| {
                json!({"blanks": self.number(1, 9000), "comments": self.number(1, 9000), "files": self.number(1, 400),
                    "name": name, "share": self.share(4), "sloc": self.number(1, 90_000)})
            })
            .collect();
        let mut spread = || [self.share(4), self.share(4), self.share(4), self.share(4)];
        let distributions = json!({"cognitive": spread(), "cyclomatic": spread(), "file_length": spread(),
            "function_length": spread(), "nesting": spread()});
        let analysis = json!({
            "code_quality_score": score, "confidence": self.share(2), "distributions": distributions,
            "entries": self.number(10, 4000), "files_analyzed": files, "files_parsed": files.len(),
            "has_ci": self.number(0, 1) == 1, "has_documentation": self.number(0, 1) == 1,
            "has_license": self.number(0, 1) == 1, "hotspots": hotspots, "languages": languages,
            "left_out": [{"bytes": self.number(100, 999_999), "examples": files[..4], "files": self.number(4, 300),
                "reason": "generated or vendored"}],
        });
        (analysis, files)
    }

    fn row(&mut self) -> String {
        let (language, extension, background) = self.pick(&LANGUAGES);
        let (breed, color, age) = (self.pick(&BREEDS), self.pick(&COLORS), self.pick(&AGES));
        let expression = self.pick(&EXPRESSIONS);
        let (owner, repository, score) = (self.name(""), self.name("-"), f64::from(self.number(0, 100)) / 10.0);
        let (analysis, files) = self.analysis(&repository, extension, score);
        let attributes = json!({"age": age, "background": background, "beauty_score": score, "breed": breed,
            "color": color, "expression": expression, "language": language, "size": "small"});
        let prompt = format!(
            "A soft-shaded digital painting of one compact {age} {color} {breed} sitting with its tail around its paws, \
             with a short coat, a slight body that leaves much room around it and the even proportions of its age. The cat \
             looks {expression}, ears upright and is well groomed; it wears no collar. Behind it, softly out of focus: \
             {background}, a nod to the programming language {language}. Golden evening light from the left and a thin rim \
             of light on the fur; the whole cat in the frame, sharp eyes, natural anatomy, no people, no lettering."
        );
        let story = format!(
            "On the windowsill, unmoved by all of this, sits {repository}: a compact {age} {color} {breed}. In {}, {}() \
             makes {} decisions in a row, which is more than this cat makes in a year. There are no tests here, just {} \
             lines of code and a great deal of confidence.",
            files[0],
            self.name("_"),
            self.number(5, 40),
            self.number(100, 99_999),
        );
        let steps = json!({"analyse": self.share(9), "attributes": self.share(9), "caption": self.share(9),
            "fetch": self.share(9), "paint": self.share(9), "prompt": self.share(9), "store": self.share(9),
            "texts": self.share(9)});
        let id = Builder::from_random_bytes(self.rng.random()).into_uuid();
        let (picture, original, commit) = (self.digits(64), self.digits(64), self.digits(40));
        let created_at = format!(
            "2026-{:02}-{:02} {:02}:{:02}:11.{:06}",
            self.number(1, 12),
            self.number(1, 28),
            self.number(0, 23),
            self.number(0, 59),
            self.number(0, 999_999)
        );
        [
            id.to_string(),
            format!("https://github.com/{owner}/{repository}"),
            owner,
            repository,
            language.to_owned(),
            self.number(10, 99_999).to_string(),
            score.to_string(),
            attributes.to_string(),
            analysis.to_string(),
            format!("images/v1/{}/{}/{picture}.png", &picture[..2], &picture[2..4]),
            prompt,
            created_at,
            commit,
            story,
            "2026-11.1".to_owned(),
            "f".to_owned(),
            format!("images/v1/{}/{}/{original}.png", &original[..2], &original[2..4]),
            self.number(200_000, 300_000).to_string(),
            steps.to_string() + "\n",
        ]
        .join("\t")
    }
}

impl Iterator for Rows {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        (self.left > 0).then(|| {
            let row = self.row();
            self.left = self.left.saturating_sub(row.len() as u64);
            row
        })
    }
}
