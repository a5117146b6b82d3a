//! Spells a count: `1 run`, `3 runs`.

/// `1 run`, `2 runs`.
pub fn counted(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}
