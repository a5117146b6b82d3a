//! The page: one HTML file that asks for nothing from anywhere.

use super::error::ReportError;
use super::gather::{Body, Part};
use super::table::Table;
use super::text::to_html;
use super::told::{Holds, Verdict};
use crate::figures::{Drawing, draw, font};
use base64::Engine as _;
use minijinja::{Environment, Value, context};
use sha2::{Digest, Sha256};
use std::path::Path;

/// Values under a figure; beyond that the file's own query gives them.
const VALUES: usize = 20_000;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// The page of a report; pictures in its texts come from below the folder.
///
/// # Errors
/// Where a picture cannot be read.
pub fn page(body: &Body, folder: &Path) -> Result<String, ReportError> {
    let template = |error: minijinja::Error| ReportError::Text(format!("the page's template: {error:#}"));
    let mut environment = Environment::new();
    environment.add_template("page.html", include_str!("page.html")).map_err(template)?;
    let style = format!("{}\n{STYLE}", font::face());
    let parts: Vec<Value> =
        body.parts.iter().enumerate().map(|(i, part)| shown(i, part, folder)).collect::<Result<_, _>>()?;
    let ideas: Vec<Value> = body.ideas.iter().map(|idea| safe_text(idea, folder)).collect::<Result<_, _>>()?;
    let data: serde_json::Map<String, serde_json::Value> =
        body.figures().map(|figure| (figure.name.clone(), data(figure))).collect();
    let page = environment.get_template("page.html").map_err(template)?;
    page.render(context! {
        title => body.title,
        last_week => safe_text(&body.last_week, folder)?,
        changes => body.changes,
        parts,
        ideas,
        empty => body.empty(),
        csp => policy(&style),
        style => Value::from_safe_string(style.clone()),
        script => Value::from_safe_string(SCRIPT.to_owned()),
        data => Value::from_safe_string(json(&serde_json::Value::Object(data))),
    })
    .map_err(template)
}

/// What the page may do: its own style and script, pictures and fonts that are in it, nothing else.
fn policy(style: &str) -> String {
    let hash = |text: &str| base64::engine::general_purpose::STANDARD.encode(Sha256::digest(text));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; img-src data:; font-src data:; \
         base-uri 'none'; form-action 'none'",
        hash(style),
        hash(SCRIPT)
    )
}

fn safe_text(markdown: &str, folder: &Path) -> Result<Value, ReportError> {
    Ok(Value::from_safe_string(to_html(markdown, folder)?))
}

fn shown(place: usize, part: &Part, folder: &Path) -> Result<Value, ReportError> {
    let figure = |(n, figure): (usize, &Drawing)| -> Result<Value, ReportError> {
        let number = part.before.0 + n + 1;
        Ok(context! {
            name => figure.name,
            title => figure.title,
            svg => Value::from_safe_string(figure.svg.clone()),
            caption => safe_text(&format!("**Figure {number}.** {}", figure.caption), folder)?,
            provenance => draw::shown(&figure.provenance),
        })
    };
    let figures: Vec<Value> = part.figures.iter().enumerate().map(figure).collect::<Result<_, _>>()?;
    let table = |(n, table): (usize, &Table)| context! { number => part.before.1 + n + 1, caption => table.caption, header => table.header, rows => table.rows, notes => table.notes };
    let claim = |(verdict, line): (&Verdict, String)| -> Result<Value, ReportError> {
        let holds = match verdict.holds {
            Holds::Yes => "yes",
            Holds::No(_) => "no",
            Holds::TooFew(_) => "open",
        };
        Ok(context! { holds, text => safe_text(&line, folder)? })
    };
    let lines = part.claims.iter().filter_map(|verdict| Some((verdict, verdict.line()?)));
    let claims: Vec<Value> = lines.map(claim).collect::<Result<_, _>>()?;
    Ok(context! {
        number => place + 1,
        claims,
        title => part.title,
        text => safe_text(&part.text, folder)?,
        figures,
        tables => part.tables.iter().enumerate().map(table).collect::<Vec<_>>(),
    })
}

/// The numbers under a figure: columns and rows, or the query that gives them.
fn data(figure: &Drawing) -> serde_json::Value {
    let values = figure.data.columns.len() * figure.data.rows.len();
    if values > VALUES {
        return serde_json::json!({ "title": figure.title, "query": figure.query, "values": values });
    }
    serde_json::json!({
        "title": figure.title,
        "query": figure.query,
        "columns": figure.data.columns,
        "rows": figure.data.rows,
    })
}

/// JSON that can stand in a page: nothing in it ends the element or opens a comment.
fn json(value: &serde_json::Value) -> String {
    value
        .to_string()
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}
