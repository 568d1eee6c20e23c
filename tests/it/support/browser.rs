//! A real browser: Debian's Chromium, driven through its ChromeDriver, with a profile of its own.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use axum::http::Method;
use fantoccini::wd::{Capabilities, WebDriverCompatibleCommand};
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{sleep, timeout};

use super::postgres::temporary_folder;

/// Browsers at once: each takes a core while it draws.
static ROOM: Semaphore = Semaphore::const_new(2);
/// Far longer than anything takes, so that a busy machine fails no test.
const PATIENCE: Duration = Duration::from_mins(2);

/// The screen and the taste of whoever sits before it.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    pub width: u32,
    pub height: u32,
    pub dark: bool,
    /// Whether pages may run scripts.
    pub scripts: bool,
}

impl Look {
    pub const DESK: Self = Self { width: 1440, height: 1000, dark: false, scripts: true };
    pub const PHONE: Self = Self { width: 390, height: 844, ..Self::DESK };

    pub const fn dark(self) -> Self {
        Self { dark: true, ..self }
    }

    pub const fn without_scripts(self) -> Self {
        Self { scripts: false, ..self }
    }
}

/// A browser with one page. It ends with the value.
pub struct Browser {
    driver: Child,
    pub client: Client,
    site: String,
    _profile: TempDir,
    _room: SemaphorePermit<'static>,
}

impl Browser {
    /// Opens one on a site, such as `127.0.0.1:8000`.
    pub async fn open(site: &str, look: Look) -> Self {
        let room = ROOM.acquire().await.unwrap();
        let profile = temporary_folder();
        let mut driver = Command::new("chromedriver")
            .args(["--port=0", "--log-level=SEVERE"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("chromedriver: {error}; scripts/setup test installs it"));
        let told = BufReader::new(driver.stdout.take().unwrap()).lines().map_while(Result::ok);
        let port = told
            .filter_map(|line| line.rsplit_once("on port ")?.1.trim_end_matches('.').parse::<u16>().ok())
            .find(|port| *port != 0)
            .expect("it tells its port");
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities(look, profile.path()))
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .unwrap();
        Self { driver, client, site: format!("http://{site}"), _profile: profile, _room: room }
    }

    /// Goes to a path of the site.
    pub async fn go(&self, path: &str) {
        self.client.goto(&format!("{}{path}", self.site)).await.unwrap();
    }

    /// The path where it is.
    pub async fn path(&self) -> String {
        let url = self.client.current_url().await.unwrap();
        url[url::Position::BeforePath..].to_owned()
    }

    /// All that can be read.
    pub async fn text(&self) -> String {
        self.client.find(Locator::Css("body")).await.unwrap().text().await.unwrap()
    }

    /// Whether it can be read to say `words`. A page that is just being changed says nothing for a moment.
    pub async fn says(&self, words: &str) -> bool {
        match self.client.find(Locator::Css("body")).await {
            Ok(body) => body.text().await.is_ok_and(|text| text.contains(words)),
            Err(_) => false,
        }
    }

    /// Returns when the page can be read to say `words`.
    pub async fn until(&self, words: &str) {
        let waiting = async {
            while !self.says(words).await {
                sleep(Duration::from_millis(100)).await;
            }
        };
        let is_said = timeout(PATIENCE, waiting).await.is_ok();
        assert!(is_said, "it never said {words:?}: {}", self.text().await);
    }

    /// Presses the first button or link that reads so. It may return before the page that follows is there: wait for its
    /// words before going elsewhere, or it comes afterwards and takes the place of where one went.
    pub async fn press(&self, label: &str) {
        let quoted = format!("'{label}'");
        let path = format!(
            "//button[normalize-space()={quoted}] | //a[normalize-space()={quoted}] | //summary[normalize-space()={quoted}]"
        );
        let found = self.client.find(Locator::XPath(&path)).await;
        let found = match found {
            Ok(found) => found,
            Err(error) => panic!("nothing to press reads {label:?} ({error}): {}", self.text().await),
        };
        found.click().await.unwrap();
    }

    /// Writes into the field with this name.
    pub async fn fill(&self, name: &str, value: &str) {
        let field = self.client.find(Locator::Css(&format!("[name='{name}']"))).await.unwrap();
        field.clear().await.unwrap();
        field.send_keys(value).await.unwrap();
    }

    /// Chooses the one with this value of those with this name.
    pub async fn choose(&self, name: &str, value: &str) {
        let one = format!("input[name='{name}'][value='{value}']");
        self.client.find(Locator::Css(&one)).await.unwrap().click().await.unwrap();
    }

    /// What axe-core finds that keeps people out: rule, why and where, of what is serious or critical.
    pub async fn barriers(&self) -> Vec<String> {
        static AXE: OnceLock<String> = OnceLock::new();
        let axe = AXE.get_or_init(|| {
            let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/axe/node_modules/axe-core/axe.min.js");
            fs::read_to_string(&file)
                .unwrap_or_else(|error| panic!("axe-core: {error}; scripts/setup test installs it"))
        });
        self.client.execute(axe, vec![]).await.unwrap();
        let found = "const done = arguments[arguments.length - 1];
            axe.run(document, {resultTypes: ['violations']}).then(
              found => done(found.violations.filter(one => ['serious', 'critical'].includes(one.impact))
                .map(one => `${one.id}: ${one.help}: ${one.nodes.map(node => node.html + ' ' + node.failureSummary).join(' | ')}`)),
              error => done(['axe failed: ' + error]));";
        let found = self.client.execute_async(found, vec![]).await.unwrap();
        serde_json::from_value(found).unwrap()
    }

