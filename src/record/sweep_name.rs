//! The one rule for names of sweeps, in specs, in `--as` and below `results/`.

/// Names below `results/` that are no sweeps'.
const RESERVED: [&str; 2] = ["reports", "cache"];

/// The most bytes that a name may have.
const LONGEST: usize = 100;

/// Why a text cannot be a sweep's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SweepNameError {
    /// It is empty.
    #[error("a sweep needs a name")]
    Empty,
    /// It is the name of something else below `results/`.
    #[error("`reports` and `cache` are reserved names")]
    Reserved,
    /// It is no plain folder name.
    #[error("a sweep's name is a plain folder name")]
    NotPlain,
    /// It is longer than file systems take, with what is added to it.
    #[error("a sweep's name has at most {LONGEST} bytes")]
    Long,
}

impl SweepNameError {
    /// The remedy.
    pub const HELP: &str = "letters, digits, `_`, `-`, `+` and `.`; results land in `results/<name>/`";
}

/// Checks a sweep's name.
///
/// # Errors
/// Where it is empty, reserved, too long, begins with a dot, or has other characters than letters, digits and `_-.+`.
pub fn check_sweep_name(name: &str) -> Result<(), SweepNameError> {
    let plain = |c: char| c.is_alphanumeric() || "_-.+".contains(c);
    if name.is_empty() {
        Err(SweepNameError::Empty)
    } else if RESERVED.contains(&name) {
        Err(SweepNameError::Reserved)
    } else if name.starts_with('.') || !name.chars().all(plain) {
        Err(SweepNameError::NotPlain)
    } else if name.len() > LONGEST {
        Err(SweepNameError::Long)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain_folder_names() {
        for name in ["demo", "a-b_c.d+e", "2026-11-26", "größe", &"x".repeat(100)] {
            assert_eq!(check_sweep_name(name), Ok(()), "{name}");
        }
        for (name, wrong) in [
            ("", SweepNameError::Empty),
            ("reports", SweepNameError::Reserved),
            ("cache", SweepNameError::Reserved),
            (".hidden", SweepNameError::NotPlain),
            ("..", SweepNameError::NotPlain),
            ("a b", SweepNameError::NotPlain),
            ("a/b", SweepNameError::NotPlain),
            ("a\\b", SweepNameError::NotPlain),
            ("a\0", SweepNameError::NotPlain),
            (&*"x".repeat(101), SweepNameError::Long),
        ] {
            assert_eq!(check_sweep_name(name), Err(wrong), "{name}");
        }
    }
}
