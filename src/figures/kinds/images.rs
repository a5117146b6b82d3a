//! `matrix` and `kernels`: arrays as images, a panel a cell of the grid. Neurons of different seeds do not correspond,
//! so one run stands for each cell (the first seed), and the figure says which.

use super::number;
use crate::figures::FiguresError;
use crate::figures::color::{Map, PAPER, Rgb};
use crate::figures::groups::Groups;
use crate::figures::picture::{Axis, Data, Legend, Mark, Picture, Row, Scale};
use crate::figures::source::{Source, Tensor};
use crate::figures::spread::quantile;
use crate::spec::Figure;
use crate::store::RunState;

/// Receptive fields that a mosaic shows.
const TILES: usize = 64;
/// Values that go under the figure, in all.
const DATA: usize = 20_000;

/// One panel's array with its place.
struct Panel<'s> {
    row: usize,
    column: usize,
    run: &'s RunState,
    array: Tensor,
}

/// Square arrays on one colour scale: around zero, or in decades with `log: true`.
pub fn matrix(figure: &Figure, source: &Source, groups: &Groups) -> Result<Picture, FiguresError> {
    let (columns, row_names, panels) = arrange(figure, source, groups)?;
    let all = || panels.iter().flat_map(|panel| &panel.array.values).map(|v| f64::from(v.abs()));
    let mut sizes: Vec<f64> = all().filter(|v| v.is_finite() && *v > 0.0).collect();
    sizes.sort_by(f64::total_cmp);
    let (least, most) = match (sizes.first(), sizes.last()) {
        (Some(_), Some(last)) => (quantile(&sizes, 0.02), *last),
        _ => (0.1, 1.0),
    };
    let least = if least < most { least } else { most / 10.0 };
    let color = |v: f32| match f64::from(v) {
        v if figure.log_y => Map::Viridis.at((v.abs().max(f64::MIN_POSITIVE) / least).ln() / (most / least).ln()),
        v => Map::Diverging.at(0.5 + 0.5 * v / most),
    };
    let mut data = Data { columns: ["run", "row", "column", "value"].map(str::to_owned).to_vec(), rows: Vec::new() };
    let mut rows = empty_rows(&row_names, columns.len(), "neuron");
    let mut largest = 1;
    for panel in &panels {
        let (height, width) = square(&panel.array)?;
        largest = largest.max(height);
        let cells: Vec<Rgb> = panel.array.values.iter().map(|v| color(*v)).collect();
        let sides = [0.0, 1.0, 0.0, 1.0];
        rows[panel.row].panels[panel.column].push(Mark::Raster { sides, size: (width, height), cells });
        for (i, value) in panel.array.values.iter().enumerate().take(DATA.saturating_sub(data.rows.len())) {
            let place = [(i / width).to_string(), (i % width).to_string(), number(f64::from(*value))];
            data.rows.push(std::iter::once(panel.run.run.to_string()).chain(place).collect());
        }
    }
    let unit = match figure.y.as_slice() {
        [only] => source.label(only),
        _ => "value".to_owned(),
    };
    let legend = if figure.log_y {
        Legend::Bar { title: format!("|{unit}|"), map: Map::Viridis, scale: Scale::Log(least, most) }
    } else {
        Legend::Bar { title: unit, map: Map::Diverging, scale: Scale::Linear(-most, most) }
    };
    Ok(Picture {
        title: figure.heading(),
        columns,
        rows,
        x: Axis { label: format!("neuron (of {largest})"), scale: Scale::Bare(0.0, 1.0) },
        legend,
        notes: notes(figure, groups, &panels),
        aspect: Some(1.0),
        data,
    })
}

/// Receptive fields [L·K², J] as a mosaic: red and blue for one colour, the cones' own colours for three.
pub fn kernels(figure: &Figure, source: &Source, groups: &Groups) -> Result<Picture, FiguresError> {
    let (columns, row_names, panels) = arrange(figure, source, groups)?;
    let mut rows = empty_rows(&row_names, columns.len(), "");
    let mut data =
        Data { columns: ["run", "neuron", "color", "y", "x", "value"].map(str::to_owned).to_vec(), rows: Vec::new() };
    let (mut shown, mut cones) = (0, 1);
    // The mosaic's own shape, so that its pixels are square.
    let mut aspect = 1.0;
    for panel in &panels {
        let colors = panel.run.parameters.get("colors").and_then(|c| c.as_i64()).unwrap_or(1).max(1) as usize;
        let [pixels, neurons] = *panel.array.shape.as_slice() else {
            return Err(FiguresError::Shape("`kernels` needs an array of two dimensions, [L·K², J]".to_owned()));
        };
        let (pixels, neurons) = (pixels as usize, neurons as usize);
        let side = ((pixels / colors) as f64).sqrt().round() as usize;
        if side * side * colors != pixels || pixels * neurons != panel.array.values.len() {
            return Err(FiguresError::Shape(format!("{pixels} rows are no {colors} square kernels")));
        }
        let tiles = neurons.min(TILES);
        (shown, cones) = (shown.max(neurons), cones.max(colors));
        let across = (tiles as f64).sqrt().ceil() as usize;
        let down = tiles.div_ceil(across);
        let (width, height) = (across * (side + 1) - 1, down * (side + 1) - 1);
        aspect = width as f64 / height as f64;
        let mut cells = vec![PAPER; width * height];
        for j in 0..tiles {
            let value =
                |color: usize, pixel: usize| f64::from(panel.array.values[(color * side * side + pixel) * neurons + j]);
            let most = (0..colors).flat_map(|c| (0..side * side).map(move |p| (c, p)));
            let most = most.map(|(c, p)| value(c, p).abs()).fold(f64::MIN_POSITIVE, f64::max);
            let (left, top) = ((j % across) * (side + 1), (j / across) * (side + 1));
            for pixel in 0..side * side {
                let parts: Vec<f64> = (0..colors).map(|color| value(color, pixel) / most).collect();
                cells[(top + pixel / side) * width + left + pixel % side] = blend(&parts);
                for (color, part) in parts.iter().enumerate() {
                    if data.rows.len() * data.columns.len() < DATA {
                        data.rows.push(vec![
                            panel.run.run.to_string(),
                            j.to_string(),
                            color.to_string(),
                            (pixel / side).to_string(),
                            (pixel % side).to_string(),
                            number(part * most),
                        ]);
                    }
                }
            }
        }
        let sides = [0.0, 1.0, 0.0, 1.0];
        rows[panel.row].panels[panel.column].push(Mark::Raster { sides, size: (width, height), cells });
    }
    let mut notes = notes(figure, groups, &panels);
    let hues = match cones {
        1 => "red above, blue below zero",
        2 => "L and S as red and blue",
        _ => "L, M, S as red, green, blue",
    };
    notes.insert(0, format!("each kernel on its own scale: {hues}"));
    if shown > TILES {
        notes.insert(1, format!("the first {TILES} of {shown} neurons"));
    }
    Ok(Picture {
        title: figure.heading(),
        columns,
        rows,
        x: Axis { label: String::new(), scale: Scale::Bare(0.0, 1.0) },
        legend: Legend::None,
        notes,
        aspect: Some(aspect),
        data,
    })
}

