//! How many runs a worker is sent in one message.

/// Seconds of work that one message should hold: long against a message's own cost (0.1 ms a run), short enough
/// that Ctrl-C, the last runs of a sweep and a dying worker do not notice.
const SECONDS: f64 = 0.25;
/// The most runs of one message.
const MOST: usize = 512;

/// How many of `waiting` runs a worker is given at once, when a run takes about `seconds` (not known: one) and
/// `slots` share the work: never so many that another slot would go without at the end.
pub fn batch_size(waiting: usize, slots: usize, seconds: Option<f64>) -> usize {
    let Some(seconds) = seconds else { return 1 };
    let by_time = (SECONDS / seconds.max(1e-6)) as usize;
    let fair = waiting.div_ceil(2 * slots.max(1));
    by_time.min(fair).clamp(1, MOST)
}

#[cfg(test)]
mod tests {
    use super::batch_size;

    #[test]
    fn long_runs_travel_alone_and_short_ones_together() {
        assert_eq!(batch_size(10_000, 2, None), 1);
        assert_eq!(batch_size(10_000, 2, Some(60.0)), 1);
        assert_eq!(batch_size(10_000, 2, Some(0.025)), 10);
        assert_eq!(batch_size(10_000, 2, Some(0.0)), 512);
    }

    #[test]
    fn the_last_runs_are_shared_out() {
        assert_eq!(batch_size(8, 2, Some(0.001)), 2);
        assert_eq!(batch_size(30, 3, Some(0.001)), 5);
        assert_eq!(batch_size(1, 2, Some(0.001)), 1);
        assert_eq!(batch_size(0, 0, Some(0.001)), 1);
    }
}
