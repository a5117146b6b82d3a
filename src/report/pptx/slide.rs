//! The XML of a slide: title, words, a picture, a table; and of its notes.

use super::package::{RELATION, Room};
use crate::figures::{draw, font};
use crate::report::block::Span;
use crate::report::table::within;
use std::fmt::Write as _;

/// EMU a point.
pub const POINT: f64 = 12_700.0;
const MAIN: &str = "http://schemas.openxmlformats.org/drawingml/2006/main";
const SLIDES: &str = "http://schemas.openxmlformats.org/presentationml/2006/main";
const GROUP: &str = "<p:nvGrpSpPr><p:cNvPr id=\"1\" name=\"\"/><p:cNvGrpSpPr/><p:nvPr/></p:nvGrpSpPr><p:grpSpPr><a:xfrm>\
    <a:off x=\"0\" y=\"0\"/><a:ext cx=\"0\" cy=\"0\"/><a:chOff x=\"0\" y=\"0\"/><a:chExt cx=\"0\" cy=\"0\"/></a:xfrm></p:grpSpPr>";
/// A cell's room at its left and right, in points.
const CELL: f64 = 6.0;

/// A paragraph: its words and how far in it stands, with its sign where it is a list's.
#[derive(Clone, Debug, Default)]
pub struct Words {
    pub spans: Vec<Span>,
    pub depth: usize,
    pub sign: Option<String>,
    /// Red: a claim that fails.
    pub wrong: bool,
}

impl Words {
    pub fn of(spans: Vec<Span>) -> Self {
        Self { spans, ..Self::default() }
    }
}

/// A slide that is being made.
pub struct Slide {
    title: String,
    shapes: String,
    count: usize,
}

impl Slide {
    pub fn new(title: &str) -> Self {
        Self { title: title.to_owned(), shapes: String::new(), count: 2 }
    }

    /// Words in a box.
    pub fn words(&mut self, name: &str, room: Room, size: f64, words: &[Words]) {
        self.count += 1;
        let text: String = words.iter().map(|words| paragraph(words, size)).collect();
        let _ = write!(
            self.shapes,
            "<p:sp><p:nvSpPr><p:cNvPr id=\"{}\" name=\"{name}\"/><p:cNvSpPr txBox=\"1\"/><p:nvPr/></p:nvSpPr><p:spPr>{}\
             <a:prstGeom prst=\"rect\"><a:avLst/></a:prstGeom><a:noFill/></p:spPr><p:txBody><a:bodyPr wrap=\"square\" lIns=\"0\" \
             tIns=\"0\" rIns=\"0\" bIns=\"0\"><a:normAutofit/></a:bodyPr><a:lstStyle/>{text}</p:txBody></p:sp>",
            self.count,
            placed("a", room)
        );
    }

    /// The slide's picture, with words for those who do not see it.
    pub fn picture(&mut self, room: Room, said: &str) {
        self.count += 1;
        let _ = write!(
            self.shapes,
            "<p:pic><p:nvPicPr><p:cNvPr id=\"{}\" name=\"Figure\" descr=\"{}\"/><p:cNvPicPr><a:picLocks noChangeAspect=\"1\"/>\
             </p:cNvPicPr><p:nvPr/></p:nvPicPr><p:blipFill><a:blip r:embed=\"rId3\"/><a:stretch><a:fillRect/></a:stretch></p:blipFill>\
             <p:spPr>{}<a:prstGeom prst=\"rect\"><a:avLst/></a:prstGeom></p:spPr></p:pic>",
            self.count,
            draw::escape(said),
            placed("a", room)
        );
    }