/// One value a colour, each from −1 to 1.
fn blend(parts: &[f64]) -> Rgb {
    let byte = |x: f64| (128.0 + 127.0 * x.clamp(-1.0, 1.0)).round() as u8;
    match parts {
        [one] => Map::Diverging.at(0.5 + 0.5 * one),
        // L and S.
        [l, s] => Rgb(byte(*l), byte(0.0), byte(*s)),
        [l, m, s, ..] => Rgb(byte(*l), byte(*m), byte(*s)),
        [] => PAPER,
    }
}

fn square(array: &Tensor) -> Result<(usize, usize), FiguresError> {
    match array.shape.as_slice() {
        [rows, columns] if *rows > 0 && (rows * columns) as usize == array.values.len() => {
            Ok((*rows as usize, *columns as usize))
        }
        shape => Err(FiguresError::Shape(format!("`matrix` needs an array of two dimensions; this one has {shape:?}"))),
    }
}

fn empty_rows(names: &[String], columns: usize, y: &str) -> Vec<Row> {
    let row = |name: &String| Row {
        label: name.clone(),
        y: Axis { label: y.to_owned(), scale: Scale::Bare(0.0, 1.0) },
        panels: vec![Vec::new(); columns],
    };
    names.iter().map(row).collect()
}

fn notes(figure: &Figure, groups: &Groups, panels: &[Panel]) -> Vec<String> {
    let mut seeds: Vec<u64> = panels.iter().map(|panel| panel.run.seed).collect();
    seeds.sort_unstable();
    seeds.dedup();
    let mut steps: Vec<u64> = panels.iter().map(|panel| panel.array.step).collect();
    steps.sort_unstable();
    steps.dedup();
    let words = |numbers: &[u64]| numbers.iter().take(4).map(u64::to_string).collect::<Vec<_>>().join(", ");
    // A probe's arrays have the step of the checkpoint, too.
    let mut notes = vec![format!("seed {}, after {} steps", words(&seeds), words(&steps))];
    notes.extend(groups.notes(figure).into_iter().filter(|note| !note.starts_with("taken together")));
    notes
}

type Arranged<'s> = (Vec<String>, Vec<String>, Vec<Panel<'s>>);

/// Columns are the facet's levels, or the colours; rows the arrays with the row facet's levels.
fn arrange<'s>(figure: &Figure, source: &Source<'s>, groups: &Groups<'s>) -> Result<Arranged<'s>, FiguresError> {
    let mut columns = Vec::new();
    let mut cells = Vec::new();
    for (heading, level) in groups.headings().iter().zip(&groups.columns) {
        for color in &groups.colors {
            let label = [heading, &color.label].into_iter().filter(|part| !part.is_empty()).cloned();
            columns.push(label.collect::<Vec<_>>().join(" · "));
            cells.push((level, color));
        }
    }
    let (mut names, mut panels) = (Vec::new(), Vec::new());
    for name in &figure.y {
        let mut arrays = source.tensors(&groups.runs, name, figure.reduce)?;
        if arrays.is_empty() {
            return Err(source.missing("array", name));
        }
        for level in &groups.rows {
            let label = groups.row_name(level);
            let several = figure.y.len() > 1;
            let sweep = if several { name.as_str() } else { "" };
            names.push(format!("{sweep} {label}").trim().to_owned());
            for (column, (column_level, color)) in cells.iter().enumerate() {
                let mut own = groups.colored(&groups.panel(level, column_level), color);
                own.sort_by_key(|run| run.seed);
                let found = own.into_iter().find_map(|run| Some((run, arrays.remove(run.run.as_str())?)));
                if let Some((run, array)) = found {
                    panels.push(Panel { row: names.len() - 1, column, run, array });
                }
            }
        }
    }
    let used: Vec<usize> = (0..columns.len()).filter(|c| panels.iter().any(|panel| panel.column == *c)).collect();
    for panel in &mut panels {
        panel.column = used.iter().position(|c| *c == panel.column).unwrap_or(0);
    }
    Ok((used.into_iter().map(|c| columns[c].clone()).collect(), names, panels))
}
