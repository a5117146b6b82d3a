//! The files of the page, embedded: a request names one of them or nothing.

/// A file of the page.
pub(super) struct Asset {
    pub name: &'static str,
    pub kind: &'static str,
    pub text: &'static str,
}

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

macro_rules! asset {
    ($name:literal, $kind:expr) => {
        Asset { name: $name, kind: $kind, text: include_str!(concat!("assets/", $name)) }
    };
}

/// The page itself.
pub(super) const INDEX: Asset = asset!("index.html", "text/html; charset=utf-8");

/// What the page asks for.
const ASSETS: [Asset; 16] = [
    asset!("style.css", STYLE),
    asset!("app.js", SCRIPT),
    asset!("elements.js", SCRIPT),
    asset!("address.js", SCRIPT),
    asset!("server.js", SCRIPT),
    asset!("home.js", SCRIPT),
    asset!("sweep.js", SCRIPT),
    asset!("map.js", SCRIPT),
    asset!("curves.js", SCRIPT),
    asset!("runs.js", SCRIPT),
    asset!("run.js", SCRIPT),
    asset!("compare.js", SCRIPT),
    asset!("failures.js", SCRIPT),
    asset!("machine.js", SCRIPT),
    asset!("uPlot.iife.min.js", SCRIPT),
    asset!("uPlot.min.css", STYLE),
];

/// The file of that very name.
pub(super) fn find(name: &str) -> Option<&'static Asset> {
    const KNOWN: &[Asset] = &ASSETS;
    KNOWN.iter().find(|asset| asset.name == name)
}
