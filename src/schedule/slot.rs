//! A slot: the share of a device that one worker holds.

/// Runs that need about the same memory: a worker executes runs of one class only, since what it once allocated it
/// keeps.
pub type Class = u64;

/// A place for one worker.
#[derive(Clone, Debug, PartialEq)]
pub struct Slot {
    /// `gpu 0`, `gpu 1 (1/2)`, `cpu 3`, for people.
    pub name: String,
    /// Places in the list of GPUs; none: CPU cores.
    pub gpus: Vec<usize>,
    /// Who is in it.
    pub state: SlotState,
}

/// Who is in a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SlotState {
    /// Nobody.
    Empty,
    /// A worker that waits, and the memory class of what it executed.
    Idle(Class),
    /// A worker that executes.
    Busy {
        /// Its memory class.
        class: Class,
        /// Whether it has its devices to itself.
        alone: bool,
    },
    /// Another tessera process holds it; in words.
    Held(String),
}

impl SlotState {
    /// Whether a worker executes here.
    pub fn is_busy(&self) -> bool {
        matches!(self, Self::Busy { .. })
    }
}

/// Slots of `threads` cores each on a machine with `cores`, or as many as `wanted`. At least one.
pub fn cpu_slots(cores: usize, threads: u32, wanted: Option<usize>) -> Vec<Slot> {
    let count = wanted.unwrap_or(cores / threads.max(1) as usize).max(1);
    let slot = |i| Slot { name: format!("cpu {i}"), gpus: Vec::new(), state: SlotState::Empty };
    (0..count).map(slot).collect()
}

/// Slots for runs that need `share` of a GPU (0.5: two to a GPU; 2: two GPUs each) on GPUs with these names.
/// None where there are fewer GPUs than one run needs.
pub fn gpu_slots(names: &[String], share: f64, wanted: Option<usize>) -> Vec<Slot> {
    let mut slots = Vec::new();
    if share >= 1.0 {
        for (i, group) in names.chunks_exact(share.ceil() as usize).enumerate() {
            let first = i * group.len();
            let gpus = (first..first + group.len()).collect();
            slots.push(Slot { name: group.join(" + "), gpus, state: SlotState::Empty });
        }
    } else {
        // A share such as 0.33 is meant as a third, whatever its last digits say.
        let sharers = ((1.0 / share.max(0.01)) + 0.05).floor() as usize;
        // All GPUs get their first worker before any gets a second.
        for part in 1..=sharers {
            for (i, name) in names.iter().enumerate() {
                slots.push(Slot { name: format!("{name} ({part}/{sharers})"), gpus: vec![i], state: SlotState::Empty });
            }
        }
    }
    slots.truncate(wanted.unwrap_or(usize::MAX).max(1));
    slots
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(slots: &[Slot]) -> Vec<&str> {
        slots.iter().map(|slot| slot.name.as_str()).collect()
    }

    #[test]
    fn cores_are_shared_out_by_threads() {
        assert_eq!(names(&cpu_slots(8, 4, None)), ["cpu 0", "cpu 1"]);
        assert_eq!(cpu_slots(2, 4, None).len(), 1);
        assert_eq!(cpu_slots(2, 1, Some(5)).len(), 5);
    }

    #[test]
    fn gpus_are_shared_or_grouped() {
        let gpus = ["gpu 0".to_owned(), "gpu 1".to_owned(), "gpu 2".to_owned()];
        assert_eq!(names(&gpu_slots(&gpus, 1.0, None)), ["gpu 0", "gpu 1", "gpu 2"]);
        assert_eq!(names(&gpu_slots(&gpus[..1], 0.5, None)), ["gpu 0 (1/2)", "gpu 0 (2/2)"]);
        assert_eq!(gpu_slots(&gpus[..1], 0.33, None).len(), 3);
        let pairs = gpu_slots(&gpus, 2.0, None);
        assert_eq!((names(&pairs), pairs[0].gpus.as_slice()), (vec!["gpu 0 + gpu 1"], [0, 1].as_slice()));
        assert!(gpu_slots(&gpus[..1], 2.0, None).is_empty());
        assert_eq!(names(&gpu_slots(&gpus, 0.5, Some(4)))[3], "gpu 0 (2/2)");
    }
}
