//! Rows like those of `public.generations`: the same columns, nearly as long and as easily compressed as real ones (of 450
//! crates: 6.9 KB, by gzip 6.3 times smaller; these: 6.4 KB, 6.0 times). Seeded: everybody measures the same bytes.

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
/// What the score is made of: a name, a label, and what the share is of.
const TERMS: [(&str, &str, &str); 8] = [
    ("function_size", "Function size", "code in functions of up to 30 lines"),
    ("cognitive_complexity", "Cognitive complexity", "code in functions of cognitive complexity up to 15"),
    ("nesting", "Nesting", "code in functions nested up to 3 deep"),
    ("duplication", "Duplication", "code in functions occurs more than once"),
    ("tests", "Tests", "code is tests"),
    ("comments", "Comments", "lines are comments"),
    ("types", "Types", "functions say their types"),
    ("file_size", "File size", "code in files of up to 500 lines"),
];
/// Files that are no code, as many repositories have them.
const OTHERS: [&str; 12] = [
    ".editorconfig",
    ".github/dependabot.yml",
    ".github/workflows/ci.yml",
    ".gitignore",
    "CHANGELOG.md",
    "CODE_OF_CONDUCT.md",
    "CONTRIBUTING.md",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "SECURITY.md",
    "docs/index.md",
];
const BREEDS: [&str; 6] = ["tabby", "calico", "siamese", "persian", "bengal", "ragdoll"];
const COLORS: [&str; 6] = ["gray", "black", "white", "orange", "cream", "brown"];
const AGES: [&str; 4] = ["kitten", "young", "adult", "senior"];
const EXPRESSIONS: [&str; 4] = ["neutral", "happy", "grumpy", "smug"];

/// Rows in COPY's text format, each with its line end.
pub struct Rows {
    rng: ChaCha8Rng,
    /// Places in [`WORDS`].
    subject: [usize; 10],
    left: u64,
}

impl Rows {
    /// As many as have so many bytes together.
    pub fn of(bytes: u64) -> Self {
        Self { rng: ChaCha8Rng::seed_from_u64(4), subject: [0; 10], left: bytes }
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        *of.choose(&mut self.rng).expect("there is something to choose from")
    }

    fn number(&mut self, least: u32, most: u32) -> u32 {
        self.rng.random_range(least..=most)
    }

    /// A share with so many digits behind the point.
    fn share(&mut self, digits: i32) -> f64 {
        (self.rng.random::<f64>() * 10_f64.powi(digits)).round() / 10_f64.powi(digits)
    }

    /// Words that are one name: of those that the row's repository is about.
    fn name(&mut self, separator: &str) -> String {
        let words: Vec<&str> =
            (0..self.number(1, 3)).map(|_| WORDS[self.subject[self.number(0, 9) as usize]]).collect();
        words.join(separator)
    }

    /// `00ff..`, of so many digits.
    fn digits(&mut self, count: usize) -> String {
        (0..count).map(|_| char::from_digit(self.rng.random_range(0..16), 16).expect("a digit")).collect()
    }