    /// A table of rows, the first the header; columns in points.
    pub fn table(&mut self, room: Room, size: f64, columns: &[f64], rows: &[&Vec<Vec<Span>>]) {
        self.count += 1;
        let mut table = String::from("<a:tbl><a:tblPr firstRow=\"1\"/><a:tblGrid>");
        for width in columns {
            let _ = write!(table, "<a:gridCol w=\"{}\"/>", (width * POINT) as i64);
        }
        table.push_str("</a:tblGrid>");
        for (n, row) in rows.iter().enumerate() {
            let _ = write!(table, "<a:tr h=\"{}\">", (row_height(row, size, columns) * POINT) as i64);
            for c in 0..columns.len() {
                let cell = row.get(c).cloned().unwrap_or_default();
                let spans = cell.into_iter().map(|span| Span { bold: span.bold || n == 0, ..span }).collect();
                let none = |side: &str| format!("<a:{side} w=\"0\"><a:noFill/></a:{side}>");
                let rule = |side: &str, width: u32, color: &str| {
                    format!(
                        "<a:{side} w=\"{width}\"><a:solidFill><a:srgbClr val=\"{color}\"/></a:solidFill></a:{side}>"
                    )
                };
                let foot = if n == 0 { rule("lnB", 12_700, "59636E") } else { rule("lnB", 6_350, "C9CFD6") };
                let margin = (CELL * POINT) as i64;
                let _ = write!(
                    table,
                    "<a:tc><a:txBody><a:bodyPr/><a:lstStyle/>{}</a:txBody><a:tcPr marL=\"{margin}\" marR=\"{margin}\" marT=\"25400\" \
                     marB=\"25400\" anchor=\"ctr\">{}{}{}{foot}<a:noFill/></a:tcPr></a:tc>",
                    paragraph(&Words::of(spans), size),
                    none("lnL"),
                    none("lnR"),
                    none("lnT"),
                );
            }
            table.push_str("</a:tr>");
        }
        let _ = write!(
            self.shapes,
            "<p:graphicFrame><p:nvGraphicFramePr><p:cNvPr id=\"{}\" name=\"Table\"/><p:cNvGraphicFramePr><a:graphicFrameLocks \
             noGrp=\"1\"/></p:cNvGraphicFramePr><p:nvPr/></p:nvGraphicFramePr>{}<a:graphic><a:graphicData \
             uri=\"http://schemas.openxmlformats.org/drawingml/2006/table\">{table}</a:tbl></a:graphicData></a:graphic></p:graphicFrame>",
            self.count,
            placed("p", room)
        );
    }

    /// The slide as a part.
    pub fn part(&self) -> String {
        // Titles keep to their room: they are long sentences in the lab's reports.
        let size = if self.title.chars().count() > 55 { " sz=\"2200\"" } else { "" };
        let title = format!(
            "<p:sp><p:nvSpPr><p:cNvPr id=\"2\" name=\"Title\"/><p:cNvSpPr><a:spLocks noGrp=\"1\"/></p:cNvSpPr><p:nvPr><p:ph \
             type=\"title\"/></p:nvPr></p:nvSpPr><p:spPr/><p:txBody><a:bodyPr/><a:lstStyle/><a:p><a:r><a:rPr lang=\"en-GB\"{size}/>\
             <a:t>{}</a:t></a:r></a:p></p:txBody></p:sp>",
            draw::escape(&self.title)
        );
        whole("sld", &format!("{title}{}", self.shapes))
    }
}

/// Notes as a part.
pub fn notes(lines: &[String]) -> String {
    let text: String = lines.iter().map(|line| paragraph(&Words::of(vec![Span::plain(line)]), 0.0)).collect();
    let text = if text.is_empty() { "<a:p/>".to_owned() } else { text };
    whole(
        "notes",
        &format!(
            "<p:sp><p:nvSpPr><p:cNvPr id=\"2\" name=\"Slide Image\"/><p:cNvSpPr><a:spLocks noGrp=\"1\" noRot=\"1\" noChangeAspect=\"1\"/>\
             </p:cNvSpPr><p:nvPr><p:ph type=\"sldImg\"/></p:nvPr></p:nvSpPr><p:spPr/></p:sp><p:sp><p:nvSpPr><p:cNvPr id=\"3\" \
             name=\"Notes\"/><p:cNvSpPr><a:spLocks noGrp=\"1\"/></p:cNvSpPr><p:nvPr><p:ph type=\"body\" idx=\"1\"/></p:nvPr></p:nvSpPr>\
             <p:spPr/><p:txBody><a:bodyPr/><a:lstStyle/>{text}</p:txBody></p:sp>"
        ),
    )
}

