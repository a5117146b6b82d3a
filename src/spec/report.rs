//! A report as YAML asks for it: a title, numbered sections with text, figures, tables and comparisons, and ideas.
//!
//! ```yaml
//! report: weekly
//! title: Firing rates
//! sweeps: [fr_lr.yaml]          # files, relative to this one
//! last_week: The new method does not work.
//! sections:
//!   - title: Learning rate of the constraint
//!     sweep: fr_lr              # where figures, tables and comparisons come from; needed with several sweeps
//!     text: Rates narrow…
//!     figures: [{kind: curve, color: method}]
//!     tables: [{rows: method, cols: fr_learning_rate}]
//!     compare: [{by: method}]
//!     claims: [{says: two_losses costs information, holds: "difference('kl', by='method', of='two_losses', minus='lagrange').high < 0"}]
//! ideas: [Use a schedule.]
//! ```

use super::figure::make_unique;
use super::node::suggestion;
use super::{Claim, Figure, Filter, Names, Node, Origin, Reduce, Sweep};
use std::path::{Path, PathBuf};

/// A report, checked.
#[derive(Clone, Debug)]
pub struct Report {
    /// A plain folder name.
    pub name: String,
    /// Heading of the page.
    pub title: String,
    /// The report that "what changed" compares with, by name; the newest older one unless said.
    pub since: Option<String>,
    /// The presentation whose masters and layouts slides take.
    pub template: Option<PathBuf>,
    /// The edition that is being built: what changed is told against the last other one of the same name.
    pub edition: Option<String>,
    /// The sweeps it draws from.
    pub sweeps: Vec<Sweep>,
    /// Their files, in the same order.
    pub files: Vec<PathBuf>,
    /// Whether it is the page of one sweep rather than a report of its own: that is compared with no other report, and
    /// no other with it.
    pub is_page: bool,
    /// Markdown: what was known when the week began.
    pub last_week: String,
    /// Numbered sections.
    pub sections: Vec<Section>,
    /// The last list; Markdown.
    pub ideas: Vec<String>,
    /// Where it was written; a sweep's page has no text of its own.
    pub origin: Option<Origin>,
    /// The folder of its file: pictures in its texts may come from below it.
    pub folder: PathBuf,
}

/// One section.
#[derive(Clone, Debug)]
pub struct Section {
    /// Heading.
    pub title: String,
    /// Markdown.
    pub text: String,
    /// In the order of the file.
    pub figures: Vec<SectionFigure>,
    /// Pivots.
    pub tables: Vec<TableRequest>,
    /// Comparisons.
    pub compare: Vec<Comparison>,
    /// What its text concludes.
    pub claims: Vec<Claim>,
    /// The sweep that values in its text are of, where they name none.
    pub sweep: Option<String>,
    /// Where it was written.
    pub origin: Option<Origin>,
}

/// A figure of a section.
#[derive(Clone, Debug)]
pub struct SectionFigure {
    /// The sweep's name.
    pub sweep: String,
    /// What to draw.
    pub figure: Figure,
}

/// A pivot of one summary.
#[derive(Clone, Debug)]
pub struct TableRequest {
    /// The sweep's name.
    pub sweep: String,
    /// The metric.
    pub value: String,
    /// How a history becomes one number.
    pub reduce: Reduce,
    /// Axes down.
    pub rows: Vec<String>,
    /// Axes across.
    pub columns: Vec<String>,
    /// Which runs.
    pub filters: Vec<Filter>,
}

/// Differences between the levels of one axis.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// The sweep's name.
    pub sweep: String,
    /// The metric.
    pub value: String,
    /// How a history becomes one number.
    pub reduce: Reduce,
    /// The axis.
    pub by: String,
    /// Which runs.
    pub filters: Vec<Filter>,
}

impl Report {
    /// Reads a document with `report:` at its top. `open` reads the sweep of a file, and puts what is wrong with it
    /// into the document's problems itself. Mistakes go to the document's problems.
    pub fn read(node: &Node, folder: &Path, open: &dyn Fn(&Node, &Path) -> Option<Sweep>) -> Option<Self> {
        node.check_keys(&["report", "title", "since", "template", "sweeps", "last_week", "sections", "ideas"]);
        let name_node = node.get("report")?;
        let name = name_node.text()?;
        if !is_folder_name(&name) {
            name_node.error(format!("`{name}` cannot name a folder"), "use letters, digits, `-` and `_`");
        }
        let mut sweeps: Vec<Sweep> = Vec::new();
        let mut files = Vec::new();
        for item in node.get("sweeps").iter().flat_map(Node::items) {
            let Some(text) = item.text() else { continue };
            let Some(sweep) = open(&item, &folder.join(&text)) else { continue };
            if sweeps.iter().any(|other| other.name == sweep.name) {
                item.error(format!("the sweep `{}` is named twice", sweep.name), "");
            } else {
                sweeps.push(sweep);
                files.push(folder.join(&text));
            }
        }
        if node.get("sweeps").is_none() {
            node.error("a report needs `sweeps`".to_owned(), "list the files of its sweeps, relative to this file");
            return None;
        }
        let read = |item: &Node| read_section(item, &sweeps);
        let mut sections: Vec<Section> =
            node.get("sections").iter().flat_map(Node::items).filter_map(|item| read(&item)).collect();
        make_unique(sections.iter_mut().flat_map(|s| &mut s.figures).map(|entry| &mut entry.figure));
        let text = |key: &str| node.get(key).and_then(|node| node.text());
        Some(Self {
            title: text("title").unwrap_or_else(|| name.clone()),
            since: text("since"),
            template: text("template").map(|file| folder.join(file)),
            edition: None,
            last_week: text("last_week").unwrap_or_default(),
            ideas: node.get("ideas").iter().flat_map(Node::items).filter_map(|idea| idea.text()).collect(),
            folder: folder.to_owned(),
            origin: Some(node.origin().clone()),
            is_page: false,
            name,
            sweeps,
            files,
            sections,
        })
    }
}

