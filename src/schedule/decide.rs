//! Decides which queued runs start in which slots now; by the same rules, explains why a run does not start.

use super::{Class, Gpu, Slot, SlotState};
use std::collections::{HashMap, VecDeque};

/// A run in the queue.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QueueEntry {
    /// Which run, as the caller counts them.
    pub run: usize,
    /// Its memory class.
    pub class: Class,
    /// Whether nothing else may be on its devices.
    pub alone: bool,
    /// Not before this time, seconds.
    pub not_before: f64,
}

/// What runs can be started on.
#[derive(Clone, Debug, Default)]
pub struct Machine {
    /// Places for workers.
    pub slots: Vec<Slot>,
    /// The GPUs that slots name.
    pub gpus: Vec<Gpu>,
    /// GPU memory (bytes) that a run needs where its class is not known: what the spec says.
    pub memory: Option<u64>,
    /// GPU memory (bytes) that runs of a class were seen to need.
    pub known: HashMap<Class, u64>,
}

/// Start these runs in this slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// Place of the slot.
    pub slot: usize,
    /// The runs, as the caller counts them, in the order of the queue.
    pub runs: Vec<usize>,
    /// Their memory class.
    pub class: Class,
    /// Whether they have the devices to themselves.
    pub alone: bool,
    /// Whether the worker that is there is of another class and must be replaced first.
    pub replace: bool,
}

/// Why a slot does not take a run.
#[derive(Clone, Debug, PartialEq)]
pub enum Reason {
    /// Its worker executes another.
    Busy,
    /// Another tessera holds it.
    Held(String),
    /// Something about a GPU.
    Gpu {
        /// Its name.
        name: String,
        /// What, in words.
        why: String,
    },
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Busy => f.write_str("it executes another run"),
            Self::Held(who) => write!(f, "it is held by {who}"),
            Self::Gpu { name, why } => write!(f, "{name}: {why}"),
        }
    }
}

/// What starts now: the queue in its order, at most `batch` runs of one class to a slot.
pub fn decide(queue: &VecDeque<QueueEntry>, machine: &Machine, batch: usize, now: f64) -> Vec<Start> {
    let mut machine = machine.clone();
    let mut starts: Vec<Start> = Vec::new();
    let mut free =
        machine.slots.iter().filter(|slot| matches!(slot.state, SlotState::Empty | SlotState::Idle(_))).count();
    // A run that must be alone and cannot yet be keeps its place: what comes after it does not take its devices
    // for ever, since only one such run holds back the others.
    let mut open: Option<usize> = None;
    for waiting in queue {
        if waiting.not_before > now {
            continue;
        }
        if let Some(start) = open.map(|i| &mut starts[i])
            && start.runs.len() < batch
            && (start.class, start.alone, waiting.alone) == (waiting.class, false, false)
        {
            start.runs.push(waiting.run);
            continue;
        }
        if free == 0 {
            break;
        }
        open = None;
        let Some(slot) = best(waiting, &machine, now) else {
            if waiting.alone {
                break;
            }
            continue;
        };
        let state = SlotState::Busy { class: waiting.class, alone: waiting.alone };
        let before = std::mem::replace(&mut machine.slots[slot].state, state);
        let fresh = before != SlotState::Idle(waiting.class);
        let need = machine.need(waiting.class);
        for &gpu in &machine.slots[slot].gpus {
            machine.gpus[gpu].free = machine.gpus[gpu].free.saturating_sub(if fresh { need } else { 0 });
            if fresh {
                machine.gpus[gpu].settling_until = Some(f64::INFINITY);
            }
        }
        free -= 1;
        open = Some(starts.len());
        starts.push(Start {
            slot,
            runs: vec![waiting.run],
            class: waiting.class,
            alone: waiting.alone,
            replace: matches!(before, SlotState::Idle(class) if class != waiting.class),
        });
    }
    starts
}

/// Why each slot does not take a run now; empty where one does.
pub fn explain(waiting: &QueueEntry, machine: &Machine, now: f64) -> Vec<(String, Reason)> {
    let mut reasons = Vec::new();
    for (i, slot) in machine.slots.iter().enumerate() {
        match obstacle(waiting, i, machine, now) {
            None => return Vec::new(),
            Some(reason) => reasons.push((slot.name.clone(), reason)),
        }
    }
    reasons
}

/// The slot that takes the run at the least cost: a worker of its class, else an empty slot, else one to replace.
fn best(waiting: &QueueEntry, machine: &Machine, now: f64) -> Option<usize> {
    let cost = |slot: usize| match machine.slots[slot].state {
        SlotState::Idle(class) if class == waiting.class => 0,
        SlotState::Empty => 1,
        _ => 2,
    };
    (0..machine.slots.len()).filter(|&slot| obstacle(waiting, slot, machine, now).is_none()).min_by_key(|&s| cost(s))
}

