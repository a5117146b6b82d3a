//! Tasks on a real Slurm that end before their runs do: their time runs out, another job takes their place, they cannot be
//! put back into the queue, their node is at fault. Each run is finished once, from where it was.

use super::slurm_cluster::{Cluster, are_installed, until};
use crate::support::said;
use std::collections::HashSet;

/// Two partitions: jobs of `high` take the place of jobs of `low`, which are warned and told to end in one moment.
const PREEMPTION: &str = "PreemptType=preempt/partition_prio\nPreemptMode=REQUEUE\n\
                          SlurmctldParameters=preempt_send_user_signal\n\
                          PartitionName=low Nodes=ALL PriorityTier=1 PreemptMode=REQUEUE\n\
                          PartitionName=high Nodes=ALL PriorityTier=10 PreemptMode=OFF";

/// Seconds of a built-in trainer that writes a checkpoint when it is told to end, and a pack of thousands of runs that have none.
const RETINA: &str = "sweep: retina\ntrainer: retina\nmetric: {name: kl, goal: max, reduce: last}\nbase: {neurons: 6, colors: 1, \
                      kernel_size: 5, batch_size: 16, iterations: 30000, shape: free, data.scenes: 2, data.scene_size: 64, \
                      data.covariance_samples: 2000, checkpoint.every: 30000}\nslurm: {partition: low}\n";
const TOY: &str = "sweep: toy\ntrainer: toy\nmetric: {name: arrived, goal: max, reduce: last}\n\
                   base: {iterations: 100000, record.every: 50000}\ngrid: {x1: {linear: [-3, 4], n: 120}, x2: {linear: [-1, 4], n: 50}}\n\
                   slurm: {partition: low, runs_per_task: 6000}\n";

#[test]
fn a_run_longer_than_the_time_of_its_task_goes_on_in_the_same_task() {
    // A minute is the shortest time there is. The cluster puts no job back that does not ask for it.
    let Some(cluster) = Cluster::up(&[("SLURM_LB_EXTRA", "JobRequeue=0")]) else { return };
    cluster.sweep(1, 130, 0.5, "slurm: {time: 1m, warning: 5 s}");
    let output = cluster.tessera(&["run", "s.yaml", "--on", "slurm"]);
    assert!(output.status.success(), "{}", said(&output));
    cluster.is_whole(1, 130);
    let (started, stopped) = (cluster.facts("started"), cluster.facts("stopped"));
    assert!(stopped.len() + 1 == started.len() && started.len() > 1, "{started:?} {stopped:?}");
    assert_eq!((cluster.submissions(), cluster.facts("finished").len()), (1, 1));
    for fact in &started {
        let attempt = fact["attempt"].as_u64().unwrap();
        assert_eq!(
            (fact["resume"][0].as_u64(), fact["task"]["restart"].as_u64()),
            ((attempt > 1).then(|| attempt - 1), Some(attempt - 1))
        );
    }
}