    fn analysis(&mut self, extension: &str, score: f64) -> (Value, Vec<String>) {
        let folders: Vec<String> = (0..self.number(1, 4)).map(|_| self.name("_")).collect();
        let mut files: Vec<String> = (0..self.number(6, 34))
            .map(|_| {
                let folder = folders.choose(&mut self.rng).expect("there are folders").clone();
                format!("src/{folder}/{}.{extension}", self.name("_"))
            })
            .collect();
        files.sort();
        let hotspots: Vec<Value> = (0..self.number(0, 9))
            .map(|_| {
                let path = files.choose(&mut self.rng).expect("there are files").clone();
                json!({"function": {
                    "cognitive": self.number(10, 40), "cyclomatic": self.number(5, 30), "length": self.number(20, 140),
                    "line": self.number(1, 900), "name": self.name("_"), "nesting": self.number(1, 6),
                    "parameters": self.number(0, 6), "sloc": self.number(10, 90), "typed": true,
                }, "path": path})
            })
            .collect();
        let languages: Vec<Value> = LANGUAGES[..self.number(2, 5) as usize]
            .iter()
            .map(|(name, ..)| {
                json!({"blanks": self.number(1, 900), "comments": self.number(1, 900), "files": self.number(1, 40),
                    "name": name, "share": self.share(4), "sloc": self.number(1, 9000)})
            })
            .collect();
        let (mut terms, mut strengths, mut weaknesses) = (Vec::new(), Vec::new(), Vec::new());
        for (name, label, of) in TERMS {
            let share = self.share(6);
            let because = format!("{:.0} % of {of}", share * 100.0);
            if share > 0.3 { &mut strengths } else { &mut weaknesses }.push(format!("{label}: {because}."));
            terms.push(json!({"name": name, "label": label, "value": share, "weight": 0.25, "because": because,
                "contribution": (share * 2.5e6).round() / 1e6}));
        }
        let others: Vec<&str> = OTHERS.into_iter().filter(|_| self.number(0, 2) > 0).collect();
        let mut spread = || [self.share(4), self.share(4), self.share(4), self.share(4)];
        let distributions = json!({"cognitive": spread(), "cyclomatic": spread(), "file_length": spread(),
            "function_length": spread(), "nesting": spread()});
        let metrics = json!({
            "cognitive_avg": self.share(2), "cognitive_max": self.number(1, 60), "comment_ratio": self.share(4),
            "complexity_avg": self.share(2), "complexity_max": self.number(1, 40), "complexity_total": self.number(1, 900),
            "duplication_ratio": self.share(3), "function_count": self.number(1, 900), "function_length_avg": self.share(2),
            "function_length_max": self.number(9, 300), "has_tests": true, "has_type_hints": true,
            "line_length_avg": self.share(2), "line_length_max": self.number(80, 200), "lines_too_long_pct": self.share(2),
            "nesting_depth_avg": self.share(2), "nesting_depth_max": self.number(1, 6), "test_ratio": self.share(4),
        });
        let lines = self.number(100, 9999);
        let summary = format!(
            "{lines} lines in {} files. {score} of 10 points: best is tests ({} % of code is tests), most is lost by \
             function size ({} % of code in functions of up to 30 lines).",
            files.len(),
            self.number(0, 100),
            self.number(0, 100)
        );
        let advice = format!("Split {}() in {}: it makes {} decisions.", self.name("_"), files[0], self.number(9, 40));
        let analysis = json!({
            "code_quality_score": score, "confidence": self.share(2), "distributions": distributions,
            "entries": self.number(10, 400), "files_analyzed": files, "files_parsed": files.len(),
            "has_ci": self.number(0, 1) == 1, "has_documentation": self.number(0, 1) == 1,
            "has_license": self.number(0, 1) == 1, "hotspots": hotspots, "languages": languages,
            "left_out": [{"bytes": self.number(100, 99_999), "examples": others, "files": others.len(), "reason": "not_code"}],
            "metrics": metrics, "notes": [], "recommendations": [advice], "score_model": "2026-11.1", "score_terms": terms,
            "sloc": lines, "strengths": strengths, "summary": summary, "weaknesses": weaknesses,
        });
        (analysis, files)
    }

    fn row(&mut self) -> String {
        self.subject = [(); 10].map(|()| self.rng.random_range(0..WORDS.len()));
        let (language, extension, background) = self.pick(&LANGUAGES);
        let (breed, color, age) = (self.pick(&BREEDS), self.pick(&COLORS), self.pick(&AGES));
        let expression = self.pick(&EXPRESSIONS);
        let (owner, repository, score) = (self.name(""), self.name("-"), f64::from(self.number(0, 100)) / 10.0);
        let (analysis, files) = self.analysis(extension, score);
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