fn obstacle(waiting: &QueueEntry, place: usize, machine: &Machine, now: f64) -> Option<Reason> {
    let slot = &machine.slots[place];
    match &slot.state {
        SlotState::Busy { .. } => return Some(Reason::Busy),
        SlotState::Held(who) => return Some(Reason::Held(who.clone())),
        SlotState::Empty | SlotState::Idle(_) => {}
    }
    // A worker of the class holds its memory already.
    let starts = slot.state != SlotState::Idle(waiting.class);
    for &gpu in &slot.gpus {
        let neighbours = machine.slots.iter().enumerate().filter(|(i, s)| *i != place && s.gpus.contains(&gpu));
        let busy = neighbours.clone().any(|(_, s)| s.state.is_busy());
        let taken = neighbours.clone().any(|(_, s)| matches!(s.state, SlotState::Busy { alone: true, .. }));
        let why = match &machine.gpus[gpu] {
            Gpu { obstacle: Some(obstacle), .. } => obstacle.to_string(),
            _ if taken => "a run has it to itself after it ran out of memory".to_owned(),
            _ if waiting.alone && busy => "the run needs it to itself after it ran out of memory".to_owned(),
            Gpu { settling_until: Some(until), .. } if starts && *until > now => {
                "the memory of the last start there has not settled yet".to_owned()
            }
            Gpu { free, .. } if starts && *free < machine.need(waiting.class) => {
                let (free, need) = (mib(*free), mib(machine.need(waiting.class)));
                format!("{free} MiB are free and the run needs {need} MiB")
            }
            _ => continue,
        };
        return Some(Reason::Gpu { name: machine.gpus[gpu].name.clone(), why });
    }
    // Without a GPU, alone means that no other worker of ours executes on the machine.
    let mut others = machine.slots.iter().filter(|other| other.gpus.is_empty());
    let held_back = others.any(|other| match other.state {
        SlotState::Busy { alone, .. } => alone || waiting.alone,
        _ => false,
    });
    (slot.gpus.is_empty() && held_back).then_some(Reason::Busy)
}

fn mib(bytes: u64) -> u64 {
    bytes >> 20
}

impl Machine {
    /// Bytes of GPU memory that a run of this class is expected to need.
    fn need(&self, class: Class) -> u64 {
        let known = self.known.get(&class).copied();
        known.max(self.memory).unwrap_or(0)
    }

    /// How many slots there are that this process may use.
    pub fn usable(&self) -> usize {
        self.slots.iter().filter(|slot| !matches!(slot.state, SlotState::Held(_))).count()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Obstacle, cpu_slots, gpu_slots};
    use super::*;

    fn waiting(run: usize) -> QueueEntry {
        QueueEntry { run, class: 0, alone: false, not_before: 0.0 }
    }

    fn queue(n: usize) -> VecDeque<QueueEntry> {
        (0..n).map(waiting).collect()
    }

    fn cpu(slots: usize) -> Machine {
        Machine { slots: cpu_slots(slots, 1, None), ..Machine::default() }
    }

    fn gpus(n: usize, share: f64, memory: u64) -> Machine {
        let gpu = |i| Gpu {
            name: format!("gpu {i}"),
            uuid: format!("GPU-{i}"),
            total: 10 << 30,
            free: 10 << 30,
            obstacle: None,
            settling_until: None,
        };
        let gpus: Vec<Gpu> = (0..n).map(gpu).collect();
        let names: Vec<String> = gpus.iter().map(|gpu| gpu.name.clone()).collect();
        Machine { slots: gpu_slots(&names, share, None), gpus, memory: Some(memory), ..Machine::default() }
    }

    fn pairs(starts: &[Start]) -> Vec<(usize, Vec<usize>)> {
        starts.iter().map(|start| (start.slot, start.runs.clone())).collect()
    }

    #[test]
    fn the_queue_goes_to_slots_in_order_and_in_batches() {
        assert_eq!(pairs(&decide(&queue(3), &cpu(2), 1, 0.0)), [(0, vec![0]), (1, vec![1])]);
        assert_eq!(pairs(&decide(&queue(5), &cpu(2), 3, 0.0)), [(0, vec![0, 1, 2]), (1, vec![3, 4])]);
        assert!(decide(&queue(0), &cpu(2), 1, 0.0).is_empty());
    }

    #[test]
    fn busy_and_held_slots_take_nothing() {
        let mut machine = cpu(3);
        machine.slots[0].state = SlotState::Busy { class: 0, alone: false };
        machine.slots[1].state = SlotState::Held("tessera 17".into());
        assert_eq!(pairs(&decide(&queue(3), &machine, 1, 0.0)), [(2, vec![0])]);
        machine.slots[2].state = SlotState::Busy { class: 0, alone: false };
        let reasons = explain(&waiting(0), &machine, 0.0);
        assert_eq!(reasons[1].1.to_string(), "it is held by tessera 17");
    }

    #[test]
    fn a_paused_run_is_passed_over_until_its_time() {
        let mut queue = queue(2);
        queue[0].not_before = 5.0;
        assert_eq!(pairs(&decide(&queue, &cpu(1), 1, 4.0)), [(0, vec![1])]);
        assert_eq!(pairs(&decide(&queue, &cpu(1), 1, 5.0)), [(0, vec![0])]);
    }