#[test]
fn a_task_whose_place_is_taken_goes_on_when_there_is_room() {
    let Some(cluster) = Cluster::up(&[("SLURM_LB_EXTRA", PREEMPTION)]) else { return };
    cluster.write("retina.yaml", RETINA);
    cluster.write("toy.yaml", TOY);
    let logins = ["retina.yaml", "toy.yaml"].map(|spec| cluster.login(spec));
    let status = || cluster.tessera(&["status", "retina"]).stdout;
    until("steps", || String::from_utf8_lossy(&status()).contains("kl "));
    until("a result", || !cluster.facts_of("toy", "finished").is_empty());
    cluster.slurm("sbatch", &["-p", "high", "-c", "8", "-o", "/dev/null", "--wrap", "sleep 1"]);
    for login in logins {
        let output = login.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
    }
    for (sweep, runs) in [("retina", 1), ("toy", 6000)] {
        let (started, finished) = (cluster.facts_of(sweep, "started"), cluster.facts_of(sweep, "finished"));
        let attempts: HashSet<_> =
            started.iter().map(|fact| (fact["run"].as_str(), fact["attempt"].as_u64())).collect();
        let results: HashSet<_> = finished.iter().map(|fact| fact["run"].as_str()).collect();
        assert_eq!((attempts.len(), finished.len(), results.len()), (started.len(), runs, runs), "{sweep}");
        let restarts: HashSet<_> = started.iter().map(|fact| fact["task"]["restart"].as_u64()).collect();
        // One job, executed twice; the pack may have been done before its place was taken.
        let once = sweep == "toy" && restarts.len() == 1;
        assert!(once || restarts == HashSet::from([Some(0), Some(1)]), "{sweep}: {restarts:?}");
    }
    let second = cluster.facts_of("retina", "started").into_iter().find(|fact| fact["attempt"] == 2).unwrap();
    // USR1 and SIGTERM came within milliseconds, and left it the time for its checkpoint.
    assert!(second["resume"][1].as_u64().unwrap() > 0, "{second}");
    // The numbers are those of a run that nothing came between.
    let local = cluster.tessera(&["run", "retina.yaml", "--results", "local"]);
    assert!(local.status.success(), "{}", said(&local));
    let numbers = |results: &str| {
        let query = "SELECT step, kl, loss FROM history WHERE sweep = 'retina' ORDER BY step";
        let output = cluster.tessera(&["query", query, "--format", "csv", "--results", results]);
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let (there, here) = (numbers("results"), numbers("local"));
    assert!(
        there.lines().count() > 1000 && there == here,
        "{} rows, {} rows",
        there.lines().count(),
        here.lines().count()
    );
}

#[test]
fn what_cannot_be_put_back_into_the_queue_is_submitted_again() {
    // With accounting, where that is installed.
    let accounting = are_installed(&["slurmdbd", "mariadbd"]);
    let Some(cluster) = Cluster::up(&[("SLURM_LB_DBD", if accounting { "1" } else { "0" })]) else { return };
    if accounting {
        // A queue that forgets what is over, as it does after `MinJobAge`, so that the accounts are asked.
        cluster.instead("squeue", "exec /usr/bin/squeue \"${@/--states=all/--states=PD,R,CG}\"");
    }
    cluster.sweep(4, 40, 0.1, "slurm: {runs_per_task: 2}");
    let login = cluster.login("s.yaml");
    until("a run of each task", || cluster.facts("started").len() == 2);
    let begun = |fact: &serde_json::Value| {
        let work = cluster.path().join("results/s/work").join(fact["run"].as_str().unwrap()).join("1");
        std::fs::read_dir(work).unwrap().flatten().any(|file| file.path().extension().is_some_and(|end| end == "ckpt"))
    };
    until("checkpoints", || cluster.facts("started").iter().all(begun));
    let job = cluster.facts("started")[0]["task"]["job"].as_str().unwrap().to_owned();
    cluster.slurm("scontrol", &["update", &format!("jobid={job}_0"), "Requeue=0"]);
    cluster.slurm("scancel", &["--signal=USR1", "--batch", &format!("{job}_0")]);
    let output = login.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    cluster.is_whole(4, 40);
    // Of the task's two runs one had begun.
    assert_eq!((cluster.submissions(), cluster.facts("started").len(), cluster.facts("stopped").len()), (2, 5, 1));
    let again = cluster.facts("started").into_iter().find(|fact| !fact["resume"].is_null()).unwrap();
    assert!(again["resume"][1].as_u64().unwrap() > 0, "{again}");
    if accounting {
        let accounts = cluster.slurm("sacct", &["-n", "-X", "-P", "-o", "JobID,State"]);
        assert!(accounts.contains(&format!("{job}_0|FAILED")) && accounts.contains("COMPLETED"), "{accounts}");
    }
    runs_that_get_nowhere_are_not_put_back(&cluster);
}

/// A trainer without checkpoints whose runs are longer than the time of a task would be executed for ever.
fn runs_that_get_nowhere_are_not_put_back(cluster: &Cluster) {
    cluster.write("long.yaml", "sweep: long\ncommand: sleep 1000\nslurm: {time: 1m, warning: 5 s}\n");
    let login = cluster.login("long.yaml");
    until("the run", || cluster.facts_of("long", "started").len() == 1);
    // In less than a minute and a half its time is over anyway.
    let job = cluster.facts_of("long", "started")[0]["task"]["job"].as_str().unwrap().to_owned();
    cluster.slurm("scancel", &["--signal=USR1", "--batch", &format!("{job}_0")]);
    let output = login.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(said(&output).contains("1 of them got no further in all the time of a task"), "{}", said(&output));
    assert_eq!(cluster.facts_of("long", "started").len(), 1);
}

#[test]
fn a_node_on_which_run_after_run_fails_is_named_and_left_out() {
    let Some(cluster) = Cluster::up(&[("SLURM_LB_NODES", "2")]) else { return };
    cluster.sweep(8, 5, 0.1, "slurm: {runs_per_task: 1}\non_failure: {crash: fail}");
    let train = std::fs::read_to_string(cluster.path().join("train.sh")).unwrap();
    cluster.write("train.sh", &format!("[ $SLURMD_NODENAME != node0 ] || exit 5\n{train}"));
    let first = cluster.tessera(&["run", "s.yaml", "--on", "slurm"]);
    assert_eq!(first.status.code(), Some(3), "{}", said(&first));
    let failed = cluster.facts("failed").len();
    assert!(failed >= 3 && cluster.facts("finished").len() + failed == 8, "{}", said(&first));
    let plan = cluster.tessera(&["plan", "s.yaml", "--on", "slurm"]);
    assert!(String::from_utf8_lossy(&plan.stdout).contains("#SBATCH --exclude=node0\n"), "{plan:?}");
    let second = cluster.tessera(&["run", "s.yaml", "--on", "slurm"]);
    assert!(second.status.success(), "{}", said(&second));
    let named = format!("node node0 is left out: the last {failed} runs on it failed");
    assert!(said(&second).contains(&named), "{}", said(&second));
    cluster.is_whole(8, 5);
    let again = cluster.facts("started").into_iter().filter(|fact| fact["attempt"] == 2);
    let nodes: Vec<String> = again.map(|fact| fact["task"]["node"].as_str().unwrap().to_owned()).collect();
    assert!(nodes.len() == failed && nodes.iter().all(|node| node == "node1"), "{nodes:?}");
}
