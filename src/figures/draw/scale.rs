//! From values to places on the sheet, and the ticks of an axis.

use crate::figures::picture::Scale;
use plotters::coord::ranged1d::{BoldPoints, Ranged};
use plotters::coord::types::RangedCoordf64;

impl Scale {
    /// The share of the way from the axis' beginning to its end.
    pub fn share(&self, value: f64) -> f64 {
        match self {
            // Halves, where the whole range is more than a float holds.
            Self::Linear(low, high) | Self::Bare(low, high) if !(high - low).is_finite() => {
                (value / 2.0 - low / 2.0) / (high / 2.0 - low / 2.0)
            }
            Self::Linear(low, high) | Self::Bare(low, high) => (value - low) / (high - low),
            Self::Log(low, high) => (value.max(f64::from_bits(1)).ln() - low.ln()) / (high.ln() - low.ln()),
            Self::Names(names) => (value + 0.5) / names.len().max(1) as f64,
        }
    }

    /// At most about `count` ticks: place and label.
    pub fn ticks(&self, count: usize) -> Vec<(f64, String)> {
        match self {
            Self::Linear(low, high) if is_extreme(*low, *high) => few(*low, *high, count),
            Self::Linear(low, high) => {
                let axis: RangedCoordf64 = (*low..*high).into();
                let mut points = axis.key_points(BoldPoints(count.max(2)));
                points.retain(|x| (*low..=*high).contains(x));
                // A tick that stands alone is spelled as if the next were a power of ten away.
                let alone = 10f64.powf((high - low).log10().floor());
                let step = points.windows(2).map(|pair| pair[1] - pair[0]).reduce(f64::min).unwrap_or(alone);
                points.into_iter().map(|x| (x, spelled(x, step))).collect()
            }
            Self::Log(low, high) => {
                let ticks = decades(*low, *high, count);
                // Between two powers of ten there may be none.
                if ticks.is_empty() { few(*low, *high, count) } else { ticks }
            }
            Self::Names(names) => names.iter().enumerate().map(|(i, name)| (i as f64, name.clone())).collect(),
            Self::Bare(..) => Vec::new(),
        }
    }
}

/// Ranges on which counting in decimal steps from one end to the other does not come to an end.
fn is_extreme(low: f64, high: f64) -> bool {
    let (span, largest) = (high - low, low.abs().max(high.abs()));
    !(1e-290..1e290).contains(&span) || largest > 1e290 || span < largest * 1e-9
}

/// Round ticks by their number, not by adding up steps.
fn few(low: f64, high: f64, count: usize) -> Vec<(f64, String)> {
    let rough = (high / 2.0 - low / 2.0) / count.max(2) as f64 * 2.0;
    if !(rough > 0.0 && rough.is_finite()) {
        return Vec::new();
    }
    let power = 10f64.powf(rough.log10().floor());
    let step =
        [1.0, 2.0, 5.0, 10.0].into_iter().map(|factor| factor * power).find(|step| *step >= rough).unwrap_or(rough);
    let first = (low / step).ceil();
    let places = (0..=count.max(2)).map(|i| (first + i as f64) * step);
    places.filter(|x| (low..=high).contains(x)).map(|x| (x, raised(x, step))).collect()
}

/// `1.05e−3`, with as many digits as tell it from the next tick.
fn raised(x: f64, step: f64) -> String {
    if x == 0.0 {
        return "0".to_owned();
    }
    let digits = (x.abs().log10().floor() - step.log10().floor()).clamp(1.0, 16.0) as usize;
    minus(format!("{x:.digits$e}"))
}

/// A tick's number with as many decimals as its step needs.
fn spelled(x: f64, step: f64) -> String {
    let largest = x.abs().max(step);
    if largest >= 1e5 && step.is_finite() {
        let thousands = if largest >= 1e6 { (1e6, "M") } else { (1e3, "k") };
        let scaled = x / thousands.0;
        let decimals = decimals(step / thousands.0);
        return if x == 0.0 { "0".to_owned() } else { minus(format!("{scaled:.decimals$}{}", thousands.1)) };
    }
    if step < 1e-4 {
        return raised(x, step);
    }
    let decimals = decimals(step);
    // -0.0 is 0.
    minus(format!("{:.decimals$}", if x.abs() < step / 1e6 { 0.0 } else { x }))
}

