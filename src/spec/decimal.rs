//! Decimal arithmetic, so that `0.1x` of 0.03 is 0.003 and eleven values from 0 to 1 are 0, 0.1, 0.2 … on every machine.
//!
//! A float stands for its shortest decimal spelling. Where a result has too many digits, floats are used as they are.

use crate::record::Value;

/// `digits · 10^exponent`
#[derive(Clone, Copy)]
struct Decimal {
    digits: i128,
    exponent: i32,
}

impl Decimal {
    fn of(x: f64) -> Option<Self> {
        let text = format!("{x:e}");
        let (mantissa, exponent) = text.split_once('e')?;
        let places = mantissa.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        let digits = mantissa.replace('.', "").parse().ok()?;
        Some(Self { digits, exponent: exponent.parse::<i32>().ok()? - places as i32 })
    }

    /// Digits over the smaller of two exponents.
    fn aligned(self, other: Self) -> Option<(i128, i128, i32)> {
        let exponent = self.exponent.min(other.exponent);
        let at = |d: Self| d.digits.checked_mul(10_i128.checked_pow((d.exponent - exponent) as u32)?);
        Some((at(self)?, at(other)?, exponent))
    }

    /// The nearest float.
    fn to_f64(self) -> Option<f64> {
        format!("{}e{}", self.digits, self.exponent).parse().ok()
    }
}

/// `a + b`
pub(super) fn add(a: f64, b: f64) -> f64 {
    let exact = || {
        let (x, y, exponent) = Decimal::of(a)?.aligned(Decimal::of(b)?)?;
        Decimal { digits: x.checked_add(y)?, exponent }.to_f64()
    };
    exact().unwrap_or(a + b)
}

/// `a · b`, decimals exact: 0.1 · 0.03 is 0.003.
pub fn multiply(a: f64, b: f64) -> f64 {
    let exact = || {
        let (x, y) = (Decimal::of(a)?, Decimal::of(b)?);
        Decimal { digits: x.digits.checked_mul(y.digits)?, exponent: x.exponent + y.exponent }.to_f64()
    };
    exact().unwrap_or(a * b)
}

/// The value at `i` of `n` steps from `a` to `b`, ends exact.
pub(super) fn between(a: f64, b: f64, i: u64, n: u64) -> f64 {
    let exact = || {
        let (x, y, exponent) = Decimal::of(a)?.aligned(Decimal::of(b)?)?;
        let sum = x.checked_mul(i128::from(n - i))?.checked_add(y.checked_mul(i128::from(i))?)?;
        let parts = i128::from(n);
        if sum % parts == 0 {
            return Decimal { digits: sum / parts, exponent }.to_f64();
        }
        // Twenty digits of the quotient name the nearest float.
        let (mut sum, mut exponent) = (sum, exponent);
        while (sum / parts).abs() < 10_i128.pow(20) {
            sum = sum.checked_mul(10)?;
            exponent -= 1;
        }
        Decimal { digits: sum / parts, exponent }.to_f64()
    };
    exact().unwrap_or_else(|| a + (b - a) * (i as f64 / n as f64))
}

/// Rounded to so many significant digits.
pub(super) fn round(x: f64, digits: usize) -> f64 {
    format!("{x:.*e}", digits.saturating_sub(1)).parse().unwrap_or(x)
}

/// A number as parameters hold it.
pub(super) fn number(x: f64) -> Value {
    Value::Number(x).canonical()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_exact() {
        assert_eq!(multiply(0.1, 0.03), 0.003);
        assert_eq!(multiply(3.0, 0.1), 0.3);
        assert_eq!(add(1.0, -0.9), 0.1);
        assert_eq!(add(0.1, 0.2), 0.3);
        assert_eq!((0..=10).map(|i| between(0.0, 1.0, i, 10)).collect::<Vec<_>>()[3], 0.3);
        assert_eq!(between(0.0, 1.0, 1, 3), 1.0 / 3.0);
        assert_eq!(between(-1.0, 2.0, 3, 3), 2.0);
        assert_eq!(multiply(1e200, 1e150), f64::INFINITY);
        assert_eq!(round(0.000_316_227_766, 6), 0.000_316_228);
        assert!(between(1e-300, 1e300, 1, 2).is_finite());
    }
}
