//! Slurm without Slurm: scripts, and what its programs said, recorded from 22.05 on loopback and published by others.

use std::path::Path;
use std::time::Duration;
use tessera::slurm::queue::{Phase, QueueRow, TaskEnd, config, sacct, scontrol, squeue, time_left};
use tessera::slurm::script::Script;
use tessera::spec::{Resources, Slurm};

/// The recorded array: ten tasks, four at once. 0 was done, 1 had failed, 2 had been put back into the queue, 3 was
/// cancelled while it was executed and 9 while it waited, which leaves no trace.
fn phases(rows: &[QueueRow]) -> Vec<Option<Phase>> {
    (0..10).map(|task| rows.iter().rfind(|row| row.is_of(task)).map(|row| row.phase.clone())).collect()
}

fn expected() -> Vec<Option<Phase>> {
    let mut expected =
        vec![Some(Phase::Over(TaskEnd::Completed)), Some(Phase::Over(TaskEnd::Failed)), Some(Phase::Pending)];
    expected.push(Some(Phase::Over(TaskEnd::Cancelled)));
    expected.extend(vec![Some(Phase::Running); 4]);
    expected.extend([Some(Phase::Pending), None]);
    expected
}

#[test]
fn the_queue_as_it_was_recorded() {
    for text in [
        include_str!("slurm/recorded/squeue.plain.txt"),
        include_str!("slurm/recorded/squeue.accounting.txt"),
        include_str!("slurm/recorded/squeue-grouped.plain.txt"),
        include_str!("slurm/recorded/squeue-grouped.accounting.txt"),
    ] {
        let rows = squeue(text);
        assert_eq!(phases(&rows), expected());
        assert!(rows.iter().all(|row| row.name == "fr_lr-1-0a1b2c3d" && row.user == "root"));
        let waits = rows.iter().find(|row| row.is_of(8)).unwrap();
        assert_eq!((waits.reason.as_str(), waits.node.as_str()), ("JobArrayTaskLimit", ""));
    }
}

#[test]
fn details_as_they_were_recorded() {
    for text in
        [include_str!("slurm/recorded/scontrol.plain.txt"), include_str!("slurm/recorded/scontrol.accounting.txt")]
    {
        let rows = scontrol(text);
        assert_eq!(phases(&rows), expected());
        assert!(rows.iter().all(|row| row.name == "fr_lr-1-0a1b2c3d" && row.user == "root"));
        assert!(rows.iter().all(|row| row.job == rows[0].job), "the array's number, not the task's");
    }
}

#[test]
fn accounts_as_they_were_recorded() {
    let rows = sacct(include_str!("slurm/recorded/sacct.accounting.txt"));
    // Tasks that have not begun are not in the accounts, and one that was put back waits again.
    let mut known = expected();
    known[8] = None;
    assert_eq!(phases(&rows), known);
    // What sacct says without accounting is no row.
    assert!(sacct(include_str!("slurm/recorded/sacct.plain.txt")).is_empty());
    let with = config(include_str!("slurm/recorded/config.accounting.txt"));
    assert_eq!((with.max_array_size, with.accounting, with.version.as_str()), (Some(100_001), true, "22.05.8"));
    assert!(!config(include_str!("slurm/recorded/config.plain.txt")).accounting);
}

/// Slurm 22.05.8 with accounting on loopback, preemption by partitions: of six tasks 0 was done, 1 had failed, 2 was
/// preempted and 4 put back by `scontrol requeue` (both wait), 3 was executed, and 5 had been warned while it could not be
/// put back (`Requeue=0`). Then a task over its time, and two that were put back when their node fell silent.
#[test]
fn the_accounts_of_what_was_put_back_end_it_and_the_queue_does_not() {
    let queue = squeue(include_str!("slurm/recorded/squeue-put-back.accounting.txt"));
    let accounts = sacct(include_str!("slurm/recorded/sacct-put-back.accounting.txt"));
    let of =
        |rows: &[QueueRow], task: u32| rows.iter().rfind(|row| row.is_of(task)).map(|row| row.phase.clone()).unwrap();
    for (task, queued, accounted) in [
        (0, Phase::Over(TaskEnd::Completed), Phase::Over(TaskEnd::Completed)),
        (1, Phase::Over(TaskEnd::Failed), Phase::Over(TaskEnd::Failed)),
        (2, Phase::Pending, Phase::Over(TaskEnd::Preempted)),
        (3, Phase::Running, Phase::Running),
        (4, Phase::Pending, Phase::Pending),
        (5, Phase::Over(TaskEnd::Failed), Phase::Over(TaskEnd::Failed)),
    ] {
        assert_eq!((of(&queue, task), of(&accounts, task)), (queued, accounted), "task {task}");
    }
    assert_eq!(
        of(&sacct(include_str!("slurm/recorded/sacct-timeout.accounting.txt")), 0),
        Phase::Over(TaskEnd::Timeout)
    );
    let queue = squeue(include_str!("slurm/recorded/squeue-node-fail.accounting.txt"));
    let accounts = sacct(include_str!("slurm/recorded/sacct-node-fail.accounting.txt"));
    for task in [0, 1] {
        assert_eq!((of(&queue, task), of(&accounts, task)), (Phase::Pending, Phase::Over(TaskEnd::NodeFail)));
    }
}