    /// What the console complained about since it was last asked, such as something that the content security policy
    /// forbids.
    pub async fn complaints(&self) -> Vec<String> {
        let log = self.client.issue_cmd(ConsoleLog).await.unwrap();
        let lines = log.as_array().unwrap().iter();
        lines.filter(|line| line["level"] == "SEVERE").map(|line| line["message"].to_string()).collect()
    }

    /// How much wider than the window the page is, in pixels.
    pub async fn overflow(&self) -> i64 {
        let wider = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
        self.client.execute(wider, vec![]).await.unwrap().as_i64().unwrap()
    }

    /// Opens another tab in front of this one, which is hidden then.
    pub async fn open_tab(&self) {
        let tab = self.client.new_window(true).await.unwrap().handle;
        self.client.switch_to_window(tab).await.unwrap();
    }

    /// From the next page of this tab on, `streams` there tells what was opened and closed to listen to events.
    pub async fn note_streams(&self) {
        let source = "window.streams = [];
            window.EventSource = class extends EventSource {
              constructor(url) { super(url); streams.push('open'); }
              close() { super.close(); streams.push('close'); }
            };";
        let note = Devtools { cmd: "Page.addScriptToEvaluateOnNewDocument", params: json!({"source": source}) };
        self.client.issue_cmd(note).await.unwrap();
    }

    /// Returns when this is true of the page.
    pub async fn until_true(&self, what: &str) {
        let script = format!("return {what}");
        let waiting = async {
            while self.client.execute(&script, vec![]).await.ok() != Some(true.into()) {
                sleep(Duration::from_millis(100)).await;
            }
        };
        assert!(timeout(PATIENCE, waiting).await.is_ok(), "it never was true that {what}: {}", self.text().await);
    }

    /// A picture of the whole page, kept as `NAME.png` in the folder that `BROWSER_SHOTS` names, if it names one.
    pub async fn shoot(&self, name: &str) {
        let Ok(folder) = std::env::var("BROWSER_SHOTS") else { return };
        let height = self.client.execute("return document.documentElement.scrollHeight", vec![]).await.unwrap();
        let (width, _) = self.client.get_window_size().await.unwrap();
        let height = u32::try_from(height.as_u64().unwrap().min(6000)).unwrap();
        _ = self.client.set_window_size(u32::try_from(width).unwrap(), height + 140).await;
        fs::create_dir_all(&folder).unwrap();
        fs::write(Path::new(&folder).join(format!("{name}.png")), self.client.screenshot().await.unwrap()).unwrap();
    }

    /// Closes it in good order.
    pub async fn close(mut self) {
        _ = self.client.clone().close().await;
        _ = self.driver.kill();
        _ = self.driver.wait();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Chromium ends when its driver does.
        _ = self.driver.kill();
        _ = self.driver.wait();
    }
}

/// ChromeDriver's own command for what the console shows.
#[derive(Debug)]
struct ConsoleLog;

impl WebDriverCompatibleCommand for ConsoleLog {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/se/log", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &url::Url) -> (Method, Option<String>) {
        (Method::POST, Some(json!({"type": "browser"}).to_string()))
    }
}

/// A command of the browser's own protocol.
#[derive(Debug)]
struct Devtools {
    cmd: &'static str,
    params: Value,
}

impl WebDriverCompatibleCommand for Devtools {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/goog/cdp/execute", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &url::Url) -> (Method, Option<String>) {
        (Method::POST, Some(json!({"cmd": self.cmd, "params": self.params}).to_string()))
    }
}

fn capabilities(look: Look, profile: &Path) -> Capabilities {
    let arguments = [
        "--headless=new".to_owned(),
        // Root has no sandbox to give; the only pages are ours.
        "--no-sandbox".to_owned(),
        "--disable-gpu".to_owned(),
        "--disable-dev-shm-usage".to_owned(),
        "--disable-background-networking".to_owned(),
        "--disable-component-update".to_owned(),
        "--disable-sync".to_owned(),
        "--no-first-run".to_owned(),
        "--hide-scrollbars".to_owned(),
        format!("--blink-settings=preferredColorScheme={}", u8::from(!look.dark)),
        format!("--user-data-dir={}", profile.display()),
        format!("--window-size={},{}", look.width, look.height),
    ];
    let mut options = json!({"args": arguments});
    if !look.scripts {
        options["prefs"] = json!({"profile.managed_default_content_settings.javascript": 2});
    }
    if look.width < 500 {
        // A window is never so narrow; a phone is.
        let metrics = json!({"width": look.width, "height": look.height, "pixelRatio": 2.0, "touch": true});
        options["mobileEmulation"] = json!({"deviceMetrics": metrics});
    }
    let mut capabilities = Capabilities::new();
    capabilities.insert("goog:chromeOptions".to_owned(), options);
    capabilities.insert("goog:loggingPrefs".to_owned(), json!({"browser": "ALL"}));
    capabilities
}
