//! Fixed kernel centres: a hexagonal grid in the circle of radius K/2, one grid for each mosaic.

/// `neurons` points (row, column) in pixels, mosaic by mosaic. Where the neurons cannot be divided evenly, the first
/// mosaics have one more.
pub fn hexagonal(neurons: usize, mosaics: usize, kernel_size: usize) -> Vec<[f64; 2]> {
    let middle = (kernel_size as f64 - 1.0) / 2.0;
    (0..mosaics)
        .map(|mosaic| neurons / mosaics + usize::from(mosaic < neurons % mosaics))
        .flat_map(|count| grid(count, kernel_size as f64 / 2.0))
        .map(|[x, y]| [x + middle, y + middle])
        .collect()
}

/// The `count` innermost points of the widest hexagonal grid around 0 that has that many points in the circle.
fn grid(count: usize, radius: f64) -> Vec<[f64; 2]> {
    if count == 0 {
        return Vec::new();
    }
    let (mut narrow, mut wide) = (radius / (count as f64 + 1.0), 2.0 * radius);
    for _ in 0..60 {
        let spacing = (narrow + wide) / 2.0;
        if points(spacing, radius).len() >= count { narrow = spacing } else { wide = spacing }
    }
    let mut points = points(narrow, radius);
    points.sort_by(|a, b| a[0].hypot(a[1]).total_cmp(&b[0].hypot(b[1])));
    points.truncate(count);
    points
}

fn points(spacing: f64, radius: f64) -> Vec<[f64; 2]> {
    let row_height = spacing * 3f64.sqrt() / 2.0;
    let (rows, columns) = ((radius / row_height) as i64, (radius / spacing) as i64 + 1);
    (-rows..=rows)
        .flat_map(|row| {
            let shift = if row % 2 == 0 { 0.0 } else { spacing / 2.0 };
            (-columns..=columns).map(move |column| [row as f64 * row_height, column as f64 * spacing + shift])
        })
        .filter(|[x, y]| x.hypot(*y) <= radius)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn centres_are_distinct_and_inside() {
        for (neurons, mosaics, size) in [(1, 1, 5), (7, 1, 10), (30, 1, 18), (300, 10, 18), (23, 4, 12)] {
            let centers = hexagonal(neurons, mosaics, size);
            assert_eq!(centers.len(), neurons);
            let middle = (size as f64 - 1.0) / 2.0;
            assert!(centers.iter().all(|[x, y]| (x - middle).hypot(y - middle) <= size as f64 / 2.0 + 1e-9));
            let grid = &centers[..neurons.div_ceil(mosaics)];
            let spacing = |a: &[f64; 2], b: &[f64; 2]| (a[0] - b[0]).hypot(a[1] - b[1]);
            let nearest = |i: usize| {
                let others = grid.iter().enumerate().filter(|(j, _)| *j != i);
                others.map(|(_, other)| spacing(&grid[i], other)).fold(f64::INFINITY, f64::min)
            };
            let nearest: Vec<f64> = (0..grid.len()).map(nearest).collect();
            assert!(nearest.iter().all(|d| grid.len() == 1 || (d - nearest[0]).abs() < 1e-6), "{nearest:?}");
        }
    }
}
