//! The parts of a presentation: those of a template, or Tessera's own; slides are put into either.

use crate::report::ReportError;
use regex::Regex;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{Cursor, Read as _, Write as _};
use std::path::Path;

/// Largest template, unpacked, in bytes.
const LARGEST: u64 = 256 << 20;
const PRESENTATION: &str = "ppt/presentation.xml";
const LINKS: &str = "ppt/_rels/presentation.xml.rels";
const TYPES: &str = "[Content_Types].xml";
pub const RELATION: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const RELATIONS: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n\
    <Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">";

/// Left, top, width, height in EMU, of which 12,700 are a point.
pub type Room = [i64; 4];

/// The parts by name.
pub struct Package {
    parts: BTreeMap<String, Vec<u8>>,
    /// The layout that slides have.
    layout: String,
    notes: String,
    /// Width and height of a slide.
    pub size: (i64, i64),
    /// Where titles stand.
    pub title: Room,
}

/// A slide, ready: its XML, its picture, its notes' XML.
pub struct Sheet {
    pub slide: String,
    pub picture: Option<Vec<u8>>,
    pub notes: String,
}

/// `<Relationship …/>` elements as a part.
fn relations(entries: &[(&str, &str, String)]) -> Vec<u8> {
    let mut text = RELATIONS.to_owned();
    for (id, kind, target) in entries {
        let _ = write!(text, "<Relationship Id=\"{id}\" Type=\"{RELATION}/{kind}\" Target=\"{target}\"/>");
    }
    (text + "</Relationships>").into_bytes()
}

fn wrong(path: &Path, what: &str) -> ReportError {
    ReportError::Text(format!("the template {} {what}; save it as .pptx or .potx", path.display()))
}

fn pattern(text: &str) -> Result<Regex, ReportError> {
    Regex::new(text).map_err(|error| ReportError::Text(error.to_string()))
}

