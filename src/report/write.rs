//! The files of a report and of figures.

use super::changes::{self, State};
use super::error::ReportError;
use super::file::put;
use super::form::Form;
use super::gather::{Body, gather};
use super::told::{Sources, Verdict, tell, tell_figures};
use super::{html, markdown, pdf, pptx, suggested};
use crate::figures::{Drawing, PAGE, Palette, SLIDE, Source, draw_all};
use crate::spec::{Figure, Report, SectionFigure, Sweep as Spec};
use crate::store::{Scope, Sweep};
use rayon::prelude::*;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What was written.
#[derive(Clone, Debug)]
pub struct Written {
    /// Where the page stands, if it was asked for.
    pub html: PathBuf,
    /// Where the same stands in Markdown.
    pub markdown: PathBuf,
    /// The report in the forms that were asked for.
    pub files: Vec<PathBuf>,
    /// The files of its figures.
    pub figures: Vec<PathBuf>,
    /// Figures for which no runs matched.
    pub empty: Vec<String>,
    /// What a reader should know of figures, each with the figure's name.
    pub warnings: Vec<String>,
    /// Its claims, in the order of the page.
    pub claims: Vec<Verdict>,
}

/// Writes a report into a folder as a page and as Markdown.
///
/// # Errors
/// As [`write_as`].
pub fn write(report: &Report, results: &Path, out: &Path) -> Result<Written, ReportError> {
    write_as(report, results, out, &[Form::Md, Form::Html])
}

/// Writes a report into a folder: its forms, `figures/` and `report.json`, by which the next report knows what changed.
///
/// # Errors
/// Where the store cannot be read, a figure or table cannot be made, or a file cannot be written.
pub fn write_as(report: &Report, results: &Path, out: &Path, forms: &[Form]) -> Result<Written, ReportError> {
    let sweeps = opened(report, results)?;
    let mut report = report.clone();
    if let (true, [spec], [stored], [section]) =
        (report.is_page, &report.sweeps[..], &sweeps[..], &mut report.sections[..])
        && section.figures.is_empty()
    {
        let entry = |figure| SectionFigure { sweep: spec.name.clone(), figure };
        section.figures = suggested::figures(spec, stored)?.into_iter().map(entry).collect();
    }
    let report = &report;
    let told = tell(report, &Sources::new(report, sweeps.clone(), results))?;
    let mut body = gather(&told, &sweeps)?;
    let now = if report.is_page { None } else { Some(State::of(&told, &body, &sweeps, out)?) };
    let before = now.as_ref().map(|now| changes::previous(report, results, out, now.first)).transpose()?.flatten();
    if let Some((now, before)) = now.as_ref().zip(before) {
        body.changes = changes::since(&before, now);
    }
    let drawings: Vec<&Drawing> = body.figures().collect();
    let warnings = drawings.iter().flat_map(|drawing| warnings_of(drawing)).collect();
    // All forms are made before any is written: a template that cannot be read leaves the report as it was.
    let made = |form: &Form| -> Result<(PathBuf, Vec<u8>), ReportError> {
        let bytes = match form {
            Form::Html => html::page(&body, &report.folder)?.into_bytes(),
            Form::Md => markdown::markdown(&body)?.into_bytes(),
            Form::Pdf => pdf::pdf(&body, &report.folder)?,
            Form::Pptx => pptx::pptx(&body, &report.folder, report.template.as_deref())?,
        };
        Ok((out.join(form.file()), bytes))
    };
    let made: Vec<(PathBuf, Vec<u8>)> = forms.iter().map(made).collect::<Result<_, _>>()?;
    let figures = write_drawings(&drawings, &out.join("figures"), &[Kind::Svg, Kind::Png])?;
    let mut files = Vec::with_capacity(made.len());
    for (file, bytes) in made {
        put(&file, &bytes)?;
        files.push(file);
    }
    if let Some(now) = now {
        now.save(out)?;
    }
    Ok(Written {
        html: out.join(Form::Html.file()),
        markdown: out.join(Form::Md.file()),
        files,
        figures,
        empty: body.empty(),
        warnings,
        claims: told.claims.into_iter().flatten().collect(),
    })
}

fn opened(report: &Report, results: &Path) -> Result<Arc<Vec<Sweep>>, ReportError> {
    let open = |spec: &Spec| Sweep::open(results, &spec.name);
    Ok(Arc::new(report.sweeps.iter().map(open).collect::<Result<_, _>>()?))
}

/// Looks at the values and claims of a report, and writes nothing: its claims, in the order of the page.
///
/// # Errors
/// Where the store cannot be read or a value is wrong.
pub fn check(report: &Report, results: &Path) -> Result<Vec<Verdict>, ReportError> {
    let told = tell(report, &Sources::new(report, opened(report, results)?, results))?;
    Ok(told.claims.into_iter().flatten().collect())
}

/// A kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One file a figure.
    Svg,
    /// One file a figure, `-outlines`: an SVG whose letters are outlines, for programs without its font.
    Outlines,
    /// Two: for a page, and `-slide` for a slide.
    Png,
    /// One file a figure, of the figure's size.
    Pdf,
}

