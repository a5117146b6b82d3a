//! Reports as PDF and as slides: what stands in them, and that the same store gives the same bytes.

use crate::report::{report, written_as};
use crate::support::stored::Stored;
use std::io::Read as _;
use std::path::Path;
use tessera::report::{Form, Kind, draw_figures, write_as};
use tessera::spec::{Document, read};
use tessera::store::{Scope, Sweep};

fn count(bytes: &[u8], what: &str) -> usize {
    bytes.windows(what.len()).filter(|window| *window == what.as_bytes()).count()
}

#[test]
fn a_pdf_has_vectors_with_the_figures_font() {
    let stored = Stored::new("retina_test");
    let (written, out) = written_as(&stored, "weekly", "", &[Form::Pdf]);
    assert_eq!(written.files, [out.join("report.pdf")]);
    assert!(!out.join("report.html").exists(), "no form that was not asked for");
    let pdf = std::fs::read(&written.files[0]).unwrap();
    assert!(pdf.starts_with(b"%PDF-"));
    assert!(count(&pdf, "Inter-Regular") > 0 && count(&pdf, "/FontFile3") > 0, "the font is within");
    assert_eq!(count(&pdf, "/Subtype /Image") + count(&pdf, "/Subtype/Image"), 0, "figures are no pixels");
    // The contents lead to the sections, the text to the web.
    assert!(count(&pdf, "/Link") >= 4, "{}", count(&pdf, "/Link"));
    assert!(count(&pdf, "https://example.org/paper") > 0 && count(&pdf, "javascript:") == 0);
    written_as(&stored, "weekly", "", &[Form::Pdf]);
    assert!(pdf == std::fs::read(&written.files[0]).unwrap(), "the same bytes");
}

/// The parts of a presentation as text, by name.
fn parts(file: &Path) -> Vec<(String, String)> {
    let mut archive = zip::ZipArchive::new(std::fs::File::open(file).unwrap()).unwrap();
    let mut parts = Vec::new();
    for place in 0..archive.len() {
        let mut part = archive.by_index(place).unwrap();
        let mut bytes = Vec::new();
        part.read_to_end(&mut bytes).unwrap();
        parts.push((part.name().to_owned(), String::from_utf8_lossy(&bytes).into_owned()));
    }
    parts
}

fn below<'p>(parts: &'p [(String, String)], folder: &str) -> Vec<&'p str> {
    let slide = |name: &str| name.strip_prefix(folder).is_some_and(|rest| !rest.contains('/'));
    parts.iter().filter(|(name, _)| slide(name)).map(|(_, text)| &**text).collect()
}

#[test]
fn slides_have_figures_tables_and_notes() {
    let stored = Stored::new("retina_test");
    let (written, _) = written_as(&stored, "weekly", "", &[Form::Pptx]);
    let found = parts(&written.files[0]);
    let (slides, notes) = (below(&found, "ppt/slides/"), below(&found, "ppt/notesSlides/"));
    assert_eq!(slides.len(), notes.len());
    assert_eq!(slides.iter().filter(|slide| slide.contains("<p:pic>")).count(), 3, "a slide a figure");
    assert_eq!(below(&found, "ppt/media/").len(), 3);
    // Three pivots, a comparison, and the table of a text.
    assert_eq!(slides.iter().filter(|slide| slide.contains("<a:tbl>")).count(), 5);
    let of_figures: Vec<&&str> = notes.iter().filter(|note| note.contains("sweep retina_test · ")).collect();
    assert!(of_figures.len() >= 3 && of_figures.iter().any(|note| note.contains("Rates do not narrow")), "{notes:?}");
    assert!(slides[0].contains("&lt;script&gt;") && !found.iter().any(|(_, text)| text.contains("<script")));
    let before = std::fs::read(&written.files[0]).unwrap();
    written_as(&stored, "weekly", "", &[Form::Pptx]);
    assert!(before == std::fs::read(&written.files[0]).unwrap(), "the same bytes");
}

