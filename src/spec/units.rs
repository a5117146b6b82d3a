//! Sizes and times with their units: `4 GiB`, `2h`, `1h30m`.

use std::time::Duration;

const SIZES: [(&str, f64); 9] = [
    ("kib", 1024.0),
    ("mib", 1_048_576.0),
    ("gib", 1_073_741_824.0),
    ("tib", 1_099_511_627_776.0),
    ("b", 1.0),
    ("kb", 1e3),
    ("mb", 1e6),
    ("gb", 1e9),
    ("tb", 1e12),
];

const TIMES: [(&str, f64); 4] = [("s", 1.0), ("m", 60.0), ("h", 3600.0), ("d", 86_400.0)];

/// Bytes of `4 GiB` or `4 GB`, or the remedy.
pub(super) fn bytes(text: &str) -> Result<u64, String> {
    let wrong =
        || "write a number and its unit: `512 MiB`, `4 GiB` (powers of 1024) or `4 GB` (powers of 1000)".to_owned();
    let (number, unit) = split(text).ok_or_else(wrong)?;
    let (_, scale) = SIZES.iter().find(|(word, _)| unit.eq_ignore_ascii_case(word)).ok_or_else(wrong)?;
    let size = number * scale;
    if (1.0..1e18).contains(&size) { Ok(size.round() as u64) } else { Err(wrong()) }
}

/// Millimetres of `85 mm`, `8.5 cm`, `3.35 in` or `7 pt`, or the remedy.
pub(super) fn length(text: &str) -> Result<f64, String> {
    let wrong = || "write a number and its unit: `85 mm`, `8.5 cm`, `3.35 in` or `7 pt`".to_owned();
    let (number, unit) = split(text).ok_or_else(wrong)?;
    let units = [("mm", 1.0), ("cm", 10.0), ("in", 25.4), ("pt", 25.4 / 72.0)];
    let (_, scale) = units.iter().find(|(word, _)| unit.eq_ignore_ascii_case(word)).ok_or_else(wrong)?;
    Ok(number * scale)
}

/// Time of `2h`, `90 s` or `1h30m`, or the remedy.
pub(super) fn time(text: &str) -> Result<Duration, String> {
    let wrong = || "write a number and its unit: `90 s`, `10m`, `2h`, `1h30m` or `3d`".to_owned();
    let mut seconds = 0.0;
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| c.is_alphabetic()).ok_or_else(wrong)?;
        let end = rest[digits..].find(|c: char| !c.is_alphabetic()).map_or(rest.len(), |i| digits + i);
        let (number, unit) = split(&rest[..end]).ok_or_else(wrong)?;
        let unit = match unit.to_lowercase().as_str() {
            "sec" | "second" | "seconds" => "s".to_owned(),
            "min" | "minute" | "minutes" => "m".to_owned(),
            "hour" | "hours" => "h".to_owned(),
            "day" | "days" => "d".to_owned(),
            other => other.to_owned(),
        };
        let (_, scale) = TIMES.iter().find(|(word, _)| unit == *word).ok_or_else(wrong)?;
        seconds += number * scale;
        rest = rest[end..].trim_start();
    }
    if seconds > 0.0 && seconds < 1e9 { Ok(Duration::from_secs_f64(seconds)) } else { Err(wrong()) }
}

fn split(text: &str) -> Option<(f64, &str)> {
    let text = text.trim();
    let end = text.find(|c: char| c.is_alphabetic())?;
    let number: f64 = text[..end].trim().parse().ok()?;
    number.is_finite().then_some((number, text[end..].trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units() {
        assert_eq!(bytes("4 GiB"), Ok(4 << 30));
        assert_eq!(bytes("4GB"), Ok(4_000_000_000));
        assert_eq!(bytes("0.5 MiB"), Ok(512 << 10));
        for text in ["4", "4 Gi", "GiB", "-4 GiB", "4 GiB 1", "nan GiB", "4 hours"] {
            assert!(bytes(text).is_err(), "{text}");
        }
        assert_eq!(time("1h30m"), Ok(Duration::from_secs(5400)));
        assert_eq!(time("90 s"), Ok(Duration::from_secs(90)));
        assert_eq!(time("2 hours"), Ok(Duration::from_secs(7200)));
        for text in ["", "2", "h", "2 w", "0s", "1h30"] {
            assert!(time(text).is_err(), "{text}");
        }
    }
}
