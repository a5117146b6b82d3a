//! The texts of a report with values in their places.

use super::claims::{Verdict, judge};
use super::functions;
use super::mistake::{Mistake, wrong};
use super::sources::{Sources, Watch};
use crate::report::ReportError;
use crate::spec::{Figure, Origin, Problem, Problems, Report, Severity, suggestion};
use minijinja::value::{Object, ObjectRepr, Value};
use minijinja::{AutoEscape, Environment, Error, UndefinedBehavior, context};
use std::ops::Range;
use std::sync::Arc;

/// So many mistakes of one text are said.
const MOST: usize = 20;

/// A report whose texts say what the stores say.
pub struct Told {
    /// Its texts in full.
    pub report: Report,
    /// Of each section.
    pub claims: Vec<Vec<Verdict>>,
}

/// Puts values into all texts of a report and looks at its claims.
///
/// # Errors
/// Everything that is wrong with values, each with its place.
pub fn tell(report: &Report, sources: &Arc<Sources>) -> Result<Told, ReportError> {
    let mut teller = Teller::new(sources);
    let mut told = report.clone();
    let own = match report.sweeps.as_slice() {
        [only] => Some(only.name.clone()),
        _ => None,
    };
    let top = report.origin.as_ref();
    for text in [&mut told.title, &mut told.last_week].into_iter().chain(&mut told.ideas) {
        teller.fill(text, own.as_deref(), top);
    }
    let mut claims = Vec::with_capacity(told.sections.len());
    for section in &mut told.sections {
        let (sweep, origin) = (section.sweep.as_deref(), section.origin.as_ref());
        teller.fill(&mut section.title, sweep, origin);
        teller.fill(&mut section.text, sweep, origin);
        for entry in &mut section.figures {
            teller.fill_figure(&mut entry.figure, Some(&entry.sweep));
        }
        let mut verdicts = Vec::with_capacity(section.claims.len());
        for claim in &mut section.claims {
            if let Some(says) = &mut claim.says {
                teller.fill(says, sweep, Some(&claim.origin));
            }
            let context = teller.context(sweep);
            match judge(&teller.environment, sources, claim, &context, &functions::NAMES) {
                Ok(holds) => {
                    verdicts.push(Verdict { says: claim.says.clone(), condition: claim.holds.trim().to_owned(), holds })
                }
                Err((mistake, range)) => teller.note(mistake, range, &claim.holds, Some(&claim.origin)),
            }
        }
        claims.push(verdicts);
    }
    teller.finish().map(|()| Told { report: told, claims })
}

/// Puts values into the headings and captions of figures.
///
/// # Errors
/// Everything that is wrong with values, each with its place.
pub fn tell_figures(figures: &mut [Figure], sweep: &str, sources: &Arc<Sources>) -> Result<(), ReportError> {
    let mut teller = Teller::new(sources);
    figures.iter_mut().for_each(|figure| teller.fill_figure(figure, Some(sweep)));
    teller.finish()
}

struct Teller<'s> {
    sources: &'s Arc<Sources>,
    environment: Environment<'static>,
    figures: Value,
    problems: Vec<Problem>,
}

impl<'s> Teller<'s> {
    fn new(sources: &'s Arc<Sources>) -> Self {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        environment.set_keep_trailing_newline(true);
        functions::add(&mut environment, sources);
        let names = sources.figures.clone();
        environment.add_function("ref", move |figure: String| {
            let place = figure.strip_prefix("Figure ").and_then(|number| number.parse::<usize>().ok());
            let name = place.and_then(|place| names.get(place.checked_sub(1)?));
            name.map(|name| format!("[{figure}](#figure-{name})"))
                .ok_or_else(|| wrong(format!("`{figure}` is no figure of this report"), "like `ref(fig.kl)`"))
        });
        let figures = Value::from_object(Figures(sources.figures.clone()));
        Self { sources, environment, figures, problems: Vec::new() }
    }

    fn context(&self, sweep: Option<&str>) -> Value {
        match sweep {
            Some(sweep) => context! { sweep, fig => self.figures },
            None => context! { fig => self.figures },
        }
    }

    fn fill_figure(&mut self, figure: &mut Figure, sweep: Option<&str>) {
        let origin = figure.origin.clone();
        for text in [&mut figure.title, &mut figure.caption].into_iter().flatten() {
            self.fill(text, sweep, Some(&origin));
        }
    }

    /// Replaces a text by what it says; notes all that is wrong with it.
    fn fill(&mut self, text: &mut String, sweep: Option<&str>, origin: Option<&Origin>) {
        if !["{{", "{%", "{#"].iter().any(|sign| text.contains(sign)) {
            return;
        }
        let context = self.context(sweep);
        // A value that is wrong is taken out, and the rest is looked at.
        let mut rest = text.clone();
        for _ in 0..MOST {
            self.sources.watching(|watch| *watch = Watch::default());
            let said = self.environment.render_str(&rest, &context);
            let untouched = self.sources.watching(std::mem::take).untouched;
            let error = match said {
                Ok(_) if untouched > 0 => {
                    wrong("this compares a value as a whole", "compare its number: `.mean`, `.low`, `.high` or `.n`")
                }
                Ok(said) => {
                    *text = said;
                    return;
                }
                Err(error) => error,
            };
            let (mistake, range) = Mistake::of(&error, &functions::NAMES);
            self.note(mistake, range.clone(), text, origin);
            let Some(without) = range.and_then(|range| without(&rest, &range)) else { return };
            rest = without;
        }
    }

    fn note(&mut self, mistake: Mistake, range: Option<Range<usize>>, text: &str, origin: Option<&Origin>) {
        let part = range.and_then(|range| Some((text.get(range.clone())?, text.get(..range.start)?)));
        let (words, before) = part.unwrap_or((text.trim(), ""));
        let first = words.lines().next().unwrap_or("").trim_end();
        let nth = if first.is_empty() { 0 } else { before.matches(first).count() };
        self.problems.push(match origin {
            Some(origin) => origin.problem_within((words, nth), mistake.message, &mistake.help),
            None => Problem {
                severity: Severity::Error,
                message: format!("`{words}`: {}", mistake.message),
                help: (!mistake.help.is_empty()).then_some(mistake.help),
                label: String::new(),
                source: None,
                span: 0..0,
            },
        });
    }

    fn finish(self) -> Result<(), ReportError> {
        if self.problems.is_empty() {
            return Ok(());
        }
        let mut problems = Problems(self.problems);
        problems.sort();
        Err(ReportError::Values(problems))
    }
}

/// The text with blanks in place of the value that a part of it belongs to.
fn without(text: &str, part: &Range<usize>) -> Option<String> {
    let before = text.get(..part.start)?;
    let start = before.rfind("{{").filter(|at| before.rfind("{%").is_none_or(|other| other < *at))?;
    let end = part.end + text.get(part.end..)?.find("}}")? + 2;
    Some(format!("{}{}{}", &text[..start], " ".repeat(end - start), &text[end..]))
}

/// `fig.kl` is `Figure 3`.
#[derive(Debug)]
struct Figures(Vec<String>);

impl Object for Figures {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let key = key.as_str()?;
        let number = self.0.iter().position(|name| name == key).map(|place| format!("Figure {}", place + 1));
        let unknown = || -> Error {
            let known: Vec<&str> = self.0.iter().map(String::as_str).collect();
            wrong(format!("no figure of this report is called `{key}`"), suggestion(key, &known))
        };
        Some(number.map_or_else(|| unknown().into(), Value::from))
    }
}
