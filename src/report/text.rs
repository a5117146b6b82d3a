//! Markdown from specs as safe HTML: raw HTML is shown as text, links lead to http(s) or within the page, pictures are
//! files below the spec's folder and become part of the page.

use super::error::ReportError;
use base64::Engine as _;
use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd, html};
use std::path::{Component, Path};

/// Largest picture that is taken in, in bytes.
const PICTURE: u64 = 4 << 20;

/// The text as HTML.
///
/// # Errors
/// Where a picture cannot be read or is none.
pub fn to_html(markdown: &str, folder: &Path) -> Result<String, ReportError> {
    let mut events = Vec::new();
    // Whether the link or picture that is open has been left out: then its end is left out too.
    let mut open = Vec::new();
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH) {
        match event {
            Event::Html(raw) | Event::InlineHtml(raw) => events.push(Event::Text(raw)),
            Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
                let kept = is_safe_link(&dest_url);
                open.push(kept);
                if kept {
                    events.push(Event::Start(Tag::Link { link_type, dest_url, title, id }));
                }
            }
            Event::End(TagEnd::Link) => {
                if open.pop().unwrap_or(false) {
                    events.push(Event::End(TagEnd::Link));
                }
            }
            Event::Start(Tag::Image { link_type, dest_url, title, id }) => {
                let dest_url = CowStr::from(inlined(&dest_url, folder)?);
                events.push(Event::Start(Tag::Image { link_type, dest_url, title, id }));
            }
            // Headings of a text stand below those of the page.
            Event::Start(Tag::Heading { classes, attrs, .. }) => {
                events.push(Event::Start(Tag::Heading {
                    level: pulldown_cmark::HeadingLevel::H4,
                    id: None,
                    classes,
                    attrs,
                }));
            }
            Event::End(TagEnd::Heading(_)) => {
                events.push(Event::End(TagEnd::Heading(pulldown_cmark::HeadingLevel::H4)));
            }
            // A wide table scrolls by itself rather than widening the page.
            start @ Event::Start(Tag::Table(_)) => {
                events.extend([Event::Html(CowStr::from("<div class=\"scroll text\">")), start]);
            }
            end @ Event::End(TagEnd::Table) => events.extend([end, Event::Html(CowStr::from("</div>"))]),
            other => events.push(other),
        }
    }
    let mut out = String::new();
    html::push_html(&mut out, events.into_iter());
    Ok(out)
}

pub(super) fn is_safe_link(url: &str) -> bool {
    let lower = url.trim().to_ascii_lowercase();
    lower.starts_with("https://") || lower.starts_with("http://") || lower.starts_with('#')
}

/// A picture below the folder, as a `data:` URL.
pub(super) fn inlined(url: &str, folder: &Path) -> Result<String, ReportError> {
    let refused = |why: &str| ReportError::Text(format!("the picture `{url}` {why}"));
    let path = Path::new(url);
    if url.contains(':') || !path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) {
        return Err(refused("is not a file below the report's folder"));
    }
    let kind = match path.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase).as_deref() {
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("gif") => "image/gif",
        Some("svg") => "image/svg+xml",
        _ => return Err(refused("is neither PNG, JPEG, GIF nor SVG")),
    };
    let path = folder.join(path);
    // A link may lead out of the folder.
    let real = path.canonicalize().map_err(ReportError::file("read", &path))?;
    let inside = folder.canonicalize().map_err(ReportError::file("read", folder))?;
    if !real.starts_with(&inside) {
        return Err(refused("is a link that leads out of the report's folder"));
    }
    let size = real.metadata().map_err(ReportError::file("read", &path))?.len();
    if size > PICTURE {
        return Err(refused("is larger than 4 MiB"));
    }
    let bytes = std::fs::read(&real).map_err(ReportError::file("read", &path))?;
    Ok(format!("data:{kind};base64,{}", base64::engine::general_purpose::STANDARD.encode(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(markdown: &str) -> String {
        to_html(markdown, Path::new(".")).unwrap()
    }

    #[test]
    fn raw_html_is_text() {
        let html = shown("a <script>alert(1)</script> b\n\n<img src=x onerror=alert(1)>\n\n</script>");
        assert!(!html.contains("<script") && !html.contains("<img") && !html.contains("</script"), "{html}");
        assert!(html.contains("&lt;script&gt;"), "{html}");
    }

    #[test]
    fn tables_scroll_by_themselves() {
        let html = shown("before\n\n| a | b |\n|---|---|\n| 1 | <b>2</b> |\n\nafter");
        assert!(html.contains("<div class=\"scroll text\"><table>") && html.contains("</table>\n</div>"), "{html}");
        assert!(html.contains("&lt;b&gt;2"), "{html}");
    }

    #[test]
    fn links_lead_to_the_web_or_into_the_page() {
        for url in ["javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,x", "file:///etc/passwd", "//host/x"]
        {
            let html = shown(&format!("[here]({url}) and <{url}>"));
            assert!(!html.contains("href"), "{html}");
            assert!(html.contains("here"), "{html}");
        }
        assert!(shown("[a](https://example.org/x)").contains("href=\"https://example.org/x\""));
        assert!(shown("[a](#section-1)").contains("href=\"#section-1\""));
    }

    #[test]
    fn pictures_are_files_below_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.png"), b"not really").unwrap();
        let inside = to_html("![alt](a.png)", folder.path()).unwrap();
        assert!(inside.contains("src=\"data:image/png;base64,"), "{inside}");
        for url in ["../a.png", "/etc/passwd", "https://example.org/a.png", "a.txt"] {
            assert!(to_html(&format!("![alt]({url})"), folder.path()).is_err(), "{url}");
        }
    }
}
