//! Chromium, driven through chromedriver by WebDriver's JSON over plain HTTP: as much of it as the tests of the page need.

use base64::Engine as _;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Keys as WebDriver spells them.
pub const TAB: char = '\u{e004}';
pub const ENTER: char = '\u{e007}';
pub const ESCAPE: char = '\u{e00c}';
pub const SPACE: char = '\u{e00d}';
pub const END: char = '\u{e010}';
pub const HOME: char = '\u{e011}';
pub const LEFT: char = '\u{e012}';
pub const RIGHT: char = '\u{e014}';

/// Names under which Debian and others install the browser.
const BROWSERS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// Nothing of a browser but the page: no updates, no sync, no first run.
const ARGUMENTS: [&str; 11] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--force-color-profile=srgb",
    "--window-size=1280,900",
];

/// A browser with one window; closed when dropped.
pub struct Browser {
    driver: Child,
    address: String,
    session: String,
    home: TempDir,
}

impl Browser {
    /// Starts it; `None`, with a line that says so, where Chromium or chromedriver is not installed.
    pub fn open() -> Option<Self> {
        let (Some(browser), Some(driver)) = (BROWSERS.iter().find_map(|name| find(name)), find("chromedriver")) else {
            eprintln!("skipped: chromium and chromedriver (Debian: chromium-driver) are not installed");
            return None;
        };
        let home = tempfile::tempdir().unwrap();
        let mut driver = Command::new(driver)
            .arg("--port=0")
            .env("HOME", home.path())
            .env("XDG_CONFIG_HOME", home.path())
            .env("XDG_CACHE_HOME", home.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines().map_while(Result::ok);
        let started = lines.find(|line| line.contains("started successfully on port")).unwrap();
        let port: String = started.chars().filter(char::is_ascii_digit).collect();
        let profile = format!("--user-data-dir={}", home.path().join("profile").display());
        let arguments: Vec<&str> = ARGUMENTS.into_iter().chain([profile.as_str()]).collect();
        let options = json!({"browserName": "chrome", "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
            "goog:chromeOptions": {"binary": browser, "args": arguments, "perfLoggingPrefs": {"enableNetwork": true}}});
        let mut opened = Self { driver, address: format!("127.0.0.1:{port}"), session: String::new(), home };
        let session = opened.ask("POST", "/session", &json!({"capabilities": {"alwaysMatch": options}}));
        opened.session = format!("/session/{}", session["sessionId"].as_str().unwrap());
        Some(opened)
    }

    /// Opens a file. What the browser asked for before, for its own first page, is forgotten.
    pub fn visit(&self, page: &Path) {
        self.post("url", &json!({ "url": "about:blank" }));
        self.console();
        self.requests();
        let url = format!("file://{}", page.canonicalize().unwrap().display());
        self.post("url", &json!({ "url": url }));
    }

    /// Opens an address.
    pub fn go(&self, url: &str) {
        self.post("url", &json!({ "url": url }));
    }

    /// The value of an expression in the page.
    pub fn value(&self, expression: &str) -> Value {
        self.post("execute/sync", &json!({"script": format!("return {expression}"), "args": []}))
    }

    /// Presses keys, one after another.
    pub fn press(&self, keys: &[char]) {
        let strokes = keys.iter().flat_map(|key| [("keyDown", key), ("keyUp", key)]);
        let strokes: Vec<Value> = strokes.map(|(kind, key)| json!({"type": kind, "value": key.to_string()})).collect();
        self.post("actions", &json!({"actions": [{"type": "key", "id": "keyboard", "actions": strokes}]}));
    }

    /// A command of Chromium's own protocol.
    pub fn chromium(&self, command: &str, parameters: &Value) -> Value {
        self.post("goog/cdp/execute", &json!({"cmd": command, "params": parameters}))
    }

    /// The page in a window of a size, in light or dark.
    pub fn emulate(&self, width: u32, scheme: &str) {
        let size = json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false});
        self.chromium("Emulation.setDeviceMetricsOverride", &size);
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.chromium("Emulation.setEmulatedMedia", &features);
    }

    /// Every message of the console since the last time.
    pub fn console(&self) -> Vec<String> {
        let entries = self.post("se/log", &json!({"type": "browser"}));
        entries.as_array().unwrap().iter().map(|entry| entry["message"].to_string()).collect()
    }

    /// The addresses of all requests since the last time, but for those that the page's own policy stopped: the log has
    /// them, too.
    pub fn requests(&self) -> Vec<String> {
        let entries = self.post("se/log", &json!({"type": "performance"}));
        let messages = entries.as_array().unwrap().iter().filter_map(|entry| entry["message"].as_str());
        let events: Vec<Value> =
            messages.filter_map(|text| Some(serde_json::from_str::<Value>(text).ok()?["message"].take())).collect();
        let of = |method: &'static str| {
            events.iter().filter(move |event| event["method"] == method).map(|event| &event["params"])
        };
        let stopped = |id: &Value| {
            of("Network.loadingFailed").any(|failed| failed["requestId"] == *id && failed["blockedReason"] == "csp")
        };
        let sent = of("Network.requestWillBeSent").filter(|request| !stopped(&request["requestId"]));
        sent.filter_map(|request| Some(request["request"]["url"].as_str()?.to_owned())).collect()
    }

    /// The page printed, as PDF.
    pub fn print(&self) -> Vec<u8> {
        let pdf = self.post("print", &json!({"background": true}));
        base64::engine::general_purpose::STANDARD.decode(pdf.as_str().unwrap()).unwrap()
    }

    /// Where `TESSERA_LOOK` names a folder, what the window shows goes there.
    pub fn look(&self, name: &str) {
        if let Some(folder) = std::env::var_os("TESSERA_LOOK") {
            let picture = self.ask("GET", &format!("{}/screenshot", self.session), &Value::Null);
            let picture = base64::engine::general_purpose::STANDARD.decode(picture.as_str().unwrap()).unwrap();
            std::fs::write(Path::new(&folder).join(format!("{name}.png")), picture).unwrap();
        }
    }

    /// Allows downloads, into a folder.
    pub fn downloads(&self) -> PathBuf {
        let folder = self.home.path().join("downloads");
        std::fs::create_dir_all(&folder).unwrap();
        let parameters = json!({"behavior": "allow", "downloadPath": folder});
        self.chromium("Browser.setDownloadBehavior", &parameters);
        folder
    }

    fn post(&self, what: &str, body: &Value) -> Value {
        self.ask("POST", &format!("{}/{what}", self.session), body)
    }

    /// One request; the `value` of its answer.
    fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
             \r\n",
            self.address,
            body.len()
        );
        stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
        // The connection stays open: the answer is as long as its head says.
        let mut answer = BufReader::new(stream);
        let mut length = 0;
        let mut line = String::new();
        while answer.read_line(&mut line).unwrap() > 2 {
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().unwrap();
            }
            line.clear();
        }
        let mut content = vec![0; length];
        answer.read_exact(&mut content).unwrap();
        let mut content: Value = serde_json::from_slice(&content).unwrap();
        assert!(content["value"]["error"].is_null(), "{path} {body}: {content}");
        content["value"].take()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() && !std::thread::panicking() {
            self.ask("DELETE", &self.session, &Value::Null);
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// Waits until it holds, ten seconds at most.
pub fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(10), "{what} has not come");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn find(program: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join(program)).find(|path| path.is_file())
}
