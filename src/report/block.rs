//! Markdown from specs as blocks of words: what forms are made of that are not HTML. Raw HTML is text, links lead to
//! http(s) or within the report, pictures are files below the spec's folder.

use super::error::ReportError;
use super::text::{inlined, is_safe_link};
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use std::path::Path;

/// Words of one look.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Span {
    /// The words.
    pub text: String,
    /// Heavier.
    pub bold: bool,
    /// Slanted.
    pub italic: bool,
    /// As in a program.
    pub code: bool,
    /// Where they lead.
    pub link: Option<String>,
}

/// A paragraph, a list's entry, a table or a picture.
#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    /// Words that flow.
    Words {
        /// The words.
        spans: Vec<Span>,
        /// How far in: 1 for a list, 2 for a list in a list.
        depth: usize,
        /// Before the first line of a list's entry: `•`, `1.`
        sign: Option<String>,
        /// Whether they are a heading.
        heading: bool,
    },
    /// Rows of cells, the first the header.
    Table(Vec<Vec<Vec<Span>>>),
    /// A picture as a `data:` URL.
    Picture(String),
}

impl Span {
    /// Words without a look.
    pub fn plain(text: &str) -> Self {
        Self { text: text.to_owned(), ..Self::default() }
    }

    /// Heavier words.
    pub fn bold(text: &str) -> Self {
        Self { bold: true, ..Self::plain(text) }
    }
}

/// The words of the paragraphs of a text, on one line: for captions, claims and notes.
pub fn line(markdown: &str, folder: &Path) -> Result<Vec<Span>, ReportError> {
    let mut line = Vec::new();
    for block in blocks(markdown, folder)? {
        if let Block::Words { spans, .. } = block {
            if !line.is_empty() {
                line.push(Span::plain(" "));
            }
            line.extend(spans);
        }
    }
    Ok(line)
}

/// The text as blocks.
///
/// # Errors
/// Where a picture cannot be read or is none.
pub fn blocks(markdown: &str, folder: &Path) -> Result<Vec<Block>, ReportError> {
    let mut reader = Reader::default();
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH) {
        reader.take(event, folder)?;
    }
    reader.end_words();
    Ok(reader.blocks)
}

#[derive(Default)]
struct Reader {
    blocks: Vec<Block>,
    spans: Vec<Span>,
    look: Span,
    /// The next number of each open list; none of one with dots.
    lists: Vec<Option<u64>>,
    sign: Option<String>,
    heading: bool,
    quotes: usize,
    table: Option<Vec<Vec<Vec<Span>>>>,
    in_picture: bool,
}

impl Reader {
    fn push(&mut self, text: &str) {
        if !self.in_picture && !text.is_empty() {
            self.spans.push(Span { text: text.to_owned(), ..self.look.clone() });
        }
    }

    fn end_words(&mut self) {
        let spans = std::mem::take(&mut self.spans);
        if spans.iter().all(|span| span.text.trim().is_empty()) {
            return;
        }
        let depth = self.lists.len() + self.quotes;
        self.blocks.push(Block::Words { spans, depth, sign: self.sign.take(), heading: self.heading });
    }

    fn take(&mut self, event: Event, folder: &Path) -> Result<(), ReportError> {
        match event {
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => self.push(&text),
            Event::Code(text) => {
                self.look.code = true;
                self.push(&text);
                self.look.code = false;
            }
            Event::SoftBreak => self.push(" "),
            Event::HardBreak => self.push("\n"),
            Event::Start(tag) => return self.start(tag, folder),
            Event::End(tag) => self.end(tag),
            _ => {}
        }
        Ok(())
    }

    fn start(&mut self, tag: Tag, folder: &Path) -> Result<(), ReportError> {
        match tag {
            Tag::Strong => self.look.bold = true,
            Tag::Emphasis => self.look.italic = true,
            Tag::Link { dest_url, .. } => self.look.link = Some(dest_url.to_string()).filter(|url| is_safe_link(url)),
            Tag::Heading { .. } => {
                self.end_words();
                self.heading = true;
            }
            Tag::List(first) => {
                self.end_words();
                self.lists.push(first);
            }
            Tag::Item => {
                self.end_words();
                self.sign = Some(match self.lists.last_mut() {
                    Some(Some(number)) => {
                        *number += 1;
                        format!("{}.", *number - 1)
                    }
                    _ => "•".to_owned(),
                });
            }
            Tag::BlockQuote(_) => {
                self.end_words();
                self.quotes += 1;
            }
            Tag::CodeBlock(_) => {
                self.end_words();
                self.look.code = true;
            }
            Tag::Table(_) => {
                self.end_words();
                self.table = Some(Vec::new());
            }
            Tag::TableHead | Tag::TableRow => {
                if let Some(rows) = &mut self.table {
                    rows.push(Vec::new());
                }
            }
            Tag::Image { dest_url, .. } => {
                let url = inlined(&dest_url, folder)?;
                self.end_words();
                self.blocks.push(Block::Picture(url));
                self.in_picture = true;
            }
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Strong => self.look.bold = false,
            TagEnd::Emphasis => self.look.italic = false,
            TagEnd::Link => self.look.link = None,
            TagEnd::Paragraph | TagEnd::Item => self.end_words(),
            TagEnd::Heading(_) => {
                self.end_words();
                self.heading = false;
            }
            TagEnd::List(_) => {
                self.end_words();
                self.lists.pop();
            }
            TagEnd::BlockQuote(_) => {
                self.end_words();
                self.quotes = self.quotes.saturating_sub(1);
            }
            TagEnd::CodeBlock => {
                self.end_words();
                self.look.code = false;
            }
            TagEnd::TableCell => {
                let cell = std::mem::take(&mut self.spans);
                if let Some(row) = self.table.as_mut().and_then(|rows| rows.last_mut()) {
                    row.push(cell);
                }
            }
            TagEnd::Table => self.blocks.extend(self.table.take().map(Block::Table)),
            TagEnd::Image => self.in_picture = false,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(spans: &[Span]) -> String {
        spans.iter().map(|span| &*span.text).collect()
    }

    #[test]
    fn markdown_becomes_blocks() {
        let text = "A **b** `c` [d](https://e.org) [x](javascript:1) <b>\n\n1. one\n2. two\n   - three\n\n| h | i |\n|---|---|\n| *1* | 2 |";
        let found = blocks(text, Path::new(".")).unwrap();
        let Block::Words { spans, .. } = &found[0] else { panic!("{found:?}") };
        assert_eq!(words(spans), "A b c d x <b>");
        assert!(spans.iter().any(|span| span.bold && span.text == "b"));
        assert_eq!(spans.iter().filter_map(|span| span.link.as_deref()).collect::<Vec<_>>(), ["https://e.org"]);
        let signs: Vec<_> = found
            .iter()
            .filter_map(|block| match block {
                Block::Words { sign: Some(sign), depth, .. } => Some((&**sign, *depth)),
                _ => None,
            })
            .collect();
        assert_eq!(signs, [("1.", 1), ("2.", 1), ("•", 2)]);
        let Some(Block::Table(rows)) = found.last() else { panic!("{found:?}") };
        assert_eq!(rows.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2]);
        assert!(rows[1][0][0].italic);
    }
}
