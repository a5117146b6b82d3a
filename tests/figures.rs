//! Figures: every kind drawn from a small stored sweep, its labels and marks, and the gallery of the documentation.

use crate::support::stored::Stored;
use std::path::{Path, PathBuf};
use tessera::figures::{Drawing, PAGE, Palette, SLIDE, Source, draw_all};
use tessera::spec::{Document, Sweep as Spec, read};
use tessera::store::Scope;

/// One entry of every kind, with a heading for the gallery.
const KINDS: [(&str, &str); 12] = [
    ("curve", "{kind: curve, y: kl, color: method, facet: fr_learning_rate}"),
    ("histogram", "{kind: histogram, y: rate_per_neuron, color: method, facet: fr_learning_rate}"),
    ("box", "{kind: box, y: kl, x: method, color: method}"),
    ("violin", "{kind: violin, y: rate_per_neuron, x: fr_learning_rate, color: method}"),
    ("heatmap", "{kind: heatmap, value: kl, x: fr_learning_rate, y: method}"),
    ("matrix", "{kind: matrix, y: c_z, facet: method, where: {fr_learning_rate: 0.1}}"),
    ("kernels", "{kind: kernels, facet: method, where: {fr_learning_rate: 0.1}}"),
    ("before_after", "{kind: before_after, color: method, where: {fr_learning_rate: 0.1}}"),
    ("scatter", "{kind: scatter, x: rate_mean, y: kl, color: method}"),
    ("response", "{kind: response, y: kl, x: fr_learning_rate, color: method}"),
    ("trajectory", "{kind: trajectory, x: x1_now, y: x2_now, color: x2}"),
    ("profile", "{kind: profile, x: method}"),
];

fn spec(folder: &Path, sweep: &str, figures: &str) -> Spec {
    let path = folder.join(format!("{sweep}.yaml"));
    std::fs::write(&path, format!("{}figures:\n{figures}", Stored::spec(sweep))).unwrap();
    match read(&path, &[]) {
        Ok((Document::Sweep(spec), _)) => *spec,
        Ok(_) => panic!("a report"),
        Err(problems) => panic!("{}", tessera::error::render_problems(&problems, false)),
    }
}

/// Draws entries of `figures:`.
fn drawn(sweep: &str, entries: &[&str]) -> Vec<Drawing> {
    let stored = Stored::new(sweep);
    let lines: String = entries.iter().map(|entry| format!("  - {entry}\n")).collect();
    let spec = spec(stored.results(), sweep, &lines);
    let store = stored.sweep();
    let goal = spec.metric.as_ref().map(|metric| (&*metric.name, metric.maximize));
    let source = Source::new(&store, &Scope::Current, &spec.description, goal).unwrap();
    let mut palette = Palette::default();
    source.color(&mut palette);
    let requests: Vec<_> = spec.figures.iter().map(|figure| (figure, &source)).collect();
    draw_all(&requests, &palette).into_iter().map(Result::unwrap).collect()
}

fn one(sweep: &str, entry: &str) -> Drawing {
    drawn(sweep, &[entry]).remove(0)
}

fn count(svg: &str, what: &str) -> usize {
    svg.matches(what).count()
}

/// The texts of a figure, in the order of drawing.
fn texts(svg: &str) -> Vec<String> {
    let parts = svg.split("<text").skip(1).filter_map(|part| part.split_once('>')?.1.split_once("</text"));
    parts.map(|(text, _)| text.trim().to_owned()).collect()
}

#[test]
fn a_curve_has_a_line_and_a_band_for_each_method_in_each_panel() {
    let figure = one("retina_test", KINDS[0].1);
    let texts = texts(&figure.svg);
    for text in ["kl (bits)", "step", "method", "lagrange", "two_losses", "fr_learning_rate = 0.1"] {
        assert!(texts.iter().any(|shown| shown == text), "{text} in {texts:?}");
    }
    assert_eq!(count(&figure.svg, "<polygon"), 6, "two bands in each of three panels");
    assert!(texts.iter().any(|text| text == "1 of 18 runs diverged (×)"), "{texts:?}");
    assert!(figure.provenance.starts_with("sweep retina_test · 18 runs · {kind: curve"), "{}", figure.provenance);
    assert_eq!(figure.data.columns, ["fr_learning_rate", "method", "metric", "step", "mean", "low", "high"]);
}

#[test]
fn a_level_has_one_colour_in_all_figures() {
    let figures = drawn(
        "retina_test",
        &["{kind: curve, color: method}", "{kind: curve, color: method, where: {method: two_losses}}"],
    );
    // Okabe and Ito's second colour, though the second figure has two_losses alone.
    assert!(figures.iter().all(|figure| figure.svg.contains("#D55E00")));
    assert!(!figures[1].svg.contains("#0072B2"));
}

/// The numbers of an attribute of all elements of a name.
fn numbers(svg: &str, element: &str, attribute: &str) -> Vec<f64> {
    let opening = format!("<{element} ");
    let parts = svg.split(&opening).skip(1).map(|part| part.split('>').next().unwrap_or_default());
    let value = |part: &str| part.split_once(&format!(" {attribute}=\""))?.1.split('"').next()?.parse().ok();
    parts.filter_map(|part| value(&format!(" {part}"))).collect()
}

