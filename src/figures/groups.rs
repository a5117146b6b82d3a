//! Runs that belong together: those in one panel, and in it those of one colour.

use super::FiguresError;
use super::color::{Palette, Rgb, nth};
use super::picture::{Axis, Data, Key, Legend, Mark, Picture, Row, Scale, Sign};
use super::source::{Source, levels, spelled};
use crate::analyse::level_value;
use crate::record::Value;
use crate::spec::{Figure, FigureKind};
use crate::store::{RunState, Status};
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

/// The runs of a figure, divided by its axes.
pub struct Groups<'s> {
    /// All of them.
    pub runs: Vec<&'s RunState>,
    /// Levels down the panels' rows; one null where there is no such axis.
    pub rows: Vec<Value>,
    /// Levels across the panels' columns; one null where there is no such axis.
    pub columns: Vec<Value>,
    /// What colours tell apart.
    pub colors: Vec<Color>,
    row_axis: Option<String>,
    column_axis: Option<String>,
    color_axes: Vec<String>,
    /// Axes with more levels than can be drawn, in words.
    too_many: Vec<String>,
}

/// So many panels across or down are drawn at most, so many colours or places along an axis, and so many cells of a
/// heatmap across or down. Of more levels the first are drawn, and a note says so.
const PANELS: usize = 60;
const PLACES: usize = 1_000;
const CELLS: usize = 2_000;

/// One colour of a figure.
#[derive(Clone, Debug)]
pub struct Color {
    /// The levels on the colour axes.
    levels: Vec<Value>,
    /// As the legend shows it.
    pub label: String,
    /// The colour.
    pub color: Rgb,
}

impl<'s> Groups<'s> {
    /// Divides the figure's runs. Without a `color`, the axes that no panel and not the figure's own x tells apart
    /// make the colours together, so that unlike runs are never averaged unasked. The bars of a profile are its x, and a
    /// heatmap has no colours but its own.
    pub fn of(figure: &Figure, source: &Source<'s>, palette: &Palette) -> Self {
        let runs = source.chosen(figure);
        let shown = |axis: &String| {
            [&figure.facet_row, &figure.facet_column, &figure.x, &figure.down].into_iter().flatten().any(|a| a == axis)
        };
        let color_axes = match (figure.kind, &figure.color, &figure.x) {
            (FigureKind::Heatmap, ..) => Vec::new(),
            (FigureKind::Profile, color, Some(x)) => color.iter().chain([x]).cloned().collect(),
            (_, Some(axis), _) => vec![axis.clone()],
            (_, None, _) => {
                let panels = [&figure.facet_row, &figure.facet_column, &figure.x].map(Option::as_ref);
                let panels: Vec<&String> = panels.into_iter().flatten().collect();
                let open: Vec<String> = Source::axes(&runs).into_iter().filter(|axis| !shown(axis)).collect();
                telling(&runs, &panels, open)
            }
        };
        let mut runs = runs;
        let mut too_many = Vec::new();
        let places = match figure.kind {
            FigureKind::Heatmap => Some(CELLS),
            FigureKind::Box | FigureKind::Violin | FigureKind::Profile => Some(PLACES),
            _ => None,
        };
        for (axis, most) in [
            (&figure.facet_row, Some(PANELS)),
            (&figure.facet_column, Some(PANELS)),
            (&figure.x, places),
            (&figure.down, places),
        ] {
            if let (Some(axis), Some(most)) = (axis, most) {
                keep_first(&mut runs, std::slice::from_ref(axis), most, &mut too_many);
            }
        }
        let found = keep_first(&mut runs, &color_axes, PLACES, &mut too_many);
        let labels = labels(&found);
        let color = |(i, (levels, label)): (usize, (Vec<Value>, String))| Color {
            label,
            color: match (color_axes.as_slice(), levels.as_slice()) {
                ([axis], [level]) => palette.level(axis, level),
                _ => nth(i),
            },
            levels,
        };
        let colors = found.into_iter().zip(labels).enumerate().map(color).collect();
        let along = |axis: &Option<String>| axis.as_ref().map_or(vec![Value::Null], |axis| levels(&runs, axis));
        Self {
            rows: along(&figure.facet_row),
            columns: along(&figure.facet_column),
            row_axis: figure.facet_row.clone(),
            column_axis: figure.facet_column.clone(),
            colors,
            color_axes,
            runs,
            too_many,
        }
    }

