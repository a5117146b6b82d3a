//! As many points as a panel has pixels: of each column of pixels the first and last point stay, and the lowest and
//! highest of every line that belongs together, so a peak one step wide is seen at any zoom.

use std::collections::BTreeSet;

/// The places of the points that stay, in order. `x` is in order; of each of `lines`, which are as long, the extremes
/// and the first gap of each column stay.
pub(super) fn kept(x: &[f64], lines: &[&[f64]], width: usize) -> Vec<usize> {
    let (Some(first), Some(last)) = (x.first(), x.last()) else { return Vec::new() };
    if x.len() <= 2 * width || last <= first {
        return (0..x.len()).collect();
    }
    let column = |x: f64| (((x - first) / (last - first)) * width as f64) as usize;
    let mut places = Vec::new();
    let mut begin = 0;
    while begin < x.len() {
        let here = column(x[begin]);
        let end = begin + x[begin..].iter().take_while(|x| column(**x) == here).count();
        let mut stay = BTreeSet::from([begin, end - 1]);
        for line in lines {
            let finite = || (begin..end).filter(|place| line[*place].is_finite());
            stay.extend(finite().min_by(|a, b| line[*a].total_cmp(&line[*b])));
            stay.extend(finite().max_by(|a, b| line[*a].total_cmp(&line[*b])));
            stay.extend((begin..end).find(|place| !line[*place].is_finite()));
        }
        places.extend(stay);
        begin = end;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::kept;

    #[test]
    fn a_peak_one_step_wide_stays_at_every_zoom() {
        let mut y = vec![0.0; 1_000_000];
        y[765_432] = 9.0;
        let x: Vec<f64> = (0..1_000_000).map(f64::from).collect();
        for (from, to) in [(0, 1_000_000), (700_000, 800_000), (765_000, 766_000), (765_431, 765_434)] {
            let places = kept(&x[from..to], &[&y[from..to]], 600);
            assert!(places.len() <= 4 * 601 && places.contains(&(765_432 - from)), "{from} to {to}");
        }
    }

    #[test]
    fn gaps_stay_and_uneven_steps_have_columns_of_their_own() {
        let mut y = vec![1.0; 10_000];
        y[5_000] = f64::NAN;
        let x: Vec<f64> = (0..10_000).map(|i| f64::from(i).powi(3)).collect();
        let places = kept(&x, &[&y], 50);
        assert!(places.contains(&5_000) && places.contains(&0) && places.contains(&9_999));
        assert!(places.is_sorted());
    }
}