fn warnings_of(drawing: &Drawing) -> Vec<String> {
    drawing.warnings.iter().map(|warning| format!("figure `{}`: {warning}", drawing.name)).collect()
}

/// What [`draw_figures`] has drawn.
#[derive(Clone, Debug)]
pub struct Drawn {
    /// The files.
    pub files: Vec<PathBuf>,
    /// Figures for which no runs matched.
    pub empty: Vec<String>,
    /// What a reader should know of figures, each with the figure's name.
    pub warnings: Vec<String>,
}

/// Draws the figures of a sweep's spec (those named in `only`, or all) into a folder.
///
/// # Errors
/// Where a name is none of a figure, a figure cannot be drawn or a file cannot be written.
pub fn draw_figures(
    spec: &Spec,
    sweep: &Sweep,
    scope: &Scope,
    only: &[String],
    kinds: &[Kind],
    out: &Path,
) -> Result<Drawn, ReportError> {
    let goal = spec.metric.as_ref().map(|metric| (&*metric.name, metric.maximize));
    let source = Source::new(sweep, scope, &spec.description, goal);
    let source = source.map_err(|error| ReportError::sweep(&spec.name, error))?;
    let mut palette = Palette::default();
    source.color(&mut palette);
    let mut chosen: Vec<Figure> = suggested::figures(spec, sweep)?;
    if chosen.is_empty() {
        return Err(ReportError::NothingToDraw(spec.name.clone()));
    }
    if let Some(unknown) = only.iter().find(|name| !chosen.iter().any(|figure| figure.name == **name)) {
        let known = chosen.iter().map(|figure| figure.name.clone()).collect();
        return Err(ReportError::NoFigure { sweep: spec.name.clone(), name: unknown.clone(), known });
    }
    chosen.retain(|figure| only.is_empty() || only.contains(&figure.name));
    let results = sweep.layout().root().parent().unwrap_or(Path::new("")).to_owned();
    let own = Report::of_sweep(spec.clone(), PathBuf::new());
    let again = Arc::new(vec![Sweep::open(&results, &spec.name)?]);
    tell_figures(&mut chosen, &spec.name, &Sources::new(&own, again, &results))?;
    let requests: Vec<_> = chosen.iter().map(|figure| (figure, &source)).collect();
    let mut drawings = Vec::with_capacity(requests.len());
    for ((figure, _), drawing) in requests.iter().zip(draw_all(&requests, &palette)) {
        drawings.push(drawing.map_err(|error| ReportError::figure(figure, error))?);
    }
    let files = write_drawings(&drawings.iter().collect::<Vec<_>>(), out, kinds)?;
    let warnings = drawings.iter().flat_map(warnings_of).collect();
    let empty = drawings.into_iter().filter(|drawing| drawing.empty).map(|drawing| drawing.name).collect();
    Ok(Drawn { files, empty, warnings })
}

fn write_drawings(drawings: &[&Drawing], out: &Path, kinds: &[Kind]) -> Result<Vec<PathBuf>, ReportError> {
    let one = |drawing: &&Drawing| -> Result<Vec<PathBuf>, ReportError> {
        let named = |error| ReportError::sweep(&drawing.name, error);
        let mut files = Vec::new();
        if kinds.contains(&Kind::Svg) {
            files.push((format!("{}.svg", drawing.name), drawing.standalone().into_bytes()));
        }
        if kinds.contains(&Kind::Outlines) {
            let outlines = drawing.outlines().map_err(named)?;
            files.push((format!("{}-outlines.svg", drawing.name), outlines.into_bytes()));
        }
        if kinds.contains(&Kind::Png) {
            files.push((format!("{}.png", drawing.name), drawing.png(PAGE).map_err(named)?));
            files.push((format!("{}-slide.png", drawing.name), drawing.png(SLIDE).map_err(named)?));
        }
        if kinds.contains(&Kind::Pdf) {
            files.push((format!("{}.pdf", drawing.name), drawing.pdf().map_err(named)?));
        }
        let put = |(name, bytes): (String, Vec<u8>)| {
            let path = out.join(name);
            put(&path, &bytes).map(|()| path)
        };
        files.into_iter().map(put).collect()
    };
    let files: Vec<Vec<PathBuf>> = drawings.par_iter().map(one).collect::<Result<_, _>>()?;
    Ok(files.into_iter().flatten().collect())
}

impl Body {
    /// The figures for which no runs matched, and in which section they stand.
    pub fn empty(&self) -> Vec<String> {
        let empty = |part: &super::Part| {
            let names = part.figures.iter().filter(|figure| figure.empty);
            names.map(|figure| format!("{} ({})", figure.title, figure.name)).collect::<Vec<_>>()
        };
        self.parts.iter().flat_map(empty).collect()
    }

    /// All figures, in the order of the page.
    pub fn figures(&self) -> impl Iterator<Item = &Drawing> {
        self.parts.iter().flat_map(|part| &part.figures)
    }
}