    #[test]
    fn workers_keep_to_their_memory_class() {
        let mut machine = gpus(2, 1.0, 1 << 30);
        machine.slots[0].state = SlotState::Idle(7);
        machine.slots[1].state = SlotState::Idle(8);
        let run = QueueEntry { class: 8, ..waiting(0) };
        let starts = decide(&VecDeque::from([run, QueueEntry { run: 1, ..run }]), &machine, 1, 0.0);
        assert_eq!(starts.iter().map(|s| (s.slot, s.replace)).collect::<Vec<_>>(), [(1, false), (0, true)]);
    }

    #[test]
    fn an_empty_slot_is_taken_before_a_worker_is_replaced() {
        let mut machine = gpus(2, 1.0, 0);
        machine.slots[0].state = SlotState::Idle(7);
        let starts = decide(&VecDeque::from([QueueEntry { class: 8, ..waiting(0) }]), &machine, 1, 0.0);
        assert_eq!(starts.iter().map(|s| (s.slot, s.replace)).collect::<Vec<_>>(), [(1, false)]);
    }

    #[test]
    fn what_has_one_gpu_to_itself_keeps_nobody_off_another() {
        let mut machine = gpus(2, 0.5, 0);
        machine.slots[0].state = SlotState::Busy { class: 0, alone: true };
        assert_eq!(machine.slots[1].gpus, [1]);
        assert_eq!(pairs(&decide(&queue(1), &machine, 1, 0.0)), [(1, vec![0])]);
    }

    #[test]
    fn a_gpu_takes_its_second_worker_when_the_first_has_settled() {
        let mut machine = gpus(1, 0.5, 1 << 30);
        let starts = decide(&queue(2), &machine, 1, 0.0);
        assert_eq!(pairs(&starts), [(0, vec![0])]);
        machine.slots[0].state = SlotState::Busy { class: 0, alone: false };
        machine.gpus[0].settling_until = Some(30.0);
        assert!(decide(&queue(1), &machine, 1, 29.0).is_empty());
        assert!(explain(&waiting(0), &machine, 29.0)[1].1.to_string().contains("not settled"));
        assert_eq!(pairs(&decide(&queue(1), &machine, 1, 30.0)), [(1, vec![0])]);
    }

    #[test]
    fn memory_is_checked_before_a_start_with_what_was_seen() {
        let mut machine = gpus(1, 1.0, 1 << 30);
        machine.gpus[0].free = 2 << 30;
        assert_eq!(decide(&queue(1), &machine, 1, 0.0).len(), 1);
        machine.known.insert(0, 2 << 30);
        assert_eq!(decide(&queue(1), &machine, 1, 0.0).len(), 1, "just enough");
        machine.known.insert(0, 3 << 30);
        assert!(decide(&queue(1), &machine, 1, 0.0).is_empty());
        let why = explain(&waiting(0), &machine, 0.0)[0].1.to_string();
        assert_eq!(why, "gpu 0: 2048 MiB are free and the run needs 3072 MiB");
        // Its own idle worker already holds what it needs.
        machine.slots[0].state = SlotState::Idle(0);
        assert_eq!(decide(&queue(1), &machine, 1, 0.0).len(), 1);
    }

    #[test]
    fn foreign_work_and_lost_gpus_are_left_alone() {
        for obstacle in [Obstacle::Foreign("bob's python".into()), Obstacle::Gone] {
            let mut machine = gpus(2, 1.0, 0);
            machine.gpus[0].obstacle = Some(obstacle);
            assert_eq!(pairs(&decide(&queue(2), &machine, 1, 0.0)), [(1, vec![0])]);
        }
    }

    #[test]
    fn a_run_alone_waits_for_its_gpu_and_then_keeps_others_off() {
        let mut machine = gpus(1, 0.5, 0);
        machine.slots[0].state = SlotState::Busy { class: 0, alone: false };
        let alone = QueueEntry { alone: true, ..waiting(0) };
        let queue = VecDeque::from([alone, waiting(1)]);
        assert!(decide(&queue, &machine, 1, 0.0).is_empty());
        machine.slots[0].state = SlotState::Empty;
        assert_eq!(pairs(&decide(&queue, &machine, 1, 0.0)), [(0, vec![0])]);
        machine.slots[0].state = SlotState::Busy { class: 0, alone: true };
        assert!(decide(&VecDeque::from([waiting(1)]), &machine, 1, 0.0).is_empty());
    }

    #[test]
    fn a_run_alone_on_cores_waits_for_the_other_workers() {
        let mut machine = cpu(2);
        machine.slots[0].state = SlotState::Busy { class: 0, alone: false };
        let alone = QueueEntry { alone: true, ..waiting(0) };
        assert!(decide(&VecDeque::from([alone]), &machine, 1, 0.0).is_empty());
        machine.slots[0].state = SlotState::Empty;
        assert_eq!(decide(&VecDeque::from([alone]), &machine, 1, 0.0).len(), 1);
        machine.slots[0].state = SlotState::Busy { class: 0, alone: true };
        assert!(decide(&queue(1), &machine, 1, 0.0).is_empty());
    }
}