impl Package {
    /// Tessera's own parts.
    pub fn own() -> Result<Self, ReportError> {
        let own: [(&str, &str); 8] = [
            (TYPES, include_str!("own/types.xml")),
            ("_rels/.rels", include_str!("own/top.rels")),
            (PRESENTATION, include_str!("own/presentation.xml")),
            (LINKS, include_str!("own/presentation.rels")),
            ("ppt/slideMasters/slideMaster1.xml", include_str!("own/master.xml")),
            ("ppt/slideMasters/_rels/slideMaster1.xml.rels", include_str!("own/master.rels")),
            ("ppt/slideLayouts/slideLayout1.xml", include_str!("own/layout.xml")),
            ("ppt/theme/theme1.xml", include_str!("own/theme.xml")),
        ];
        let mut parts: BTreeMap<String, Vec<u8>> =
            own.into_iter().map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec())).collect();
        let master = [("rId1", "slideMaster", "../slideMasters/slideMaster1.xml".to_owned())];
        parts.insert("ppt/slideLayouts/_rels/slideLayout1.xml.rels".to_owned(), relations(&master));
        Self::of(parts, Path::new("of Tessera"))
    }

    /// The parts of a template, without its slides and what these alone need.
    ///
    /// # Errors
    /// Where the file cannot be read or is no presentation.
    pub fn template(path: &Path) -> Result<Self, ReportError> {
        let unreadable = |cause| ReportError::Template { path: path.to_owned(), cause };
        let bytes = std::fs::read(path).map_err(unreadable)?;
        let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|_| wrong(path, "is no presentation"))?;
        let (mut parts, mut left) = (BTreeMap::new(), LARGEST);
        for place in 0..archive.len() {
            let file = archive.by_index(place).map_err(|error| wrong(path, &format!("cannot be read ({error})")))?;
            let name = file.name().to_owned();
            if file.is_dir() {
                continue;
            }
            let mut data = Vec::new();
            let read = file.take(left + 1).read_to_end(&mut data);
            let count = read.map_err(|error| wrong(path, &format!("cannot be read ({error})")))? as u64;
            left = left.checked_sub(count).ok_or_else(|| wrong(path, "is larger than 256 MiB"))?;
            parts.insert(name, data);
        }
        Self::of(parts, path)
    }

    fn of(parts: BTreeMap<String, Vec<u8>>, path: &Path) -> Result<Self, ReportError> {
        let mut package = Self { parts, layout: String::new(), notes: String::new(), size: (0, 0), title: [0; 4] };
        let presentation = package.text(PRESENTATION, path)?;
        let links = package.text(LINKS, path)?;
        package.text(TYPES, path)?;
        // The template's own slides, its sections and its shows, which name them.
        let slides = pattern(r#"<Relationship [^>]*Type="[^"]*/relationships/slide"[^>]*/>"#)?;
        package.put(LINKS, slides.replace_all(&links, ""));
        let named = pattern(
            r#"(?s)<p:sldIdLst>.*?</p:sldIdLst>|<p:sldIdLst ?/>|<p:custShowLst>.*?</p:custShowLst>|<p:ext uri="\{521415D9-36F7-43E2-AB2F-B90AF26B5E84\}">.*?</p:ext>"#,
        )?;
        package.put(PRESENTATION, named.replace_all(&presentation, ""));
        let side = |name: &str| pattern(&format!(r#"<p:sldSz [^>]*\b{name}="(\d+)""#));
        let number = |found: Option<regex::Captures>| found.and_then(|found| found.get(1)?.as_str().parse().ok());
        let (width, height) = (side("cx")?, side("cy")?);
        package.size = number(width.captures(&presentation))
            .zip(number(height.captures(&presentation)))
            .ok_or_else(|| wrong(path, "does not say how large a slide is"))?;
        package.keep_reachable()?;
        package.choose_layout(path)?;
        package.add_notes_master(path)?;
        Ok(package)
    }

    fn text(&self, name: &str, path: &Path) -> Result<String, ReportError> {
        let part = self.parts.get(name).ok_or_else(|| wrong(path, &format!("has no part {name}")))?;
        String::from_utf8(part.clone()).map_err(|_| wrong(path, &format!("has a part {name} that is no text")))
    }

    fn put(&mut self, name: &str, text: impl AsRef<str>) {
        self.parts.insert(name.to_owned(), text.as_ref().as_bytes().to_vec());
    }

    /// Leaves out what no relation leads to, such as the pictures of the template's slides.
    fn keep_reachable(&mut self) -> Result<(), ReportError> {
        let element = pattern(r"<Relationship [^>]*>")?;
        let target = pattern(r#"Target="([^"]*)""#)?;
        let mut kept = BTreeSet::from([TYPES.to_owned()]);
        let mut open = vec![String::new()];
        while let Some(part) = open.pop() {
            let (folder, name) = part.rsplit_once('/').unwrap_or(("", &part));
            let links =
                if folder.is_empty() { format!("_rels/{name}.rels") } else { format!("{folder}/_rels/{name}.rels") };
            let Some(text) = self.parts.get(&links).map(|text| String::from_utf8_lossy(text).into_owned()) else {
                continue;
            };
            kept.insert(links);
            for link in element.find_iter(&text).filter(|link| !link.as_str().contains("TargetMode=\"External\"")) {
                let Some(to) = target.captures(link.as_str()).and_then(|found| found.get(1)) else { continue };
                let to = resolved(folder, to.as_str());
                if self.parts.contains_key(&to) && kept.insert(to.clone()) {
                    open.push(to);
                }
            }
        }
        self.parts.retain(|name, _| kept.contains(name));
        let types = String::from_utf8_lossy(&self.parts[TYPES]).into_owned();
        let entry = pattern(r#"<Override [^>]*PartName="/([^"]*)"[^>]*/>"#)?;
        let types = entry.replace_all(&types, |found: &regex::Captures| {
            if self.parts.contains_key(&found[1]) { found[0].to_owned() } else { String::new() }
        });
        let types = types.replace("presentationml.template.main+xml", "presentationml.presentation.main+xml");
        self.put(TYPES, types);
        Ok(())
    }

    /// The layout with a title alone, else one with a title and contents; and where its title stands.
    fn choose_layout(&mut self, path: &Path) -> Result<(), ReportError> {
        let layouts: Vec<String> =
            self.parts.keys().filter(|name| name.starts_with("ppt/slideLayouts/slideLayout")).cloned().collect();
        let of_kind = |kind: &str| {
            let sign = format!("type=\"{kind}\"");
            layouts.iter().find(|name| {
                let text = String::from_utf8_lossy(&self.parts[*name]).into_owned();
                text.split_once("<p:cSld").is_some_and(|(head, _)| head.contains(&sign))
            })
        };
        let chosen = of_kind("titleOnly").or_else(|| of_kind("obj")).or(layouts.first());
        self.layout = chosen.ok_or_else(|| wrong(path, "has no layout"))?.clone();
        let shape = pattern(r"(?s)<p:sp>.*?</p:sp>")?;
        let room = pattern(r#"<a:off x="(-?\d+)" y="(-?\d+)"/>\s*<a:ext cx="(\d+)" cy="(\d+)"/>"#)?;
        let masters = self.parts.keys().filter(|name| name.starts_with("ppt/slideMasters/slideMaster"));
        let title = std::iter::once(&self.layout).chain(masters).find_map(|name| {
            let text = String::from_utf8_lossy(&self.parts[name]).into_owned();
            let title = shape.find_iter(&text).find(|shape| shape.as_str().contains("<p:ph type=\"title\""))?;
            let found = room.captures(title.as_str())?;
            let side = |n: usize| found.get(n)?.as_str().parse().ok();
            Some([side(1)?, side(2)?, side(3)?, side(4)?])
        });
        let (width, height) = self.size;
        self.title = title.unwrap_or([width / 24, height / 24, width - width / 12, height / 8]);
        Ok(())
    }

    /// Notes need a master with a theme of its own.
    fn add_notes_master(&mut self, path: &Path) -> Result<(), ReportError> {
        if let Some(name) = self.parts.keys().find(|name| name.starts_with("ppt/notesMasters/notesMaster")) {
            self.notes = name.clone();
            return Ok(());
        }
        self.notes = "ppt/notesMasters/notesMaster1.xml".to_owned();
        self.put("ppt/notesMasters/notesMaster1.xml", include_str!("own/notes.xml"));
        let theme = [("rId1", "theme", "../theme/themeNotes.xml".to_owned())];
        self.parts.insert("ppt/notesMasters/_rels/notesMaster1.xml.rels".to_owned(), relations(&theme));
        self.put("ppt/theme/themeNotes.xml", include_str!("own/theme.xml"));
        self.declare("ppt/notesMasters/notesMaster1.xml", "presentationml.notesMaster+xml", path)?;
        self.declare("ppt/theme/themeNotes.xml", "theme+xml", path)?;
        self.link("rIdNotes", "notesMaster", "notesMasters/notesMaster1.xml", path)?;
        let presentation = self.text(PRESENTATION, path)?;
        let list = "<p:notesMasterIdLst><p:notesMasterId r:id=\"rIdNotes\"/></p:notesMasterIdLst>";
        self.put(PRESENTATION, presentation.replacen("</p:sldMasterIdLst>", &format!("</p:sldMasterIdLst>{list}"), 1));
        Ok(())
    }

    fn declare(&mut self, part: &str, kind: &str, path: &Path) -> Result<(), ReportError> {
        let entry = format!(
            "<Override PartName=\"/{part}\" ContentType=\"application/vnd.openxmlformats-officedocument.{kind}\"/></Types>"
        );
        let types = self.text(TYPES, path)?;
        self.put(TYPES, types.replacen("</Types>", &entry, 1));
        Ok(())
    }

    fn link(&mut self, id: &str, kind: &str, target: &str, path: &Path) -> Result<(), ReportError> {
        let entry =
            format!("<Relationship Id=\"{id}\" Type=\"{RELATION}/{kind}\" Target=\"{target}\"/></Relationships>");
        let links = self.text(LINKS, path)?;
        self.put(LINKS, links.replacen("</Relationships>", &entry, 1));
        Ok(())
    }

    /// The presentation with these slides, as the bytes of a file: the same for the same slides.
    ///
    /// # Errors
    /// Where a part cannot be packed.
    pub fn packed(mut self, sheets: Vec<Sheet>) -> Result<Vec<u8>, ReportError> {
        let path = Path::new("of Tessera");
        let types = self.text(TYPES, path)?;
        if !types.contains("Extension=\"png\"") {
            self.put(
                TYPES,
                types.replacen("<Override", "<Default Extension=\"png\" ContentType=\"image/png\"/><Override", 1),
            );
        }
        let up = |part: &str| part.replacen("ppt/", "../", 1);
        let mut list = String::from("<p:sldIdLst>");
        for (n, sheet) in (1..).zip(sheets) {
            let (slide, notes) = (format!("slide{n}.xml"), format!("notesSlide{n}.xml"));
            let mut links = vec![
                ("rId1", "slideLayout", up(&self.layout)),
                ("rId2", "notesSlide", format!("../notesSlides/{notes}")),
            ];
            if let Some(picture) = sheet.picture {
                links.push(("rId3", "image", format!("../media/figure{n}.png")));
                self.parts.insert(format!("ppt/media/figure{n}.png"), picture);
            }
            self.parts.insert(format!("ppt/slides/_rels/{slide}.rels"), relations(&links));
            self.put(&format!("ppt/slides/{slide}"), sheet.slide);
            let links = [("rId1", "notesMaster", up(&self.notes)), ("rId2", "slide", format!("../slides/{slide}"))];
            self.parts.insert(format!("ppt/notesSlides/_rels/{notes}.rels"), relations(&links));
            self.put(&format!("ppt/notesSlides/{notes}"), sheet.notes);
            self.declare(&format!("ppt/slides/{slide}"), "presentationml.slide+xml", path)?;
            self.declare(&format!("ppt/notesSlides/{notes}"), "presentationml.notesSlide+xml", path)?;
            self.link(&format!("rIdSlide{n}"), "slide", &format!("slides/{slide}"), path)?;
            let _ = write!(list, "<p:sldId id=\"{}\" r:id=\"rIdSlide{n}\"/>", 255 + n);
        }
        let presentation = self.text(PRESENTATION, path)?;
        self.put(PRESENTATION, presentation.replacen("<p:sldSz", &format!("{list}</p:sldIdLst><p:sldSz"), 1));
        self.zipped().map_err(|error| ReportError::Text(format!("the slides cannot be packed: {error}")))
    }

    fn zipped(&self) -> zip::result::ZipResult<Vec<u8>> {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        // No clock enters the file.
        let time = zip::DateTime::default();
        for (name, data) in &self.parts {
            let method =
                if name.ends_with(".png") { zip::CompressionMethod::Stored } else { zip::CompressionMethod::Deflated };
            let options = zip::write::SimpleFileOptions::default().compression_method(method).last_modified_time(time);
            writer.start_file(name, options)?;
            writer.write_all(data)?;
        }
        Ok(writer.finish()?.into_inner())
    }
}

/// A relation's target as a part's name.
fn resolved(folder: &str, target: &str) -> String {
    if let Some(whole) = target.strip_prefix('/') {
        return whole.to_owned();
    }
    let mut path: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/') {
        match part {
            ".." => {
                path.pop();
            }
            "." | "" => {}
            part => path.push(part),
        }
    }
    path.join("/")
}
