//! The report as Markdown, with its figures beside it in `figures/`.

use super::error::ReportError;
use super::gather::Body;
use super::table::Table;
use crate::figures::draw;
use std::fmt::Write as _;

/// The whole text.
///
/// # Errors
/// None today: a text that cannot be formatted is no text.
pub fn markdown(body: &Body) -> Result<String, ReportError> {
    let mut out = String::new();
    write_body(&mut out, body).map_err(|error| ReportError::Text(error.to_string()))?;
    Ok(out)
}

fn write_body(out: &mut String, body: &Body) -> std::fmt::Result {
    writeln!(out, "# {}\n", plain(&body.title))?;
    let empty = body.empty();
    if !empty.is_empty() {
        writeln!(out, "**No runs match for:** {}\n", plain(&empty.join(", ")))?;
    }
    if !body.last_week.is_empty() || !body.changes.is_empty() {
        writeln!(out, "## Last week\n")?;
        if !body.last_week.is_empty() {
            writeln!(out, "{}\n", text(&body.last_week))?;
        }
        for change in &body.changes {
            writeln!(out, "- {}", plain(change))?;
        }
        if !body.changes.is_empty() {
            writeln!(out)?;
        }
    }
    writeln!(out, "## This week\n")?;
    for (i, part) in body.parts.iter().enumerate() {
        writeln!(out, "### {}. {}\n", i + 1, plain(&part.title))?;
        if !part.text.is_empty() {
            writeln!(out, "{}\n", text(&part.text))?;
        }
        let claims: Vec<String> = part.claims.iter().filter_map(super::Verdict::line).collect();
        for claim in &claims {
            writeln!(out, "- **{}**", text(claim.trim()))?;
        }
        if !claims.is_empty() {
            writeln!(out)?;
        }
        for (n, figure) in part.figures.iter().enumerate() {
            writeln!(out, "![{}](figures/{}.png)\n", plain(&figure.title), figure.name)?;
            let caption = text(figure.caption.trim());
            let space = if caption.is_empty() { "" } else { " " };
            let number = part.before.0 + n + 1;
            writeln!(out, "**Figure {number}.** {caption}{space}*{}*\n", plain(&figure.provenance))?;
        }
        for (n, table) in part.tables.iter().enumerate() {
            write!(out, "**Table {}.** ", part.before.1 + n + 1)?;
            write_table(out, table)?;
        }
    }
    if !body.ideas.is_empty() {
        writeln!(out, "## Ideas\n")?;
        for idea in &body.ideas {
            writeln!(out, "- {}", text(idea.trim()).replace('\n', "\n  "))?;
        }
    }
    Ok(())
}

fn write_table(out: &mut String, table: &Table) -> std::fmt::Result {
    writeln!(out, "{}\n", plain(&table.caption))?;
    let line =
        |cells: &[String]| format!("| {} |", cells.iter().map(|cell| plain(cell)).collect::<Vec<_>>().join(" | "));
    if !table.header.is_empty() {
        writeln!(out, "{}", line(&table.header))?;
        writeln!(out, "|{}", "---|".repeat(table.header.len()))?;
        for row in &table.rows {
            writeln!(out, "{}", line(row))?;
        }
        writeln!(out)?;
    }
    for note in &table.notes {
        writeln!(out, "{}\n", plain(note))?;
    }
    Ok(())
}

/// Text that Markdown must not read as more than text.
fn plain(text: &str) -> String {
    let shown = draw::shown(text);
    let mut out = String::with_capacity(shown.len());
    for c in shown.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '\\' | '`' | '*' | '[' | ']' | '|' | '!' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}

/// A Markdown text of the spec with raw HTML made into text; code keeps its signs.
fn text(markdown: &str) -> String {
    markdown.chars().fold(String::with_capacity(markdown.len()), |mut out, c| {
        match c {
            '<' => out.push_str("&lt;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() => out.extend(c.escape_default()),
            c => out.push(c),
        }
        out
    })
}