    /// The runs of one panel.
    pub fn panel(&self, row: &Value, column: &Value) -> Vec<&'s RunState> {
        let at = |run: &RunState, axis: &Option<String>, value: &Value| {
            axis.as_ref().is_none_or(|axis| level_value(run, axis) == *value)
        };
        let inside = |run: &&&RunState| at(run, &self.row_axis, row) && at(run, &self.column_axis, column);
        self.runs.iter().filter(inside).copied().collect()
    }

    /// The runs of one colour among those of a panel.
    pub fn colored(&self, panel: &[&'s RunState], color: &Color) -> Vec<&'s RunState> {
        let own =
            |run: &RunState| self.color_axes.iter().zip(&color.levels).all(|(axis, l)| level_value(run, axis) == *l);
        panel.iter().filter(|run| own(run)).copied().collect()
    }

    /// The legend of the colours; none where there is one.
    pub fn legend(&self, sign: Sign) -> Legend {
        if self.colors.len() < 2 && self.color_axes.is_empty() {
            return Legend::None;
        }
        let key = |color: &Color| Key { label: color.label.clone(), color: color.color, sign };
        Legend::Keys { title: self.color_axes.join(" · "), keys: self.colors.iter().map(key).collect() }
    }

    /// The headings of the columns.
    pub fn headings(&self) -> Vec<String> {
        let heading = |level: &Value| match &self.column_axis {
            Some(axis) => format!("{axis} = {}", spelled(level)),
            None => String::new(),
        };
        self.columns.iter().map(heading).collect()
    }

    /// The name of a row.
    pub fn row_name(&self, level: &Value) -> String {
        self.row_axis.as_ref().map_or(String::new(), |axis| format!("{axis} = {}", spelled(level)))
    }

    /// Names of the data's columns that say which group a row is of.
    pub fn data_columns(&self) -> Vec<String> {
        let axes = self.row_axis.iter().chain(&self.column_axis).chain(&self.color_axes);
        axes.cloned().collect()
    }

    /// The cells of those columns.
    pub fn data_cells(&self, row: &Value, column: &Value, color: &Color) -> Vec<String> {
        let row = self.row_axis.is_some().then(|| row.to_string());
        let column = self.column_axis.is_some().then(|| column.to_string());
        row.into_iter().chain(column).chain(color.levels.iter().map(Value::to_string)).collect()
    }

    /// What the reader must know of the runs: those that diverged, failed or are not over, and axes that were pooled.
    pub fn notes(&self, figure: &Figure) -> Vec<String> {
        let count = |status: Status| self.runs.iter().filter(|run| run.status == status).count();
        let all = self.runs.len();
        let crossed = !matches!(
            figure.kind,
            FigureKind::Histogram
                | FigureKind::Matrix
                | FigureKind::Kernels
                | FigureKind::BeforeAfter
                | FigureKind::Trajectory
                | FigureKind::Profile
        );
        let mut notes = Vec::new();
        for (status, words) in [
            (Status::Diverged, if crossed { "diverged (×)" } else { "diverged: shown as far as they came" }),
            (Status::Failed, "failed: shown as far as they came"),
            (Status::Stopped, "stopped: shown as far as they came"),
            (Status::Running, "still running"),
            (Status::Unknown, "of unknown state"),
        ] {
            match count(status) {
                0 => {}
                n => notes.push(format!("{n} of {all} runs {words}")),
            }
        }
        notes.extend(self.too_many.iter().cloned());
        let told = [&figure.facet_row, &figure.facet_column, &figure.x, &figure.down].map(Option::as_ref);
        let told: Vec<&String> = told.into_iter().flatten().chain(&self.color_axes).collect();
        let pooled = Source::axes(&self.runs).into_iter().filter(|axis| !told.contains(&axis));
        // A parameter that is active for one colour alone tells nothing that the colour does not tell.
        let pooled: Vec<String> = pooled.filter(|axis| self.varies_inside(figure, axis)).collect();
        let pooled = telling(&self.runs, &told, pooled);
        if !pooled.is_empty() {
            notes.push(format!("taken together over {}", pooled.join(", ")));
        }
        notes
    }

    /// Whether runs that are shown as one differ on the axis.
    fn varies_inside(&self, figure: &Figure, axis: &str) -> bool {
        let shown = [&figure.x, &figure.down];
        let place = |run: &RunState| shown.map(|shown| shown.as_ref().map(|axis| level_value(run, axis).to_string()));
        let together = |panel: &[&'s RunState], color: &Color| {
            let mut seen = HashMap::new();
            let mut own = self.colored(panel, color).into_iter();
            own.any(|run| *seen.entry(place(run)).or_insert_with(|| level_value(run, axis)) != level_value(run, axis))
        };
        self.rows.iter().any(|row| {
            self.columns.iter().any(|column| {
                let panel = self.panel(row, column);
                self.colors.iter().any(|color| together(&panel, color))
            })
        })
    }
}

/// The levels of some axes together, in the order in which runs have them; of more than `most` only runs with the first
/// ones are kept, which `too_many` says.
fn keep_first(runs: &mut Vec<&RunState>, axes: &[String], most: usize, too_many: &mut Vec<String>) -> Vec<Vec<Value>> {
    let own = |run: &RunState| axes.iter().map(|axis| level_value(run, axis)).collect::<Vec<_>>();
    let key = |levels: &[Value]| levels.iter().map(|level| (level.to_string(), level.as_f64().is_some())).collect();
    let mut found: Vec<Vec<Value>> = Vec::new();
    let mut places: HashMap<Vec<(String, bool)>, bool> = HashMap::new();
    for run in runs.iter() {
        let levels = own(run);
        let count = found.len();
        if let Entry::Vacant(new) = places.entry(key(&levels)) {
            new.insert(count < most);
            if count < most {
                found.push(levels);
            }
        }
    }
    if places.len() > most {
        runs.retain(|run| places.get(&key(&own(run))).copied().unwrap_or(false));
        too_many.push(format!("the first {most} of {} levels of {} are drawn", places.len(), axes.join(" · ")));
    }
    found
}

/// Of the axes those that tell runs apart which the panels leave together. One that is inactive somewhere is left out
/// where the rest tells as much: what a schedule is, says its name, and its factor nothing more.
fn telling(runs: &[&RunState], panels: &[&String], axes: Vec<String>) -> Vec<String> {
    let groups = |axes: &[String]| {
        let levels = |run: &&RunState| {
            let all = panels.iter().copied().chain(axes);
            all.map(|axis| level_value(run, axis).to_string()).collect::<Vec<_>>()
        };
        runs.iter().map(levels).collect::<HashSet<_>>().len()
    };
    let all = groups(&axes);
    let mut kept = axes.clone();
    for axis in &axes {
        let rest: Vec<String> = kept.iter().filter(|other| *other != axis).cloned().collect();
        let inactive = runs.iter().any(|run| level_value(run, axis) == Value::Null);
        if inactive && groups(&rest) == all {
            kept = rest;
        }
    }
    kept
}

/// The names of colours: inactive axes are left out where that leaves no two with one name.
fn labels(colors: &[Vec<Value>]) -> Vec<String> {
    let named = |levels: &[Value], all: bool| {
        let told = levels.iter().filter(|level| all || **level != Value::Null).map(spelled).collect::<Vec<_>>();
        if told.is_empty() && !levels.is_empty() { spelled(&Value::Null) } else { told.join(" · ") }
    };
    let short: Vec<String> = colors.iter().map(|levels| named(levels, false)).collect();
    let unlike: HashSet<&String> = short.iter().collect();
    if unlike.len() == colors.len() { short } else { colors.iter().map(|levels| named(levels, true)).collect() }
}

/// The picture of a figure without runs.
pub fn nothing(figure: &Figure) -> Picture {
    let bare = || Axis { label: String::new(), scale: Scale::Bare(0.0, 1.0) };
    let words = Mark::Words { at: (0.5, 0.5), text: "no runs match".to_owned(), color: super::color::MUTED };
    Picture {
        title: figure.heading(),
        columns: vec![String::new()],
        rows: vec![Row { label: String::new(), y: bare(), panels: vec![vec![words]] }],
        x: bare(),
        legend: Legend::None,
        notes: figure.filters.iter().map(|filter| format!("where {filter}")).collect(),
        aspect: Some(4.0),
        data: Data::default(),
    }
}

/// Marks in every panel, made from its runs.
///
/// # Errors
/// The first error of a panel.
pub fn panels<'s>(
    groups: &Groups<'s>,
    mut make: impl FnMut(&Value, &Value, &[&'s RunState]) -> Result<Vec<Mark>, FiguresError>,
) -> Result<Vec<Vec<Vec<Mark>>>, FiguresError> {
    let row = |row: &Value| groups.columns.iter().map(|column| make(row, column, &groups.panel(row, column))).collect();
    groups.rows.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inactive_axes_are_named_only_where_they_must_be() {
        let text = |word: &str| Value::from(word);
        let told = [vec![text("both"), Value::Null], vec![Value::Null, text("rate")], vec![Value::Null, Value::Null]];
        assert_eq!(labels(&told), ["both", "rate", "–"]);
        let twins = [vec![text("a"), Value::Null], vec![Value::Null, text("a")]];
        assert_eq!(labels(&twins), ["a · –", "– · a"]);
        assert_eq!(labels(&[Vec::new()]), [""], "a figure without colours");
    }
}
