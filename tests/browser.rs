//! The page of a report in a real browser. Where Chromium and chromedriver are not installed these say so and pass.

pub mod driver;

use crate::report::written;
use crate::support::stored::Stored;
use driver::{Browser, END, ENTER, ESCAPE, HOME, LEFT, RIGHT, SPACE, TAB, wait_until};
use serde_json::json;
use std::path::Path;

/// The table of two axes: the second of the page.
const TABLE: &str = "document.querySelectorAll('main table')[1]";

#[test]
fn the_page_works_in_a_browser() {
    let Some(browser) = Browser::open() else { return };
    let stored = Stored::new("retina_test");
    let (page, _) = written(&stored, "weekly", "");
    browser.visit(&page.html);
    browser.look("page");

    sorts_and_filters(&browser);
    opens_figures_large(&browser);
    turns_slides(&browser);
    is_reached_by_keyboard(&browser);
    fits_narrow_windows(&browser);
    follows_light_and_dark(&browser);
    prints(&browser);

    assert_eq!(browser.console(), Vec::<String>::new());
    let outside: Vec<String> = browser
        .requests()
        .into_iter()
        .filter(|url| !["file:", "data:", "blob:"].iter().any(|own| url.starts_with(own)))
        .collect();
    assert_eq!(outside, Vec::<String>::new());

    quotes_formulas(&browser, &page.html);

    // Last, since what is refused is a line in the console.
    refuses_what_is_not_its_own(&browser);
}

fn sorts_and_filters(browser: &Browser) {
    let column = |place: usize| {
        browser.value(&format!("[...{TABLE}.tBodies[0].rows].map(row => row.cells[{place}].textContent)"))
    };
    let shown = || browser.value(&format!("[...{TABLE}.tBodies[0].rows].filter(row => !row.hidden).length"));
    browser.value(&format!("{TABLE}.tHead.rows[0].cells[1].querySelector('button').focus()"));
    browser.press(&[ENTER]);
    assert_eq!(column(1), json!(["0.001", "0.001", "0.01", "0.01", "0.1", "0.1"]));
    assert_eq!(browser.value(&format!("{TABLE}.tHead.rows[0].cells[1].getAttribute('aria-sort')")), "ascending");
    browser.press(&[SPACE]);
    assert_eq!(column(1), json!(["0.1", "0.1", "0.01", "0.01", "0.001", "0.001"]));
    browser.value(&format!("{TABLE}.closest('.table').querySelector('.filter').focus()"));
    browser.press(&['t', 'w', 'o', '_', ' ', '0', '.', '0', '0', '1']);
    assert_eq!(shown(), 1);
    browser.press(&[ESCAPE]);
    wait_until("the cleared filter", || shown() == 6);
}

fn opens_figures_large(browser: &Browser) {
    let folder = browser.downloads();
    browser.value("document.querySelector('.picture').focus()");
    browser.press(&[ENTER]);
    assert_eq!(browser.value("document.getElementById('large').open"), true);
    assert_eq!(browser.value("document.querySelectorAll('#large-picture svg').length"), 1);
    assert!(browser.value("document.querySelectorAll('#large-data tbody tr').length").as_u64().unwrap() > 100);
    browser.look("large");
    browser.value("document.getElementById('download').focus()");
    browser.press(&[ENTER]);
    let file = folder.join("curve-kl-method-fr_learning_rate.csv");
    wait_until("the CSV", || file.is_file());
    let csv = std::fs::read_to_string(file).unwrap();
    assert!(
        csv.starts_with("fr_learning_rate,method,metric,step,mean,low,high\n0.1,lagrange,kl,0,"),
        "{}",
        &csv[..200]
    );
    browser.press(&[ESCAPE]);
    assert_eq!(browser.value("document.getElementById('large').open"), false);
    assert_eq!(browser.value("document.activeElement.className"), "picture", "the focus comes back");
}

/// Cells that a spreadsheet would execute leave the page as text.
fn quotes_formulas(browser: &Browser, page: &Path) {
    let formula =
        std::fs::read_to_string(page).unwrap().replace("[\"0.1\",\"lagrange\"", "[\"-0.1\",\"=cmd(\\\"x\\\")\"");
    let changed = page.with_file_name("formula.html");
    std::fs::write(&changed, formula).unwrap();
    browser.visit(&changed);
    let folder = browser.downloads();
    let file = folder.join("curve-kl-method-fr_learning_rate.csv");
    std::fs::remove_file(&file).unwrap();
    browser.value("(document.querySelector('.picture').click(), document.getElementById('download').click())");
    wait_until("the CSV", || file.is_file());
    let csv = std::fs::read_to_string(file).unwrap();
    assert!(csv.contains("\n-0.1,\"'=cmd(\"\"x\"\")\",kl,0,"), "{}", &csv[..200]);
}

