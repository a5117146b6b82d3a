//! The toy's parameters and metrics: gradient ascent on a 2-D Gaussian against a constraint on one coordinate.

use crate::parameter::Parameter;

/// Raised when a default or a meaning changes.
pub const IDENTITY: u32 = 1;

/// The table, with the lab's own values as defaults.
pub fn parameters() -> Vec<Parameter> {
    use Parameter as P;
    vec![
        P::number("x1", 2.0, "Start of the free coordinate."),
        P::number("x2", 1.0, "Start of the constrained coordinate."),
        P::number("learning_rate", 0.01, "Rate of the step of (x1, x2) down −exp(−q).").minimum(0.0),
        P::number("constraint_learning_rate", 0.2, "Rate of the step of x2 down (x2 − target)².").minimum(0.0),
        P::number("constraint_target", 3.0, "Where the constraint holds x2."),
        P::list("center", &[1.0, 1.5], "The Gaussian's centre u."),
        P::list("covariance", &[1.0, 0.7, 0.7, 1.0], "Σ of q = (x−u)ᵀΣ(x−u), row by row (the lab's name for it)."),
        P::integer("iterations", 1000, "Steps.").unit("steps").minimum(1.0),
        P::choice("precision", &["single", "double"], "Floating point of all arithmetic."),
        P::integer("record.every", 100, "Steps between rows of the history; the last step is always recorded.")
            .unit("steps")
            .minimum(1.0)
            .not_identity(),
    ]
}

/// Name, unit, definition.
pub const METRICS: &[(&str, &str, &str)] = &[
    ("x1_now", "", "The free coordinate after the step."),
    ("x2_now", "", "The constrained coordinate after the step."),
    ("loss", "", "−exp(−q) after the step."),
    ("constraint_loss", "", "(x2 − target)² after the step."),
    ("distance", "", "Largest difference of a coordinate from the constrained optimum (about −0.05, 3)."),
    ("arrived", "", "1 where distance is at most 0.05, else 0."),
];