#[test]
fn boxes_stand_over_their_levels_where_colours_tell_the_same() {
    let figure = one("retina_test", "{kind: box, y: rate_per_neuron, x: method, color: method}");
    assert_eq!(figure.title, "rate_per_neuron over method");
    let boxes = figure.svg.split("<rect ").skip(1).filter(|part| part.contains("opacity=\"0.25\""));
    let boxes: String = boxes.map(|part| format!("<rect {part}")).collect();
    let (left, width) = (numbers(&boxes, "rect", "x"), numbers(&boxes, "rect", "width"));
    let ticks: Vec<f64> = ["lagrange", "two_losses"]
        .iter()
        .map(|name| {
            let tick = figure.svg.split("<text ").find(|part| part.contains("middle") && part.contains(name)).unwrap();
            numbers(&format!("<text {tick}"), "text", "x")[0]
        })
        .collect();
    assert_eq!(left.len(), 2);
    for ((left, width), tick) in left.iter().zip(width).zip(ticks) {
        assert!((left + width / 2.0 - tick).abs() < 20.0, "a box at {left}, {width} wide, its name at {tick}");
    }
}

#[test]
fn colours_tell_what_panels_do_not() {
    // Of the axes by which runs differ, method is told by the panels and rho moves with it.
    let figure = one("retina_test", "{kind: curve, y: kl, facet: method}");
    assert_eq!(figure.data.columns, ["method", "fr_learning_rate", "metric", "step", "mean", "low", "high"]);
    let texts = texts(&figure.svg);
    assert!(texts.iter().any(|text| text == "0.001") && !texts.iter().any(|text| text.contains('–')), "{texts:?}");
    let pooled = one("retina_test", "{kind: box, y: kl, x: fr_learning_rate, color: fr_learning_rate}");
    assert!(pooled.svg.contains("taken together over method\n"), "not over rho, which moves with it");
}

#[test]
fn figures_without_runs_say_so() {
    let figure = one("retina_test", "{kind: curve, where: {method: gamma}}");
    assert!(figure.empty);
    assert!(texts(&figure.svg).iter().any(|text| text == "no runs match"));
}