fn turns_slides(browser: &Browser) {
    let visible = "[...document.querySelectorAll('.slide')].filter(slide => slide.offsetParent !== null)";
    let heading = || {
        browser.value(&format!(
            "{visible}.map(slide => (slide.querySelector('h1, h2') || slide).textContent.trim().slice(0, 24))"
        ))
    };
    browser.value("document.getElementById('slides').focus()");
    browser.press(&[ENTER]);
    assert_eq!(heading(), json!(["Firing rates <script>ale"]));
    browser.press(&[RIGHT, RIGHT]);
    assert_eq!(heading(), json!(["1 A faster constraint"]));
    browser.look("slide-text");
    browser.press(&[SPACE]);
    assert_eq!(browser.value(&format!("{visible}.length")), 1);
    browser.look("slide-figure");
    assert_eq!(browser.value(&format!("{visible}[0].scrollHeight <= innerHeight")), true, "a figure fits its slide");
    browser.press(&[END]);
    assert_eq!(heading(), json!(["Ideas"]));
    browser.press(&[RIGHT]);
    assert_eq!(heading(), json!(["Ideas"]), "the last one stays");
    browser.press(&[HOME, RIGHT, LEFT]);
    assert_eq!(heading(), json!(["Firing rates <script>ale"]));
    browser.press(&[ESCAPE]);
    assert!(browser.value(&format!("{visible}.length")).as_u64().unwrap() > 5, "the whole page again");
}

/// Tab alone comes to everything that acts, and Enter on the first link to the text.
fn is_reached_by_keyboard(browser: &Browser) {
    browser.value(
        "(document.activeElement.blur(), getSelection().removeAllRanges(), scrollTo(0, 0), window.reached = new Set(), \
        document.addEventListener('focusin', event => window.reached.add(event.target)))",
    );
    let all =
        "[...document.querySelectorAll('a, button, input, .picture')].filter(element => element.offsetParent !== null)";
    let count = browser.value(&format!("{all}.length")).as_u64().unwrap();
    for _ in 0..count + 3 {
        browser.press(&[TAB]);
    }
    let missed = browser.value(&format!(
        "{all}.filter(element => !window.reached.has(element)).map(element => element.outerHTML.slice(0, 80))"
    ));
    assert_eq!(missed, json!([]));
}

fn fits_narrow_windows(browser: &Browser) {
    browser.emulate(400, "light");
    browser.look("narrow");
    assert_eq!(browser.value("document.documentElement.scrollWidth <= innerWidth"), true, "nothing sticks out");
    let small = "[...document.querySelectorAll('main p, main td, figcaption')].filter(text => parseFloat(getComputedStyle(text).fontSize) < 12)";
    assert_eq!(browser.value(&format!("{small}.length")), 0);
    // A figure keeps its size and scrolls: letters of 11 of its pixels stay legible.
    assert!(
        browser.value("document.querySelector('.picture svg').getBoundingClientRect().width").as_f64().unwrap()
            >= 560.0
    );
    browser.emulate(1280, "light");
}

fn follows_light_and_dark(browser: &Browser) {
    let ground = || {
        browser.value("[document.body, document.querySelector('.picture svg rect')].map(element => getComputedStyle(element)[element === document.body ? 'backgroundColor' : 'fill'])")
    };
    assert_eq!(ground(), json!(["rgb(255, 255, 255)", "rgb(255, 255, 255)"]));
    browser.emulate(1280, "dark");
    browser.look("dark");
    assert_eq!(ground(), json!(["rgb(21, 25, 30)", "rgb(21, 25, 30)"]));
    browser.emulate(1280, "light");
}

fn prints(browser: &Browser) {
    let pdf = browser.print();
    assert!(pdf.starts_with(b"%PDF") && pdf.len() > 20_000, "{} bytes", pdf.len());
    if let Some(folder) = std::env::var_os("TESSERA_LOOK") {
        std::fs::write(std::path::Path::new(&folder).join("page.pdf"), &pdf).unwrap();
    }
    browser.chromium("Emulation.setEmulatedMedia", &json!({"media": "print"}));
    let shown = browser.value("[...document.querySelectorAll('.tools, .filter, dialog, .skip')].filter(element => element.offsetParent !== null).length");
    assert_eq!(shown, 0, "what acts is not printed");
    browser.chromium("Emulation.setEmulatedMedia", &json!({"media": ""}));
}

fn refuses_what_is_not_its_own(browser: &Browser) {
    browser.value(
        "(() => { const script = document.createElement('script'); script.textContent = 'window.taken = 1'; document.body.append(script); \
         const picture = document.createElement('img'); picture.src = 'https://example.org/a.png'; document.body.append(picture); })()",
    );
    assert_eq!(browser.value("window.taken === undefined"), true);
    wait_until("what the policy refused", || {
        browser.console().iter().any(|line| line.contains("Content Security Policy"))
    });
    assert!(browser.requests().iter().all(|url| !url.contains("example.org")), "it was asked for");
}
