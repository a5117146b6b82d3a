//! Shows progress on standard error: bars on a terminal, a plain line now and then elsewhere.

use crate::presence::view::{SlotView, View, Watch, duration};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// How often plain lines are written: at first soon, then as seldom as this.
const SELDOM: Duration = Duration::from_secs(60);

/// Bars on a terminal, plain lines elsewhere.
pub fn to_stderr() -> Box<dyn Watch> {
    if std::io::stderr().is_terminal() { Box::new(Bars::new()) } else { Box::new(Lines::default()) }
}

/// Bars: one for the sweep, a line for each slot.
struct Bars {
    all: MultiProgress,
    sweep: ProgressBar,
    slots: Vec<ProgressBar>,
}

impl Bars {
    fn new() -> Self {
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(10));
        let sweep = all.add(ProgressBar::new(0));
        let color = std::env::var_os("NO_COLOR").is_none();
        let bar = if color { "{bar:30.green}" } else { "{bar:30}" };
        let style = ProgressStyle::with_template(&format!("{{prefix}} {bar} {{msg}}"));
        sweep.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━╸─"));
        Self { all, sweep, slots: Vec::new() }
    }
}

impl Watch for Bars {
    fn show(&mut self, view: &View) {
        self.sweep.set_length(view.total as u64);
        self.sweep.set_position((view.done + view.failed) as u64);
        self.sweep.set_prefix(view.sweep.clone());
        self.sweep.set_message(counts(view));
        while self.slots.len() < view.slots.len() {
            let line = self.all.add(ProgressBar::new_spinner());
            line.set_style(
                ProgressStyle::with_template("  {msg}").unwrap_or_else(|_| ProgressStyle::default_spinner()),
            );
            self.slots.push(line);
        }
        for (line, slot) in self.slots.iter().zip(&view.slots) {
            line.set_message(slot_line(slot, &view.metric));
        }
    }

    fn say(&mut self, line: &str) {
        let _ = self.all.println(crate::record::printable(line));
    }

    fn finish(&mut self) {
        for line in &self.slots {
            line.finish_and_clear();
        }
        self.sweep.abandon();
    }
}

/// A plain line now and then.
#[derive(Default)]
struct Lines {
    last: Option<(Instant, String)>,
    pause: Duration,
}

impl Watch for Lines {
    fn show(&mut self, view: &View) {
        let due = self.last.as_ref().is_none_or(|(at, _)| at.elapsed() >= self.pause);
        let over = view.running == 0 && view.waiting == 0;
        if !due && !over {
            return;
        }
        let line = format!("{}: {}", view.sweep, counts(view));
        if self.last.as_ref().is_none_or(|(_, said)| *said != line) {
            eprintln!("{line}");
            self.pause = (self.pause * 2).clamp(Duration::from_secs(2), SELDOM);
            self.last = Some((Instant::now(), line));
        }
    }

    fn say(&mut self, line: &str) {
        eprintln!("{}", crate::record::printable(line));
    }

    fn finish(&mut self) {}
}

/// `12/40 done (1 diverged) · 2 running · 1 failed · 3.1/min · 8 min left`
pub fn counts(view: &View) -> String {
    let mut words = vec![format!("{}/{} done", view.done, view.total)];
    if view.diverged > 0 {
        words[0] += &format!(" ({} diverged)", view.diverged);
    }
    if view.running > 0 {
        words.push(format!("{} running", view.running));
    }
    if view.failed > 0 {
        words.push(format!("{} failed", view.failed));
    }
    match view.rate {
        rate if rate >= 1.0 => words.push(format!("{rate:.0}/s")),
        rate if rate > 0.0 => words.push(format!("{:.1}/min", rate * 60.0)),
        _ => {}
    }
    if let Some(left) = view.left.filter(|_| view.running + view.waiting > 0) {
        words.push(format!("{} left", duration(left)));
    }
    if !view.note.is_empty() {
        words.push(view.note.clone());
    }
    words.join(" · ")
}

/// `cpu 0   42%  two_losses · fr_learning_rate 0.1 · seed 2   kl 11.23`
pub fn slot_line(slot: &SlotView, metric: &str) -> String {
    if slot.run.is_empty() {
        return format!("{:<12} –", slot.name);
    }
    let done = match slot.fraction {
        Some(fraction) => format!("{:3.0}%", fraction * 100.0),
        None => duration(slot.seconds),
    };
    let value = slot.value.map(|value| format!("   {metric} {value:.4}")).unwrap_or_default();
    format!("{:<12} {done}  {}{value}", slot.name, slot.label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_in_one_line() {
        let view = View {
            total: 40,
            done: 12,
            diverged: 1,
            failed: 1,
            running: 2,
            waiting: 25,
            rate: 0.05,
            left: Some(500.0),
            ..View::default()
        };
        assert_eq!(counts(&view), "12/40 done (1 diverged) · 2 running · 1 failed · 3.0/min · 8 min 20 s left");
    }

    #[test]
    fn a_slot_in_one_line() {
        let slot = SlotView {
            name: "cpu 0".into(),
            label: "lagrange · seed 1".into(),
            run: "0123456789abcdef".into(),
            fraction: Some(0.42),
            value: Some(11.234_56),
            ..SlotView::default()
        };
        assert_eq!(slot_line(&slot, "kl"), "cpu 0         42%  lagrange · seed 1   kl 11.2346");
        assert_eq!(slot_line(&SlotView { name: "cpu 1".into(), ..SlotView::default() }, "kl"), "cpu 1        –");
    }
}