#[test]
fn text_from_specs_is_escaped() {
    let figure = one("retina_test", r#"{kind: curve, color: method, title: "</svg><script>alert(1)</script> \e[31m"}"#);
    assert!(!figure.svg.contains("<script") && figure.svg.contains("&lt;script&gt;"), "{}", &figure.svg[..400]);
    assert!(!figure.svg.contains('\u{1b}'));
    figure.png(PAGE).unwrap();
}

#[test]
fn a_picture_is_opaque_to_its_last_row() {
    let figure = one("retina_test", "{kind: response, y: kl, x: fr_learning_rate, color: method}");
    for width in [PAGE, SLIDE, 777] {
        let picture = resvg::tiny_skia::Pixmap::decode_png(&figure.png(width).unwrap()).unwrap();
        assert!(picture.pixels().iter().all(|pixel| pixel.alpha() == 255), "{width} pixels wide");
    }
}

#[test]
fn a_million_points_are_drawn_as_a_few_thousand_with_their_extremes() {
    let stored = Stored::long(1_000_000, 765_431);
    let spec = spec(stored.results(), "long", "  - {kind: curve, y: kl}\n");
    let store = stored.sweep();
    let source = Source::new(&store, &Scope::Current, &spec.description, None).unwrap();
    let drawing = draw_all(&[(&spec.figures[0], &source)], &Palette::default()).remove(0).unwrap();
    assert!(drawing.svg.len() < 150_000, "{} bytes", drawing.svg.len());
    // The one value of 99 is in the line, not on the axis alone.
    let svg = &drawing.svg;
    let tick = svg.split("<text ").find(|part| part.contains("\n100\n")).map(|part| format!("<text {part}")).unwrap();
    let at = numbers(&tick, "text", "y")[0];
    let lines = svg.split("<polyline ").skip(1).filter_map(|part| part.split_once("points=\"")?.1.split('"').next());
    // Grid and axes are lines of two or three points.
    let curve = lines.filter(|line| line.len() > 1000).flat_map(str::split_whitespace);
    let heights = curve.filter_map(|point| point.split_once(',')?.1.parse::<f64>().ok());
    let highest = heights.fold(f64::INFINITY, f64::min);
    assert!((highest - at).abs() < 80.0, "the line comes up to {highest}, 100 is at {at}");
}

/// No font has a character that is none; beside it the others are drawn.
#[test]
fn characters_that_no_font_has_are_named() {
    let figure = one("retina_test", "{kind: curve, y: kl, title: \"kl \u{10fffe} end\"}");
    assert!(figure.warnings.iter().any(|words| words.contains("in no font of this machine")), "{:?}", figure.warnings);
    let plain = one("retina_test", "{kind: curve, y: kl, title: \"kl ? end\"}");
    assert!(plain.warnings.is_empty(), "{:?}", plain.warnings);
    let top = |drawing: &Drawing| {
        let picture = resvg::tiny_skia::Pixmap::decode_png(&drawing.png(PAGE).unwrap()).unwrap();
        picture.pixels()[..picture.width() as usize * 60].iter().filter(|pixel| pixel.red() < 128).count()
    };
    assert_eq!(top(&figure), top(&plain));
}

/// `TESSERA_LEVELS` for as many as one likes.
#[test]
fn any_number_of_levels_is_a_picture_in_seconds_and_what_is_left_out_is_said() {
    let levels = std::env::var("TESSERA_LEVELS").ok().and_then(|levels| levels.parse().ok()).unwrap_or(5_000);
    let stored = Stored::wide(levels);
    let entries = [
        "{kind: curve, y: kl, color: method}",
        "{kind: curve, y: kl, facet: method}",
        "{kind: box, y: kl, x: method}",
        "{kind: box, y: kl, x: fr_learning_rate, color: method}",
        "{kind: heatmap, value: kl, x: fr_learning_rate, y: method}",
        "{kind: response, y: kl, x: fr_learning_rate}",
        "{kind: response, y: kl, x: fr_learning_rate, color: method}",
        "{kind: scatter, x: rate_mean, y: kl, color: method}",
    ];
    let lines: String = entries.iter().map(|entry| format!("  - {entry}\n")).collect();
    let spec = spec(stored.results(), "wide", &lines);
    let store = stored.sweep();
    let source = Source::new(&store, &Scope::Current, &spec.description, None).unwrap();
    let mut palette = Palette::default();
    source.color(&mut palette);
    for (figure, entry) in spec.figures.iter().zip(entries) {
        let begin = std::time::Instant::now();
        let drawing = draw_all(&[(figure, &source)], &palette).remove(0).unwrap();
        drawing.png(PAGE).unwrap();
        println!("{:6.2} s {:9} bytes of {entry}", begin.elapsed().as_secs_f64(), drawing.svg.len());
        assert!(begin.elapsed().as_secs() < 20, "{entry}: {:?}", begin.elapsed());
        assert!(drawing.svg.len() < 20_000_000, "{entry}: {} bytes", drawing.svg.len());
        // Colours tell the methods apart where nothing else does.
        let said = texts(&drawing.svg).iter().any(|text| text.contains(&format!("of {levels} levels")));
        assert!(said, "{entry}: {:?}", texts(&drawing.svg));
    }
}

#[test]
fn names_that_are_not_there_are_said_with_the_nearest_and_the_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("retina_test.yaml");
    let figures = "figures:\n  - {kind: curve, y: kll}\n  - {kind: curve, color: metod}\n  - {kind: histogram, y: rates_per_neuron}\n  - {kind: curv}\n";
    std::fs::write(&path, Stored::spec("retina_test") + figures).unwrap();
    let said = tessera::error::render_problems(&read(&path, &[]).unwrap_err(), false);
    for part in ["`kl`", "`method`", "`rate_per_neuron`", "`curve`", "retina_test.yaml:10", "retina_test.yaml:13"] {
        assert!(said.contains(part), "{part} in {said}");
    }
}

/// `docs/gallery` is what the test draws. `TESSERA_BLESS=1` writes it anew.
#[test]
fn the_gallery_is_up_to_date() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/gallery");
    let bless = std::env::var_os("TESSERA_BLESS").is_some();
    let retina: Vec<&str> = KINDS.iter().filter(|kind| kind.0 != "trajectory").map(|kind| kind.1).collect();
    let mut drawings = drawn("retina_test", &retina);
    let place = KINDS.iter().position(|kind| kind.0 == "trajectory").unwrap();
    drawings.insert(place, one("toy_test", KINDS[place].1));
    let mut page = "# Gallery\n\nEvery kind of figure with the line of YAML that asks for it. A test draws this page \
                    from a small stored sweep of made-up numbers, so it cannot drift.\n"
        .to_owned();
    let mut files: Vec<(PathBuf, String)> = Vec::new();
    for ((kind, entry), drawing) in KINDS.iter().zip(&drawings) {
        page += &format!("\n## {kind}\n\n```yaml\nfigures:\n  - {entry}\n```\n\n![{}]({kind}.svg)\n", drawing.title);
        files.push((folder.join(format!("{kind}.svg")), drawing.standalone()));
        if let Some(look) = std::env::var_os("TESSERA_LOOK") {
            let look = Path::new(&look);
            std::fs::write(look.join(format!("{kind}.png")), drawing.png(PAGE).unwrap()).unwrap();
            std::fs::write(look.join(format!("{kind}-slide.png")), drawing.png(SLIDE).unwrap()).unwrap();
        }
    }
    files.push((folder.join("README.md"), page));
    for (path, text) in files {
        if bless {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&path, &text).unwrap();
        }
        let stored = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(stored == text, "{} is out of date; TESSERA_BLESS=1 writes it anew", path.display());
    }
}
