//! Numbers as people read them.

/// The number with so many significant digits, without trailing zeros.
pub fn significant(x: f64, digits: usize) -> String {
    if x == 0.0 || !x.is_finite() {
        return x.to_string();
    }
    let magnitude = x.abs().log10().floor() as i32;
    if !(-5..=6).contains(&magnitude) {
        let text = format!("{x:.*e}", digits.saturating_sub(1));
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        return format!("{}e{exponent}", trimmed(mantissa));
    }
    let decimals = (digits as i32 - 1 - magnitude).max(0) as usize;
    trimmed(&format!("{x:.decimals$}")).to_owned()
}

/// A mean and what stands after `±`, both with the decimals that give the latter two significant digits.
pub fn with_error(mean: f64, half_width: f64) -> (String, String) {
    let magnitude = half_width.abs().log10().floor();
    if !mean.is_finite() || !half_width.is_finite() || half_width == 0.0 || !(-9.0..=7.0).contains(&magnitude) {
        return (significant(mean, 5), significant(half_width, 2));
    }
    let decimals = (1 - magnitude as i32).max(0) as usize;
    (format!("{mean:.decimals$}"), format!("{half_width:.decimals$}"))
}

fn trimmed(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}