#[test]
fn pictures_and_tables_of_texts_have_slides_and_captions_have_numbers() {
    let stored = Stored::new("retina_test");
    let folder = stored.results();
    std::fs::write(folder.join("retina_test.yaml"), Stored::spec("retina_test")).unwrap();
    let drawing = "<svg xmlns='http://www.w3.org/2000/svg' width='30' height='20'><rect width='30' height='9'/></svg>";
    std::fs::write(folder.join("setup.png"), tessera::figures::png(drawing, 30).unwrap()).unwrap();
    let path = folder.join("pictures.yaml");
    let text = "report: pictures\nsweeps: [retina_test.yaml]\nlast_week: |\n  | a | b |\n  |---|---|\n  | 1 | 2 |\nsections:\n  \
                - title: The setup\n    text: 'As it stands: ![the setup](setup.png)'\n    figures: [{kind: curve, y: kl}]\n    \
                tables: [{rows: method}]\n";
    std::fs::write(&path, text).unwrap();
    let Ok((Document::Report(report), _)) = read(&path, &[]) else { panic!("it is no report") };
    let out = folder.join("reports/pictures");
    let written = write_as(&report, folder, &out, &[Form::Pptx]).unwrap();
    let found = parts(&written.files[0]);
    let slides = below(&found, "ppt/slides/");
    assert_eq!(slides.iter().filter(|slide| slide.contains("<p:pic>")).count(), 2, "the figure and the picture");
    let tables: Vec<&&str> = slides.iter().filter(|slide| slide.contains("<a:tbl>")).collect();
    assert!(tables.len() == 2 && tables[0].contains(">Last week<"), "{tables:?}");
    assert!(slides.iter().any(|slide| slide.contains(">Figure 1. <")));
    assert!(tables[1].contains(">Table 1. kl (last)"), "{}", tables[1]);
}

#[test]
fn a_template_gives_its_look_and_none_of_its_slides() {
    let stored = Stored::new("retina_test");
    let (written, _) = written_as(&stored, "weekly", "", &[Form::Pptx]);
    let own = parts(&written.files[0]);
    // A presentation is a template as well: with a mark in its theme, and slides and pictures that have to go.
    let template = stored.results().join("lab.pptx");
    let mut writer = zip::ZipWriter::new(std::fs::File::create(&template).unwrap());
    for (name, text) in &own {
        writer.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        let text = text.replace("0072B2", "123456").replace("Rates do not narrow", "old");
        std::io::Write::write_all(&mut writer, text.as_bytes()).unwrap();
    }
    writer.finish().unwrap();
    let (written, _) = written_as(&stored, "other", "template: lab.pptx\n", &[Form::Pptx]);
    let found = parts(&written.files[0]);
    let names = |parts: &[(String, String)]| parts.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    let (theme, slides) = (below(&found, "ppt/theme/"), below(&found, "ppt/slides/"));
    assert!(theme.iter().any(|theme| theme.contains("123456")), "its colours");
    assert!(!found.iter().any(|(_, text)| text.contains(">old")), "none of its slides");
    let changes = slides.len() - below(&own, "ppt/slides/").len();
    assert!(changes == 0, "{:?} {:?}", names(&own), names(&found));

    std::fs::write(&template, "no presentation").unwrap();
    let report = report(&stored, "third", "template: lab.pptx\n");
    let out = stored.results().join("reports/third");
    let error = write_as(&report, stored.results(), &out, &[Form::Html, Form::Pptx]).unwrap_err().to_string();
    assert!(error.contains("lab.pptx is no presentation") && error.contains(".potx"), "{error}");
    std::fs::remove_file(&template).unwrap();
    let error = write_as(&report, stored.results(), &out, &[Form::Html, Form::Pptx]).unwrap_err();
    assert!(error.to_string().contains("cannot read the template") && error.help().unwrap().contains("relative"));
    assert!(!out.exists(), "nothing is half written");
}

/// A figure's PDF and SVG, for a sweep whose figure has `size:`.
fn printed(stored: &Stored, size: &str) -> (Vec<u8>, String) {
    let text = Stored::spec("retina_test");
    let text = text.split("\nfigures:").next().unwrap();
    let file = stored.results().join("paper.yaml");
    std::fs::write(
        &file,
        format!("{text}\nfigures: [{{kind: curve, name: kl, y: kl, color: method, size: {size}}}]\n"),
    )
    .unwrap();
    let (document, _) = match read(&file, &[]) {
        Ok(read) => read,
        Err(problems) => panic!("{}", tessera::error::render_problems(&problems, false)),
    };
    let Document::Sweep(spec) = document else { panic!("a report") };
    let sweep = Sweep::open(stored.results(), &spec.name).unwrap();
    let out = stored.results().join("paper");
    let kinds = [Kind::Pdf, Kind::Svg, Kind::Outlines];
    draw_figures(&spec, &sweep, &Scope::Current, &[], &kinds, &out).unwrap();
    (std::fs::read(out.join("kl.pdf")).unwrap(), std::fs::read_to_string(out.join("kl.svg")).unwrap())
}

