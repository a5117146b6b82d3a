//! `profile`: where the time of a step goes, a stacked bar a group of runs.

use super::number;
use crate::figures::FiguresError;
use crate::figures::color::nth;
use crate::figures::groups::{Groups, panels};
use crate::figures::picture::{Axis, Data, Key, Legend, Mark, Picture, Row, Scale, Sign};
use crate::figures::source::Source;
use crate::spec::{Figure, Reduce};

pub fn picture(figure: &Figure, source: &Source, groups: &Groups) -> Result<Picture, FiguresError> {
    // Phases that these runs did not record are left out.
    let phases: Vec<String> = figure.y.iter().filter(|phase| source.metrics.contains(phase)).cloned().collect();
    if phases.is_empty() {
        return Err(source.missing("metric", &figure.y.join(", ")));
    }
    let steps = source.seconds_a_step(&groups.runs, &phases, figure.reduce)?;
    let mut data = Data { columns: groups.data_columns(), rows: Vec::new() };
    data.columns.extend(["phase", "milliseconds a step", "n"].map(str::to_owned));
    let mut longest = 0.0f64;
    let made = panels(groups, |row, column, runs| {
        let mut marks = Vec::new();
        for (place, color) in groups.colors.iter().enumerate() {
            let own = groups.colored(runs, color);
            let sample: Vec<&Vec<f64>> = own.iter().filter_map(|run| steps.get(run.run.as_str())).collect();
            if sample.is_empty() {
                continue;
            }
            // The first group stands at the top.
            let at = (groups.colors.len() - 1 - place) as f64;
            let mut from = 0.0;
            for (phase, name) in phases.iter().enumerate() {
                let mean = 1000.0 * sample.iter().map(|run| run[phase]).sum::<f64>() / sample.len() as f64;
                let sides = [from, from + mean, at - 0.36, at + 0.36];
                marks.push(Mark::Bar { sides, color: nth(phase), opacity: 0.9 });
                from += mean;
                let own = [short(name).to_owned(), number(mean), sample.len().to_string()];
                data.rows.push(groups.data_cells(row, column, color).into_iter().chain(own).collect());
            }
            longest = longest.max(from);
        }
        Ok(marks)
    })?;
    let names: Vec<String> = groups.colors.iter().rev().map(|color| color.label.clone()).collect();
    let title = match groups.legend(Sign::Patch) {
        Legend::Keys { title, .. } => title,
        _ => String::new(),
    };
    let rows = groups.rows.iter().zip(made).map(|(level, panels)| Row {
        label: groups.row_name(level),
        y: Axis { label: title.clone(), scale: Scale::Names(names.clone()) },
        panels,
    });
    let key = |(i, phase): (usize, &String)| Key { label: short(phase).to_owned(), color: nth(i), sign: Sign::Patch };
    let mut notes = groups.notes(figure);
    if let Reduce::MeanLast(_) = figure.reduce {
        notes.insert(0, format!("{} of the rows", figure.reduce));
    }
    Ok(Picture {
        title: figure.heading(),
        columns: groups.headings(),
        rows: rows.collect(),
        x: Axis {
            label: "time a step (ms)".to_owned(),
            scale: Scale::Linear(0.0, if longest > 0.0 { longest * 1.04 } else { 1.0 }),
        },
        legend: Legend::Keys { title: "phase".to_owned(), keys: phases.iter().enumerate().map(key).collect() },
        notes,
        aspect: Some((3.2 / groups.colors.len().max(1) as f64 * 2.0).clamp(1.2, 4.0)),
        data,
    })
}

fn short(phase: &str) -> &str {
    phase.strip_prefix("seconds_").unwrap_or(phase)
}