fn is_folder_name(name: &str) -> bool {
    let plain = name.chars().all(|c| c.is_alphanumeric() || "-_. ".contains(c));
    plain && !name.is_empty() && !name.starts_with('.') && name.trim() == name && name.len() <= 100
}

fn read_section(node: &Node, sweeps: &[Sweep]) -> Option<Section> {
    node.value.as_mapping().or_else(|| {
        node.error(format!("expected a section with `title` and `text`, found {}", node.found()), "");
        None
    })?;
    node.check_keys(&["title", "sweep", "text", "figures", "tables", "compare", "claims"]);
    let list = |key: &str| node.get(key).map(|node| node.items()).unwrap_or_default();
    let own = match (node.get("sweep"), sweeps) {
        (Some(named), _) => find_sweep(node, Some(named), sweeps),
        (None, [only]) => Some(only),
        (None, _) => None,
    };
    let sweep = |item: &Node| match item.get("sweep") {
        Some(own) => find_sweep(item, Some(own), sweeps),
        None => find_sweep(item, node.get("sweep"), sweeps),
    };
    Some(Section {
        title: node.get("title").and_then(|title| title.text()).unwrap_or_default(),
        text: node.get("text").and_then(|text| text.text()).unwrap_or_default(),
        figures: list("figures").iter().filter_map(|item| read_figure(item, sweep(item)?)).collect(),
        tables: list("tables").iter().filter_map(|item| read_table(item, sweep(item)?)).collect(),
        compare: list("compare").iter().filter_map(|item| read_comparison(item, sweep(item)?)).collect(),
        claims: node.get("claims").map(|claims| Claim::read_all(&claims)).unwrap_or_default(),
        sweep: own.map(|sweep| sweep.name.clone()),
        origin: Some(node.origin().clone()),
    })
}

fn find_sweep<'s>(item: &Node, named: Option<Node>, sweeps: &'s [Sweep]) -> Option<&'s Sweep> {
    let known: Vec<&str> = sweeps.iter().map(|sweep| &*sweep.name).collect();
    match (named, sweeps) {
        (None, [only]) => Some(only),
        (None, _) => {
            item.error("which `sweep`?".to_owned(), &format!("known here: {}", known.join(", ")));
            None
        }
        (Some(node), _) => {
            let name = node.text()?;
            let found = sweeps.iter().find(|sweep| sweep.name == name);
            if found.is_none() {
                node.error(format!("no sweep is called `{name}`"), &suggestion(&name, &known));
            }
            found
        }
    }
}

/// Parameters that the sweep's own figures may name are known from its description; a command's are not checked.
fn names(sweep: &Sweep) -> Names<'_> {
    Names { description: &sweep.description, parameters: &[], metric: sweep.metric.as_ref() }
}

fn read_figure(item: &Node, sweep: &Sweep) -> Option<SectionFigure> {
    let figure = Figure::read_with(item, &names(sweep), &["sweep"])?;
    Some(SectionFigure { sweep: sweep.name.clone(), figure })
}

fn read_table(item: &Node, sweep: &Sweep) -> Option<TableRequest> {
    item.check_keys(&["sweep", "value", "reduce", "rows", "cols", "where"]);
    let axes = |key: &str| -> Vec<String> {
        let nodes = item.get(key).map(|node| node.items()).unwrap_or_default();
        nodes.iter().filter_map(|node| names(sweep).axis(node)).collect()
    };
    let (value, reduce) = names(sweep).summary(item)?;
    let filters = names(sweep).filters(item);
    Some(TableRequest { sweep: sweep.name.clone(), value, reduce, rows: axes("rows"), columns: axes("cols"), filters })
}

fn read_comparison(item: &Node, sweep: &Sweep) -> Option<Comparison> {
    item.check_keys(&["sweep", "value", "reduce", "by", "where"]);
    let Some(by) = item.get("by") else {
        item.error("a comparison needs `by`: an axis".to_owned(), "");
        return None;
    };
    let (value, reduce) = names(sweep).summary(item)?;
    let filters = names(sweep).filters(item);
    Some(Comparison { sweep: sweep.name.clone(), value, reduce, by: names(sweep).axis(&by)?, filters })
}

impl Report {
    /// The page of one sweep: its figures, and a table of its metric.
    pub fn of_sweep(sweep: Sweep, file: PathBuf) -> Self {
        let entry = |figure: &Figure| SectionFigure { sweep: sweep.name.clone(), figure: figure.clone() };
        let table = sweep.metric.as_ref().map(|metric| TableRequest {
            sweep: sweep.name.clone(),
            value: metric.name.clone(),
            reduce: metric.reduce,
            rows: Vec::new(),
            columns: Vec::new(),
            filters: Vec::new(),
        });
        let section = Section {
            title: if sweep.about.is_empty() { sweep.name.clone() } else { sweep.about.clone() },
            text: String::new(),
            figures: sweep.figures.iter().map(entry).collect(),
            tables: table.into_iter().collect(),
            compare: Vec::new(),
            claims: Vec::new(),
            sweep: Some(sweep.name.clone()),
            origin: None,
        };
        Self {
            name: sweep.name.clone(),
            title: sweep.name.clone(),
            since: None,
            template: None,
            edition: None,
            last_week: String::new(),
            sections: vec![section],
            ideas: Vec::new(),
            folder: sweep.folder.clone(),
            origin: None,
            sweeps: vec![sweep],
            files: vec![file],
            is_page: true,
        }
    }
}