#[test]
fn the_time_that_is_left_is_read() {
    // `squeue --format %L` of 22.05; and what it says of jobs without an end, or that wait.
    for (text, seconds) in
        [("0:35\n", 35), ("9:58", 598), ("2:03:04", 7384), ("1-02:03:04", 93_784), ("365-00:00:00", 31_536_000)]
    {
        assert_eq!(time_left(text), Some(Duration::from_secs(seconds)), "{text}");
    }
    for text in ["UNLIMITED\n", "NOT_SET", "INVALID", "", "0:35\n0:36"] {
        assert_eq!(time_left(text), None, "{text}");
    }
}

#[test]
fn published_outputs_of_other_versions() {
    // The job of an array and one that is none, 2019: t/get_jobs.t of github.com/irush-cs/slurm-scripts.
    let rows = scontrol(include_str!("slurm/published/scontrol-2019.txt"));
    let told: Vec<(&str, u32, &str, Phase)> = rows
        .iter()
        .map(|row| (row.job.as_str(), row.tasks.first().map_or(0, |t| t.0), row.name.as_str(), row.phase.clone()))
        .collect();
    assert_eq!(
        told,
        [("1", 0, "name1", Phase::Running), ("2398463", 150, "parallel.sh", Phase::Over(TaskEnd::Completed))]
    );
    assert_eq!((rows[0].user.as_str(), rows[0].node.as_str()), ("user1", "node-[63-65]"));
    // An array whose waiting tasks are one line: slurm.schedmd.com/job_array.html, there of `squeue` as it is; here in
    // the format that is asked for.
    let rows = squeue("1080|[6-36%5]|PENDING|tmp|mac||Resources\n1080|1|RUNNING|tmp|mac|nid00001|None\n");
    assert!(rows[0].is_of(6) && rows[0].is_of(36) && !rows[0].is_of(37) && rows[1].is_of(1));
    // Indices that squeue cuts short (SLURM_BITSTR_LEN).
    assert!(squeue("7|[0-4,6,8,...]|PENDING|a|me||Priority\n")[0].is_of(99));
}

#[test]
fn a_script_says_what_the_spec_says() {
    let slurm = Slurm {
        partition: Some("gpu".into()),
        constraint: Some("a100|h100".into()),
        time: Some(Duration::from_secs(90_061)),
        sbatch: vec!["--mail-type=END".into()],
        setup: vec!["module load cuda".into()],
        ..Slurm::default()
    };
    let resources = Resources { gpu: 0.5, cpu: 2, memory: Some(3 << 30), ..Resources::default() };
    let script = Script {
        name: "fr_lr-3-0a1b2c3d",
        sweep: "fr_lr",
        tasks: Some(24),
        throttle: Some(4),
        slurm: &slurm,
        resources: &resources,
        exclude: &["node7".to_owned()],
        logs: Path::new("/data/my results/100%/fr_lr/slurm"),
        program: Path::new("/opt/tessera"),
        results: Path::new("/data/my results/100%"),
    };
    insta::assert_snapshot!(script.text());
    let sbatch = vec!["--exclude=node[1-2]".into(), "-x node4".into(), "--exclusive".into()];
    let slurm = Slurm { sbatch, ..Slurm::default() };
    let text = Script { slurm: &slurm, ..script }.text();
    assert!(
        text.contains("#SBATCH --exclude=node7,node[1-2],node4\n") && text.contains("#SBATCH --exclusive\n"),
        "{text}"
    );
    assert_eq!(text.matches("--exclude").count(), 1, "{text}");
    let alone = Script { tasks: None, throttle: None, exclude: &[], ..script };
    assert!(!alone.text().contains("--array") && alone.text().contains("slurm/fr_lr-3-0a1b2c3d.log"));
}