fn decimals(step: f64) -> usize {
    (0..=6).find(|&d| ((step * 10f64.powi(d)).round() / 10f64.powi(d) - step).abs() < step * 1e-6).unwrap_or(6) as usize
}

/// The typographer's minus.
pub fn minus(text: String) -> String {
    text.replace('-', "−")
}

/// 1, 10, 100 … with 2 and 5 between where there is room.
fn decades(low: f64, high: f64, count: usize) -> Vec<(f64, String)> {
    let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
    let whole = (last - first).max(1) as usize;
    let every = whole.div_ceil(count.max(2)).max(1) as i32;
    let factors: &[f64] = match whole {
        _ if every > 1 => &[1.0],
        n if n * 3 <= count + 2 => &[1.0, 2.0, 5.0],
        n if n <= 1 => &[1.0, 2.0, 5.0],
        _ => &[1.0],
    };
    let powers = (first..=last).filter(|p| p.rem_euclid(every) == 0);
    let values = powers.flat_map(|p| factors.iter().map(move |f| (f * 10f64.powi(p), p)));
    values.filter(|(x, _)| (low..=high).contains(x)).map(|(x, p)| (x, power(x, p))).collect()
}

/// `0.01`, `100`, `10⁻⁶`.
fn power(x: f64, exponent: i32) -> String {
    if (-4..=4).contains(&exponent) {
        let decimals = (-exponent).max(0) as usize;
        return format!("{x:.decimals$}");
    }
    let digits = ["⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"];
    let raised: String =
        exponent.abs().to_string().chars().filter_map(|c| c.to_digit(10)).map(|d| digits[d as usize]).collect();
    let factor = (x / 10f64.powi(exponent)).round();
    let sign = if exponent < 0 { "⁻" } else { "" };
    if factor == 1.0 { format!("10{sign}{raised}") } else { format!("{factor}·10{sign}{raised}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(scale: Scale, count: usize) -> Vec<String> {
        scale.ticks(count).into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn every_range_has_few_ticks() {
        let ends = [0.0, 1e-308, 1e-300, 1.0, 1.0 + 1e-12, 1e15, 1e300, f64::MAX, -1.0, -1e300, f64::MIN];
        for low in ends {
            for high in ends.into_iter().filter(|high| *high > low) {
                let mut scales = vec![Scale::Linear(low, high)];
                scales.extend((low > 0.0).then_some(Scale::Log(low, high)));
                for scale in scales {
                    let ticks = scale.ticks(7);
                    let names: std::collections::HashSet<&String> = ticks.iter().map(|(_, name)| name).collect();
                    assert!(ticks.len() <= 12 && names.len() == ticks.len(), "{scale:?}: {ticks:?}");
                    assert!((scale.share(low)).abs() < 1e-9 && (scale.share(high) - 1.0).abs() < 1e-9, "{scale:?}");
                }
            }
        }
    }

    #[test]
    fn ticks_are_round_and_as_long_as_their_step() {
        assert_eq!(labels(Scale::Linear(0.0, 1.0), 6), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(labels(Scale::Linear(0.0, 1_500_000.0), 4).last().map(String::as_str), Some("1.5M"));
        assert_eq!(labels(Scale::Linear(10.0, 1500.0), 2), ["1000"]);
        assert_eq!(labels(Scale::Log(1e-3, 1.0), 4), ["0.001", "0.01", "0.1", "1"]);
        assert_eq!(labels(Scale::Log(1e-8, 1e-5), 4), ["10⁻⁸", "10⁻⁷", "10⁻⁶", "10⁻⁵"]);
        assert!(labels(Scale::Linear(-2.0, 2.0), 5).contains(&"−1".to_owned()));
    }
}
