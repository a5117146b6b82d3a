//! Fewer points that look the same: of each stretch of a line the first, the last, the lowest and the highest stay,
//! so no extreme is lost.

/// A line of at most about four points a bucket; gaps (values that are not finite) stay.
pub fn thin(points: &[(f64, f64)], buckets: usize) -> Vec<(f64, f64)> {
    if points.len() <= 4 * buckets {
        return points.to_vec();
    }
    let mut kept = Vec::with_capacity(4 * buckets);
    for bucket in points.chunks(points.len().div_ceil(buckets)) {
        let finite = || bucket.iter().enumerate().filter(|(_, point)| point.1.is_finite());
        let low = finite().min_by(|a, b| a.1.1.total_cmp(&b.1.1)).map(|(i, _)| i);
        let high = finite().max_by(|a, b| a.1.1.total_cmp(&b.1.1)).map(|(i, _)| i);
        let gap = bucket.iter().position(|point| !point.1.is_finite());
        let mut places: Vec<usize> = [Some(0), low, high, gap, Some(bucket.len() - 1)].into_iter().flatten().collect();
        places.sort_unstable();
        places.dedup();
        kept.extend(places.into_iter().map(|i| bucket[i]));
    }
    kept
}

/// The same for bands: of each bucket one entry that spans its lowest and highest value.
pub fn thin_band(points: &[(f64, f64, f64)], buckets: usize) -> Vec<(f64, f64, f64)> {
    if points.len() <= 4 * buckets {
        return points.to_vec();
    }
    let span = |bucket: &[(f64, f64, f64)]| {
        let (x, low, high) = bucket[bucket.len() / 2];
        let low = bucket.iter().map(|point| point.1).fold(low, f64::min);
        (x, low, bucket.iter().map(|point| point.2).fold(high, f64::max))
    };
    points.chunks(points.len().div_ceil(buckets)).map(span).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_points_keep_their_extremes() {
        let wave = |i: usize| (i as f64 * 0.001).sin();
        let mut points: Vec<(f64, f64)> = (0..1_000_000).map(|i| (i as f64, wave(i))).collect();
        points[123_457].1 = 7.5;
        points[765_432].1 = -9.25;
        let kept = thin(&points, 1000);
        assert!(kept.len() <= 5000, "{}", kept.len());
        assert!(kept.contains(&points[123_457]) && kept.contains(&points[765_432]));
        assert_eq!((kept[0], kept[kept.len() - 1]), (points[0], points[999_999]));
        assert!(kept.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn gaps_stay() {
        let mut points: Vec<(f64, f64)> = (0..100_000).map(|i| (f64::from(i), 1.0)).collect();
        points[50_001].1 = f64::NAN;
        assert!(thin(&points, 100).iter().any(|point| point.1.is_nan()));
    }
}