#[test]
fn a_figure_for_a_paper_has_its_size_in_millimetres() {
    let stored = Stored::new("retina_test");
    let (pdf, svg) = printed(&stored, "{width: 85 mm, height: 6 cm}");
    // 85 and 60 mm are 240.945 and 170.079 points.
    let text = String::from_utf8_lossy(&pdf).into_owned();
    let sides = regex::Regex::new(r"/MediaBox ?\[0 0 ([\d.]+) ([\d.]+)\]").unwrap();
    let found = sides.captures(&text).expect("a page has a size");
    let side = |n: usize| found[n].parse::<f64>().unwrap();
    assert!((side(1) - 240.945).abs() < 0.01 && (side(2) - 170.079).abs() < 0.01, "{found:?}");
    assert!(svg.contains("width=\"85mm\" height=\"60mm\"") && count(&pdf, "/FontFile3") > 0);
    // Names of axes have 7 points: 12 of the drawing's pixels, of which 85 mm are so many.
    let box_of = |svg: &str| {
        let found = regex::Regex::new(r#"viewBox="0 0 (\d+) "#).unwrap().captures(svg).unwrap()[1].parse::<f64>();
        found.unwrap() / 10.0
    };
    assert!((box_of(&svg) * 7.0 / 12.0 - 240.945).abs() < 0.1, "{}", box_of(&svg));
    let (_, large) = printed(&stored, "{width: 85 mm, font: 14 pt}");
    assert!((box_of(&large) * 2.0 - box_of(&svg)).abs() < 0.2, "letters of twice the size on the same paper");
}

#[test]
fn letters_of_a_figure_can_be_outlines() {
    let stored = Stored::new("retina_test");
    let (_, svg) = printed(&stored, "{width: 85 mm, height: 60 mm}");
    let outlines = std::fs::read_to_string(stored.results().join("paper/kl-outlines.svg")).unwrap();
    assert!(svg.contains("<text") && svg.contains("font-face"), "an SVG has real text");
    assert!(!outlines.contains("<text") && !outlines.contains("font"), "outlines need no font");
    // 85 and 60 mm are so many pixels at 96 an inch.
    let sides = regex::Regex::new(r#"width="([\d.]+)" height="([\d.]+)""#).unwrap();
    let found = sides.captures(&outlines).expect("a sheet has a size");
    let side = |n: usize| found[n].parse::<f64>().unwrap() / 96.0 * 25.4;
    assert!((side(1) - 85.0).abs() < 0.01 && (side(2) - 60.0).abs() < 0.01, "{found:?}");
    // Both look alike: letters stand where they stood.
    let pixels = |svg: &str| tessera::figures::png(svg, 400).unwrap();
    let decoded = |png: Vec<u8>| image::load_from_memory(&png).unwrap().into_luma8();
    let (text, drawn) = (decoded(pixels(&svg)), decoded(pixels(&outlines)));
    assert_eq!(text.dimensions(), drawn.dimensions());
    let far = text.iter().zip(drawn.iter()).filter(|(a, b)| a.abs_diff(**b) > 32).count();
    assert!(far * 1000 < text.len(), "{far} of {} pixels differ", text.len());
}

#[test]
fn figures_and_tables_are_numbered_alike_in_all_forms() {
    let stored = Stored::new("retina_test");
    let (written, _) = written_as(&stored, "weekly", "", &[Form::Md, Form::Html, Form::Pptx]);
    let [markdown, page] = [0, 1].map(|n| std::fs::read_to_string(&written.files[n]).unwrap());
    let slides = parts(&written.files[2]);
    // The third figure is the first of the second section; four tables stand in the first.
    for n in 1..=3 {
        assert_eq!(markdown.matches(&format!("**Figure {n}.**")).count(), 1, "{markdown}");
        assert_eq!(page.matches(&format!("<strong>Figure {n}.</strong>")).count(), 1);
        let shown = below(&slides, "ppt/slides/");
        assert_eq!(shown.iter().filter(|slide| slide.contains(&format!(">Figure {n}. <"))).count(), 1);
    }
    for n in 1..=4 {
        assert_eq!(markdown.matches(&format!("**Table {n}.**")).count(), 1);
        assert_eq!(page.matches(&format!("<strong>Table {n}.</strong>")).count(), 1);
    }
    assert!(!markdown.contains("Figure 4.") && !markdown.contains("Table 5."));
}
