//! The live page: who is let in, that it says what the commands say, that nobody can stop it; journeys in a browser.

use crate::browser::driver::{Browser, ENTER, RIGHT, wait_until};
use crate::support::stage::{Stage, finished, planned, rows, run_id, started};
use crate::support::stored::Stored;
use crate::support::{answered, tessera};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};
use tessera::agent::Sink;
use tessera::record::{Fact, Failure, Outcome, RunId};

/// A server of a results folder; ended when dropped.
struct Served {
    server: Child,
    /// Host and port.
    host: String,
    token: String,
}

/// What a server answers.
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Served {
    fn new(results: &Path) -> Self {
        let mut command = tessera();
        command.arg("--results").arg(results).args(["serve", "--port", "0"]);
        let mut server = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let (host, token) = line.trim().strip_prefix("http://").unwrap().split_once("/?token=").unwrap();
        Self { server, host: host.to_owned(), token: token.to_owned() }
    }

    fn url(&self) -> String {
        format!("http://{}/?token={}", self.host, self.token)
    }

    /// A request as it is written, without what lets it in.
    fn raw(&self, request: &str) -> Answer {
        let mut stream = TcpStream::connect(&self.host).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut text = Vec::new();
        stream.read_to_end(&mut text).unwrap();
        let text = String::from_utf8_lossy(&text).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        Answer { status: head[9..12].parse().unwrap(), head: head.to_lowercase(), body: body.to_owned() }
    }

    /// A request by a host's name, with a cookie or none.
    fn from(&self, host: &str, path: &str, cookie: Option<&str>) -> Answer {
        let cookie = cookie.map(|cookie| format!("Cookie: {cookie}\r\n")).unwrap_or_default();
        self.raw(&format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{cookie}Connection: close\r\n\r\n"))
    }

    fn cookie(&self) -> String {
        format!("tessera-{}={}", self.host.rsplit(':').next().unwrap(), self.token)
    }

    fn get(&self, path: &str) -> Answer {
        self.from(&self.host, path, Some(&self.cookie()))
    }

    fn json(&self, path: &str) -> Value {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        serde_json::from_str(&answer.body).unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// Three methods of four seeds: one whole; one with a run that diverged, one that failed and one that executes; one that
/// has only begun.
fn uneven() -> Stage {
    let mut stage = Stage::new(&["whole", "broken", "begun"], 4);
    for seed in 0..4 {
        stage.execute(&run_id("whole", seed), 30, |step| step as f64 / 7.0 + seed as f64 * 0.37);
    }
    stage.execute(&run_id("broken", 0), 30, |step| step as f64 / 11.0);
    let (diverged, failed, executes) = (run_id("broken", 1), run_id("broken", 2), run_id("broken", 3));
    stage.writer.fact(started(&diverged, 1, None)).unwrap();
    stage.writer.history(&diverged, 1, &rows(0..12, |_| 1e9)).unwrap();
    let outcome = Outcome::Diverged { step: 12, quantity: "kl".to_owned() };
    let Fact::Finished { time, run, attempt, seconds, .. } = finished(&diverged, 1) else { unreachable!() };
    let (peak_memory_mib, peak_is_bound) = (None, false);
    let end = Fact::Finished { time, run, attempt, seconds, outcome, peak_memory_mib, peak_is_bound };
    stage.writer.fact(end).unwrap();
    stage.writer.fact(started(&failed, 1, None)).unwrap();
    stage.writer.fact(failure(&failed, "ValueError: shape 17 does not fit")).unwrap();
    stage.writer.fact(started(&executes, 1, None)).unwrap();
    stage.writer.history(&executes, 1, &rows(0..5, |_| -3.0)).unwrap();
    stage.execute(&run_id("begun", 2), 30, |step| 1.0 / (step as f64 + 3.0));
    stage.writer.commit().unwrap();
    stage
}

fn failure(run: &RunId, message: &str) -> Fact {
    let (run, message) = (run.clone(), message.to_owned());
    Fact::Failed { time: 3.0, run, attempt: 1, seconds: 1.0, failure: Failure::Crash, message }
}

#[test]
fn only_who_has_the_token_is_let_in() {
    let stage = Stage::new(&["a"], 1);
    let served = Served::new(stage.results.path());
    assert_eq!(served.from(&served.host, "/", None).status, 401);
    assert_eq!(served.from(&served.host, "/api/home", None).status, 401);
    assert_eq!(served.from(&served.host, "/api/home?token=0123456789abcdef0123456789abcdef", None).status, 401);
    assert_eq!(served.from(&served.host, "/api/home", Some("tessera-1=x")).status, 401);
    let entered = served.from(&served.host, &format!("/?token={}", served.token), None);
    assert_eq!(entered.status, 303);
    assert!(entered.head.contains("location: /\r\n"), "{}", entered.head);
    let cookie = entered.head.lines().find(|line| line.starts_with("set-cookie: ")).unwrap();
    assert!(cookie.contains("httponly") && cookie.contains("samesite=strict"), "{cookie}");
    let home = served.get("/api/home");
    assert_eq!(home.status, 200);
    assert!(home.head.contains("content-security-policy: default-src 'none'; script-src 'self';"), "{}", home.head);
    assert!(home.head.contains("x-content-type-options: nosniff") && !home.head.contains("access-control"));
}

#[test]
fn other_hosts_methods_and_paths_are_refused() {
    let stage = Stage::new(&["a"], 1);
    let served = Served::new(stage.results.path());
    let cookie = served.cookie();
    for host in ["example.org", "example.org:80", "127.0.0.1.example.org", "10.1.2.3", "localhost.example", ""] {
        assert_eq!(served.from(host, "/", Some(&cookie)).status, 421, "{host}");
    }
    // `ssh -L` gives another port.
    for host in ["localhost:9", "127.0.0.1", "[::1]:7"] {
        assert_eq!(served.from(host, "/", Some(&cookie)).status, 200, "{host}");
    }
    let two = format!(
        "GET / HTTP/1.1\r\nHost: {0}\r\nHost: example.org\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n",
        served.host
    );
    assert!([400, 421].contains(&served.raw(&two).status));
    let post = format!(
        "POST /api/home HTTP/1.1\r\nHost: {}\r\nCookie: {cookie}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        served.host
    );
    assert_eq!(served.raw(&post).status, 405);
    std::fs::write(stage.results.path().join("secret"), "secret").unwrap();
    let run = run_id("a", 0);
    for path in [
        "/assets/..%2f..%2fCargo.toml",
        "/assets/../../../../etc/passwd",
        "/api/sweeps/..",
        "/api/sweeps/..%2f..%2fetc",
        "/api/sweeps/%2e%2e/runs",
        "/api/sweeps/test%2f..%2fsecret",
        "/api/sweeps/test/runs/..%2f..%2fsecret",
        "/api/sweeps/test/runs/..%2f..%2fsecret/log",
        "/api/sweeps/secret",
        "/reports/..%2fsecret",
        "/reports/secret",
        "/reports/..",
        "/api/sweeps/nothing/curves",
        "/secret",
    ] {
        let answer = served.get(path);
        assert_eq!(answer.status, 404, "{path}: {}", answer.body);
        assert!(!answer.body.contains("root:"), "{path}");
    }
    assert_eq!(served.get(&format!("/api/sweeps/test/runs/{run}/log?attempt=7")).status, 404);
    assert_eq!(served.get("/api/sweeps/test/map?where=7").status, 400);
    assert_eq!(served.get("/api/sweeps/test/map?rows=nothing").status, 400);
}

#[test]
fn means_and_intervals_are_those_of_the_table() {
    let stage = uneven();
    let served = Served::new(stage.results.path());
    let table = |format: &str| {
        let mut command = tessera();
        command.arg("--results").arg(stage.results.path());
        answered(&command.args(["table", "test", "--rows", "method", "--format", format]).output().unwrap())
    };
    let map = served.json("/api/sweeps/test/map?rows=method");
    let numbers: Vec<Value> = serde_json::from_str(&table("json")).unwrap();
    let words = table("table");
    let cells = map["cells"].as_array().unwrap();
    assert_eq!(cells.len(), 3);
    for (cell, expected) in cells.iter().zip(&numbers) {
        assert_eq!(map["rows"][cell["row"].as_u64().unwrap() as usize][0], expected["method"]);
        for key in ["mean", "low", "high", "n", "diverged", "failed", "missing", "without"] {
            // As text: to the last digit.
            assert_eq!(cell[key].to_string(), expected[key].to_string(), "{key} of {expected}");
        }
        assert!(words.contains(cell["words"].as_str().unwrap()), "{cell}\n{words}");
        assert_eq!(cell["runs"].as_array().unwrap().len(), 4);
    }
    assert_eq!(cells[1]["words"], "2.6364 (n=1), 1 of 4 diverged, 1 of 4 failed, 1 of 4 missing");
    // The curve's last point, over the runs that are that long, is the table's mean and interval where all are.
    let curves = served.json("/api/sweeps/test/curves?color=method");
    let line = &curves["panels"][0]["lines"][0];
    let last = |key: &str| line[key].as_array().unwrap().last().unwrap().to_string();
    assert_eq!([last("y"), last("low"), last("high")], ["mean", "low", "high"].map(|key| cells[0][key].to_string()));
}

#[test]
fn events_carry_what_is_new() {
    let mut stage = uneven();
    let served = Served::new(stage.results.path());
    let number = served.json("/api/sweeps/test")["state"]["number"].as_str().unwrap().to_owned();
    let run = run_id("begun", 3);
    stage.execute(&run, 10, |_| 4.5);
    stage.writer.commit().unwrap();
    let event = served.get(&format!("/api/sweeps/test/events?after={number}")).body;
    let line = event.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
    let data: Value = serde_json::from_str(line).unwrap();
    let rows = data["rows"]["rows"].as_array().unwrap();
    // The run that ended, and the one that executes, whose rows may have grown.
    let told: Vec<&Value> = rows.iter().map(|row| &row[0]).collect();
    assert!(told.contains(&&json!(run)) && told.len() <= 2, "{told:?}");
    assert_eq!(data["state"]["counts"]["finished"], 7);
}

#[test]
fn failures_stand_together_and_logs_come_in_stretches() {
    let stage = uneven();
    let failed = run_id("broken", 2);
    std::fs::create_dir_all(stage.folder("logs")).unwrap();
    std::fs::write(stage.folder("logs").join(format!("{failed}.1.log")), "first\nsecond ±\n").unwrap();
    let served = Served::new(stage.results.path());
    let groups = served.json("/api/sweeps/test/failures");
    let classes: Vec<&Value> = groups["groups"].as_array().unwrap().iter().map(|group| &group["class"]).collect();
    assert!(classes.contains(&&json!("crash")) && classes.contains(&&json!("diverged")), "{groups}");
    let log = |keys: &str| served.json(&format!("/api/sweeps/test/runs/{failed}/log{keys}"));
    assert_eq!(log("")["text"], "first\nsecond ±\n");
    assert_eq!(log("?offset=6")["text"], "second ±\n");
    assert_eq!(log("?offset=16")["text"], "");
    assert_eq!(log("")["open"], false);
}

#[test]
fn a_report_is_shown_as_a_page_of_another_origin() {
    let stored = Stored::new("toy_test");
    let folder = stored.results().join("reports").join("weekly");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("report.html"), "<p>of this week</p>").unwrap();
    let served = Served::new(stored.results());
    assert_eq!(served.json("/api/home")["reports"], json!(["weekly"]));
    let page = served.get("/reports/weekly");
    assert!(page.status == 200 && page.body == "<p>of this week</p>");
    assert!(page.head.contains("content-security-policy: sandbox allow-scripts"), "{}", page.head);
    assert!(!page.head.contains("allow-same-origin"), "{}", page.head);
}

#[test]
fn a_peak_one_step_wide_is_told_at_every_zoom() {
    let stored = Stored::long(1_000_000, 765_432);
    let served = Served::new(stored.results());
    for stretch in ["", "&from=700000&to=800000", "&from=765000&to=766000", "&from=765430&to=765440"] {
        for lines in ["mean", "runs"] {
            let path = format!("/api/sweeps/long/curves?width=300&lines={lines}{stretch}");
            let line = served.json(&path)["panels"][0]["lines"][0].take();
            let (x, y) = (line["x"].as_array().unwrap(), line["y"].as_array().unwrap());
            let peak = x.iter().position(|x| *x == json!(765_432.0)).unwrap();
            assert!(y[peak] == json!(99.0) && y.len() <= 8 * 301, "{path}: {} points", y.len());
        }
    }
}

#[test]
fn half_requests_and_readers_that_do_not_read_stop_nothing() {
    let stored = Stored::new("retina_test");
    let served = Served::new(stored.results());
    let open = |text: &str| {
        let mut stream = TcpStream::connect(&served.host).unwrap();
        stream.write_all(text.as_bytes()).unwrap();
        stream
    };
    let half: Vec<TcpStream> = (0..300).map(|_| open("GET / HTTP/1.1\r\nHos")).collect();
    let whole = format!(
        "GET /api/sweeps/retina_test/curves?lines=runs HTTP/1.1\r\nHost: {}\r\nCookie: {}\r\n\r\n",
        served.host,
        served.cookie()
    );
    let slow: Vec<TcpStream> = (0..20).map(|_| open(&whole.repeat(5))).collect();
    let begun = Instant::now();
    assert_eq!(served.json("/api/home")["sweeps"][0]["name"], "retina_test");
    assert!(begun.elapsed() < Duration::from_secs(20));
    // Half a request ends by itself.
    let mut first = &half[0];
    first.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    assert!(matches!(first.read(&mut [0; 16]), Ok(0) | Err(_)) && begun.elapsed() < Duration::from_secs(30));
    drop(slow);
}

#[test]
fn what_others_made_is_theirs_and_the_page_is_small() {
    let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/page/assets");
    let hash = |name: &str| {
        let bytes = std::fs::read(assets.join(name)).unwrap();
        Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    // Of uplot 1.6.32 as npm has it.
    assert_eq!(hash("uPlot.iife.min.js"), "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f");
    assert_eq!(hash("uPlot.min.css"), "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04");
    assert_eq!(hash("uPlot.LICENSE"), "8f989229699b4fe2f1a0432d0e9edc338a8a911e250e2d1b01ecd770a5f5b1bd");
    let sizes = std::fs::read_dir(&assets).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len());
    assert!(sizes.sum::<u64>() <= 250_000);
    for entry in std::fs::read_dir(&assets).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let own = !path.file_name().unwrap().to_string_lossy().starts_with("uPlot");
        for hole in ["innerHTML", "insertAdjacentHTML", "document.write", "eval(", "https://"] {
            assert!(!own || !text.contains(hole), "{} has {hole}", path.display());
        }
    }
}

#[test]
fn journeys_in_a_browser() {
    let Some(browser) = Browser::open() else { return };
    let stored = Stored::new("retina_test");
    let served = Served::new(stored.results());
    browser.go(&format!("http://{}/", served.host));
    assert!(browser.value("document.body.textContent").as_str().unwrap().contains("whoever started it"));
    browser.go(&served.url());
    let there = |what: &str, expression: &str| wait_until(what, || browser.value(expression) == true);
    there("the list of sweeps", "document.querySelectorAll('.card').length === 1");
    assert_eq!(browser.value("location.search"), "", "the token is gone from the address");
    browser.look("live-home");
    browser.console();

    // To the grid; its words are the table's.
    browser.value("document.querySelector('.card a').focus()");
    browser.press(&[ENTER]);
    there("the grid", "document.querySelectorAll('.map tbody td').length === 6");
    let mut command = tessera();
    command.arg("--results").arg(stored.results());
    let table = answered(&command.args(["table", "retina_test"]).output().unwrap());
    let cells = browser.value("[...document.querySelectorAll('.map tbody td')].map(cell => [...cell.childNodes].filter(node => node.nodeType === 3).map(node => node.data).join(''))");
    for cell in cells.as_array().unwrap() {
        assert!(table.contains(cell.as_str().unwrap()), "{cell}\n{table}");
    }
    assert_eq!(browser.value("document.querySelectorAll('.seeds a').length"), 18);
    browser.look("live-map");

    // To a curve; a share of the view by its address.
    browser.value("[...document.querySelectorAll('.tabs a')].find(tab => tab.textContent === 'curves').click()");
    there("curves", "document.querySelectorAll('.panel canvas').length >= 2");
    browser.look("live-curves");
    browser.value("document.querySelector('.plot').focus()");
    browser.press(&[RIGHT, RIGHT, RIGHT]);
    there("values by the keyboard", "document.querySelector('.readout').textContent.includes('(n=3)')");
    let shared = "#/sweep/retina_test?view=curves&color=method&facet=-&lines=runs&where=%7B%22method%22%3A%5B%22lagrange%22%5D%7D";
    browser.value(&format!("void (location.hash = '{shared}')"));
    there(
        "one panel",
        "document.querySelectorAll('.panel canvas').length === 1 && document.querySelectorAll('.legend li').length === 1",
    );
    browser.look("live-curves-runs");

    // Runs: sorted, filtered, to one that diverged.
    browser.value("void (location.hash = '#/sweep/retina_test?view=runs')");
    there("runs", "document.querySelectorAll('.table tbody tr:not(.space)').length === 18");
    browser.value(
        "[...document.querySelectorAll('.table thead button')].find(button => button.textContent === 'kl').click()",
    );
    there("sorted runs", "document.querySelector('th[aria-sort=ascending]')?.textContent.startsWith('kl') ?? false");
    browser.look("live-runs");
    browser.value("document.querySelector('input[type=search]').focus()");
    browser.press(&"diverged".chars().collect::<Vec<_>>());
    there("the filtered runs", "document.querySelectorAll('.table tbody tr:not(.space)').length === 1");
    browser.value("document.querySelector('.table tbody a').click()");
    there("the run", "document.querySelectorAll('.panel canvas').length >= 3");
    browser.look("live-run");

    // What is nothing is not shown as a word.
    let nothing = "/\\b(null|undefined|NaN)\\b/.test(document.body.innerText)";
    assert_eq!(browser.value(nothing), false);
    for (view, expression) in [("compare", ".whisker"), ("failures", "section h2 .dot")] {
        browser.value(&format!("void (location.hash = '#/sweep/retina_test?view={view}')"));
        there(view, &format!("document.querySelectorAll('.view {expression}').length > 0"));
        if view == "compare" {
            // Two methods, as the command compares them.
            let hash = "#/sweep/retina_test?view=compare&by=method";
            browser.value(&format!("void (location.hash = '{hash}')"));
            there("methods", "document.querySelector('.view thead th')?.textContent === 'method'");
            let mut command = tessera();
            command.arg("--results").arg(stored.results());
            let words = answered(&command.args(["compare", "retina_test", "--by", "method"]).output().unwrap());
            let shown =
                browser.value("[...document.querySelectorAll('.view tbody tr')].map(row => row.cells[3].textContent)");
            assert_eq!(shown.as_array().unwrap().len(), 4);
            for one in shown.as_array().unwrap() {
                assert!(words.contains(one.as_str().unwrap()), "{one}\n{words}");
            }
        }
        browser.look(&format!("live-{view}"));
        assert_eq!(browser.value(nothing), false, "{view}");
    }
    browser.value("void (location.hash = '#/machine')");
    there("the machine", "document.querySelector('main').textContent.includes('cores')");
    browser.look("live-machine");

    // Dark and narrow: nothing sticks out.
    for (width, scheme) in [(1280, "dark"), (400, "light")] {
        browser.emulate(width, scheme);
        for view in ["map", "curves", "runs", "compare"] {
            browser.value(&format!("void (location.hash = '#/sweep/retina_test?view={view}')"));
            there(view, "document.querySelectorAll('.view td, .view canvas').length > 0");
            browser.look(&format!("live-{view}-{scheme}-{width}"));
            assert_eq!(browser.value(nothing), false, "{view}");
            assert_eq!(browser.value("document.documentElement.scrollWidth <= innerWidth"), true, "{view} at {width}");
        }
    }
    assert_eq!(browser.console(), Vec::<String>::new());
}

#[test]
fn a_hostile_run_is_shown_as_text_and_a_growing_sweep_grows() {
    let Some(browser) = Browser::open() else { return };
    let hostile = "<img src=x onerror=\"window.taken=1\"><script>window.taken=1</script>";
    let mut stage = Stage::new(&[hostile, "other"], 2);
    stage.writer.fact(planned(&[hostile, "other"], 2)).unwrap();
    let run = run_id(hostile, 0);
    stage.execute(&run, 20, |step| step as f64);
    let failed = run_id("other", 0);
    stage.writer.fact(started(&failed, 1, None)).unwrap();
    stage.writer.fact(failure(&failed, hostile)).unwrap();
    stage.writer.commit().unwrap();
    std::fs::create_dir_all(stage.folder("logs")).unwrap();
    let log = stage.folder("logs").join(format!("{run}.1.log"));
    std::fs::write(&log, format!("{hostile}\n\u{1b}[31mred\n")).unwrap();
    let served = Served::new(stage.results.path());
    browser.go(&served.url());
    let there = |what: &str, expression: &str| wait_until(what, || browser.value(expression) == true);
    for view in ["map", "curves", "runs", "failures"] {
        browser.value(&format!("void (location.hash = '#/sweep/test?view={view}')"));
        there(view, "document.querySelector('main').textContent.includes('onerror')");
    }
    browser.value(&format!("void (location.hash = '#/sweep/test/run/{run}')"));
    there("the log", "document.querySelector('pre.log[role=log]')?.textContent.includes('red') ?? false");
    browser.look("live-hostile");
    assert_eq!(
        browser.value("window.taken === undefined && document.querySelectorAll('main img, main script').length === 0"),
        true
    );

    // The log of a run that executes is followed.
    let executes = run_id(hostile, 1);
    stage.writer.fact(started(&executes, 1, None)).unwrap();
    stage.writer.commit().unwrap();
    let log = stage.folder("logs").join(format!("{executes}.1.log"));
    std::fs::write(&log, "epoch 1\n").unwrap();
    browser.value(&format!("void (location.hash = '#/sweep/test/run/{executes}')"));
    let text = "(document.querySelector('pre.log[role=log]')?.textContent ?? '')";
    there("the beginning of the log", &format!("{text} === 'epoch 1\\n'"));
    std::fs::OpenOptions::new().append(true).open(&log).unwrap().write_all(b"epoch 2\n").unwrap();
    there("what is added to the log", &format!("{text} === 'epoch 1\\nepoch 2\\n'"));

    // A run that ends is told without a reload.
    browser.value("void (location.hash = '#/sweep/test?view=runs')");
    there("runs", "document.querySelectorAll('.table tbody tr:not(.space)').length === 4");
    stage.execute(&run_id("other", 1), 20, |step| step as f64);
    stage.writer.commit().unwrap();
    there(
        "the run that ended",
        "[...document.querySelectorAll('.table tbody tr')].filter(row => row.textContent.includes('finished')).length === 2",
    );
}