fn whole(kind: &str, shapes: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n<p:{kind} xmlns:a=\"{MAIN}\" xmlns:r=\"{RELATION}\" \
         xmlns:p=\"{SLIDES}\"><p:cSld><p:spTree>{GROUP}{shapes}</p:spTree></p:cSld><p:clrMapOvr><a:masterClrMapping/></p:clrMapOvr>\
         </p:{kind}>"
    )
}

fn placed(prefix: &str, [x, y, width, height]: Room) -> String {
    format!(
        "<{prefix}:xfrm><a:off x=\"{x}\" y=\"{y}\"/><a:ext cx=\"{}\" cy=\"{}\"/></{prefix}:xfrm>",
        width.max(0),
        height.max(0)
    )
}

/// Size 0 is that of the master.
fn paragraph(words: &Words, size: f64) -> String {
    let mut text = String::from("<a:p>");
    let indent = (18.0 * words.depth as f64 * POINT) as i64;
    match &words.sign {
        Some(sign) => {
            let hang = (14.0 * POINT) as i64;
            let sign = draw::escape(sign);
            let _ = write!(text, "<a:pPr marL=\"{}\" indent=\"-{hang}\">", indent + hang);
            // Numbers are told as they are written.
            if sign == "•" {
                text.push_str("<a:buFont typeface=\"Arial\"/><a:buChar char=\"•\"/></a:pPr>");
            } else {
                let _ = write!(
                    text,
                    "<a:buNone/></a:pPr><a:r><a:rPr lang=\"en-GB\" sz=\"{}\"/><a:t>{sign} </a:t></a:r>",
                    (size * 100.0) as i64
                );
            }
        }
        None if indent > 0 => {
            let _ = write!(text, "<a:pPr marL=\"{indent}\"><a:buNone/></a:pPr>");
        }
        None => {}
    }
    let has_code = words.spans.iter().any(|span| span.code);
    for span in &words.spans {
        let size = if size > 0.0 { format!(" sz=\"{}\"", (size * 100.0) as i64) } else { String::new() };
        let bold = if span.bold { " b=\"1\"" } else { "" };
        let italic = if span.italic { " i=\"1\"" } else { "" };
        let color = if words.wrong { "<a:solidFill><a:srgbClr val=\"B42B1C\"/></a:solidFill>" } else { "" };
        let face = match span.code {
            true => "<a:latin typeface=\"Courier New\"/>",
            // After code LibreOffice goes on with its typeface where none is named: the theme's own is.
            false if has_code => "<a:latin typeface=\"+mn-lt\"/>",
            false => "",
        };
        for (n, line) in span.text.split('\n').enumerate() {
            if n > 0 {
                text.push_str("<a:br/>");
            }
            if !line.is_empty() {
                let line = draw::escape(line);
                let _ = write!(
                    text,
                    "<a:r><a:rPr lang=\"en-GB\"{size}{bold}{italic}>{color}{face}</a:rPr><a:t>{line}</a:t></a:r>"
                );
            }
        }
    }
    text + "</a:p>"
}

/// The height that a row needs, in points.
pub fn row_height(row: &[Vec<Span>], size: f64, columns: &[f64]) -> f64 {
    let lines = row.iter().zip(columns).map(|(cell, width)| lines(cell, size, width - 2.0 * CELL));
    lines.fold(1.0, f64::max) * size * 1.2 + 6.0
}

/// About how many lines words take: the slide's font is not known here, and is taken to be a little wider.
pub fn lines(spans: &[Span], size: f64, room: f64) -> f64 {
    let width: f64 =
        spans.iter().map(|span| font::advance(&span.text, size) * if span.code { 1.25 } else { 1.06 }).sum();
    (width / room.max(size)).ceil().max(1.0)
}

/// Columns as wide as their cells want, together no wider than the room, in points.
pub fn columns(rows: &[Vec<Vec<Span>>], size: f64, room: f64) -> Vec<f64> {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let cell = |cell: &Vec<Span>| cell.iter().map(|span| font::advance(&span.text, size)).sum::<f64>() * 1.2;
    let widest = |c: usize| rows.iter().filter_map(|row| row.get(c)).map(cell).fold(0.0, f64::max) + 2.0 * CELL + 2.0;
    within((0..count).map(widest).collect(), room)
}
