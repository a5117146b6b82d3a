//! Tasks on a real Slurm: devices, a login process that ends, cancelled and requeued tasks, a task that is executed twice.

use super::slurm_cluster::{Cluster, until};
use crate::support::said;
use std::collections::BTreeMap;
use std::time::Duration;

#[test]
fn runs_go_over_four_gpus_and_the_login_process_may_end() {
    let Some(cluster) = Cluster::up(&[]) else { return };
    let on_finish = "on_finish: echo $TESSERA_OUTCOME $TESSERA_DONE of $TESSERA_RUNS >> told";
    cluster.sweep(24, 5, 0.1, &format!("slurm: {{runs_per_task: 2}}\n{on_finish}"));
    let mut login = cluster.login("s.yaml");
    until("the first result", || !cluster.facts("finished").is_empty());
    login.kill().unwrap();
    login.wait().unwrap();
    let status = String::from_utf8_lossy(&cluster.tessera(&["status", "s"]).stdout).into_owned();
    assert!(status.contains("4 tasks execute"), "{status}");
    let again = cluster.tessera(&["run", "s.yaml", "--on", "slurm"]);
    assert!(again.status.success(), "{}", said(&again));
    cluster.is_whole(24, 5);
    assert_eq!((cluster.submissions(), cluster.facts("started").len(), cluster.facts("finished").len()), (1, 24, 24));
    let mut devices = BTreeMap::new();
    for fact in cluster.facts("started") {
        let (run, device) = (fact["run"].as_str().unwrap(), fact["device"].as_str().unwrap().to_owned());
        // What the journal says is what the program saw.
        let seen = cluster.path().join(format!("results/s/work/{run}/1/device"));
        assert_eq!(std::fs::read_to_string(seen).unwrap().trim(), device);
        *devices.entry(device).or_insert(0) += 1;
    }
    assert_eq!(devices.keys().collect::<Vec<_>>(), ["0", "1", "2", "3"]);
    let third = cluster.tessera(&["run", "s.yaml", "--on", "slurm"]);
    assert!(said(&third).contains("24/24 done"), "{}", said(&third));
    assert_eq!(cluster.submissions(), 1);
    // The one session that saw the end told of it.
    assert_eq!(std::fs::read_to_string(cluster.path().join("told")).unwrap(), "done 24 of 24\n");
}

#[test]
fn what_is_cancelled_or_put_back_goes_on_from_its_checkpoint() {
    let Some(cluster) = Cluster::up(&[]) else { return };
    cluster.sweep(4, 40, 0.1, "slurm: {time: 20m}");
    let submitted = cluster.tessera(&["run", "s.yaml", "--on", "slurm", "--detach"]);
    assert!(submitted.status.success(), "{}", said(&submitted));
    until("four runs", || cluster.facts("started").len() == 4);
    std::thread::sleep(Duration::from_millis(800));
    // One run is cancelled, another's task is warned as it is when its time runs out, a third is put back by somebody.
    let of_task = |task: u64| {
        let facts = cluster.facts("started");
        let fact = facts.iter().find(|fact| fact["task"]["task"] == task).unwrap();
        (fact["run"].as_str().unwrap().to_owned(), format!("{}_{task}", fact["task"]["job"].as_str().unwrap()))
    };
    let (cancelled, _) = of_task(0);
    let ((warned, second), (put_back, third)) = (of_task(1), of_task(2));
    let stop = cluster.tessera(&["stop", "s", &cancelled[..10]]);
    assert!(said(&stop).contains("1 task cancelled"), "{}", said(&stop));
    cluster.slurm("scancel", &["--signal=USR1", "--batch", &second]);
    cluster.slurm("scontrol", &["requeue", &third]);
    until("three stopped", || cluster.facts("stopped").len() == 3);
    let finished = cluster.tessera(&["run", "s.yaml", "--on", "slurm"]);
    assert!(finished.status.success(), "{}", said(&finished));
    cluster.is_whole(4, 40);
    // Only what was cancelled was submitted again.
    assert_eq!((cluster.submissions(), cluster.facts("finished").len()), (2, 4));
    for run in [cancelled, warned, put_back] {
        let facts = cluster.facts("started");
        let second = facts.iter().find(|fact| fact["run"] == *run && fact["attempt"] == 2).unwrap();
        assert_eq!(second["resume"][0], 1, "{second}");
        assert!(second["resume"][1].as_u64().unwrap() > 0, "{second}");
    }
}

#[test]
fn a_task_that_is_executed_twice_counts_once() {
    let quick = [("SLURM_LB_TIMEOUT", "2"), ("SLURM_LB_MSG", "2"), ("SLURM_LB_NODES", "2")];
    let Some(cluster) = Cluster::up(&quick) else { return };
    cluster.sweep(3, 180, 0.1, "");
    let login = cluster.login("s.yaml");
    until("the first runs", || cluster.facts("started").len() == 3);
    // A node's slurmd is ended. What its tasks execute goes on, and Slurm puts the tasks back all the same.
    let facts = cluster.facts("started");
    let node = facts[0]["task"]["node"].as_str().unwrap().to_owned();
    cluster.end(&format!("slurmd-{node}"), "KILL");
    let waiting = || {
        let queue = cluster.slurm("squeue", &["-h", "-a", "-r", "-t", "PD", "-o", "%F_%K"]);
        queue.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    let of_node = facts.iter().filter(|fact| fact["task"]["node"] == *node).count();
    until("the tasks put back", || waiting().len() == of_node);
    // They would wait two minutes; the other node has room.
    for task in waiting() {
        cluster.slurm("scontrol", &["update", &format!("jobid={task}"), "StartTime=now"]);
    }
    let output = login.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    until("the old processes' results", || cluster.facts("finished").len() == 3 + of_node);
    cluster.is_whole(3, 180);
    let again = cluster.facts("started").iter().filter(|fact| fact["attempt"] == 2).count();
    assert_eq!(again, of_node);
    let restarted = |fact: &serde_json::Value| fact["task"]["restart"].as_u64().unwrap() > 0;
    assert!(cluster.facts("started").iter().all(|fact| restarted(fact) == (fact["attempt"] == 2)));
}
