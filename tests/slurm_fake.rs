//! Submitting to a Slurm that fails in every way: `sbatch`, `squeue` and the others are shell scripts that keep a queue
//! in a file and misbehave on request.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// What the scripts share: `$Q` is the folder, `$Q/queue` holds the lines of squeue, `$Q/calls` what was called.
const COMMON: &str = "#!/bin/sh\nQ=QUEUE\necho \"${0##*/} $*\" >> $Q/calls\n";

/// Submits the script: a line of the queue for each of its tasks.
const ENQUEUE: &str = r#"enqueue() {
  id=$(($(cat $Q/last 2>/dev/null || echo 6) + 1)); echo $id > $Q/last
  name=$(sed -n 's/^#SBATCH --job-name=//p' "$2"); last=$(sed -n 's/^#SBATCH --array=0-\([0-9]*\).*/\1/p' "$2")
  for task in $(seq 0 $last); do echo "$id|$task|PENDING|$name|$(id -un)||Resources" >> $Q/queue; done
}
"#;

struct Fake(tempfile::TempDir);

impl Fake {
    /// A sweep of four runs and a Slurm whose sbatch does this.
    fn new(sbatch: &str) -> Self {
        let fake = Self(tempfile::tempdir().unwrap());
        let spec = "sweep: s\ncommand: sh train.sh {x}\ngrid: {x: [1, 2, 3, 4]}\nslurm: {partition: gpu}\n\
                    on_finish: echo \"$TESSERA_OUTCOME, $TESSERA_DONE done, $TESSERA_LEFT left. $TESSERA_MESSAGE\" >> told\n";
        std::fs::write(fake.path().join("s.yaml"), spec).unwrap();
        std::fs::create_dir(fake.path().join("bin")).unwrap();
        fake.program("sbatch", &format!("{ENQUEUE}{sbatch}"));
        fake.program("squeue", "cat $Q/queue 2>/dev/null; exit 0");
        fake.program("scancel", "for id in \"$@\"; do sed -i \"/^${id%_*}|/d\" $Q/queue; done");
        let scontrol = "case $1 in show) echo 'MaxArraySize = 1001'; echo 'AccountingStorageType = accounting_storage/none';; \
                        *) echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1;; esac";
        fake.program("scontrol", scontrol);
        fake
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn program(&self, name: &str, script: &str) {
        use std::os::unix::fs::PermissionsExt;
        let path = self.path().join("bin").join(name);
        let common = COMMON.replace("QUEUE", &self.path().to_string_lossy());
        std::fs::write(&path, format!("{common}{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        self.with_program(env!("CARGO_BIN_EXE_tessera"), arguments)
    }

    fn with_program(&self, program: &str, arguments: &[&str]) -> Command {
        let path: PathBuf = self.path().join("bin");
        let path = format!("{}:{}", path.display(), std::env::var("PATH").unwrap());
        let mut command = Command::new(program);
        command.current_dir(self.path()).args(arguments).env("PATH", path).env("TESSERA_SLURM_TIMEOUT", "2");
        command.env_remove("TESSERA_RESULTS").stdin(Stdio::null());
        command
    }

    fn tessera(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn submit(&self) -> (Option<i32>, String) {
        let output = self.tessera(&["run", "s.yaml", "--on", "slurm", "--detach"]);
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// How often a program was called.
    fn calls(&self, program: &str) -> usize {
        let calls = std::fs::read_to_string(self.path().join("calls")).unwrap_or_default();
        calls.lines().filter(|line| line.starts_with(program)).count()
    }

    /// What `on_finish:` was told.
    fn told(&self) -> String {
        std::fs::read_to_string(self.path().join("told")).unwrap_or_default()
    }

    /// The numbers of the jobs in the queue.
    fn jobs(&self) -> Vec<String> {
        let queue = std::fs::read_to_string(self.path().join("queue")).unwrap_or_default();
        let mut jobs: Vec<String> = queue.lines().map(|line| line.split('|').next().unwrap().to_owned()).collect();
        jobs.dedup();
        jobs
    }

    /// It is called again: what is queued is not submitted again.
    fn again(&self) {
        let before = self.calls("sbatch");
        let (code, said) = self.submit();
        assert_eq!((code, self.calls("sbatch")), (Some(0), before), "{said}");
        assert_eq!(self.jobs().len(), 1);
    }
}

#[test]
fn what_is_queued_is_not_submitted_again() {
    let fake = Fake::new("enqueue \"$@\"; echo $id");
    let (code, said) = fake.submit();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("job 7: 4 runs in 4 tasks"), "{said}");
    fake.again();
    let status = fake.tessera(&["status", "s"]);
    let shown = String::from_utf8_lossy(&status.stdout).into_owned();
    assert!(shown.contains("4 queued") && shown.contains("4 tasks wait (Resources)"), "{shown}");
    // On this machine it is refused meanwhile.
    let here = fake.tessera(&["run", "s.yaml"]);
    assert!(String::from_utf8_lossy(&here.stderr).contains("is executed on Slurm"), "{here:?}");
    // What was cancelled behind its back leaves no trace, and is submitted again.
    std::fs::write(fake.path().join("queue"), "").unwrap();
    let (_, said) = fake.submit();
    assert!(said.contains("job 8: 4 runs"), "{said}");
    // Cancelling is by task where not all are meant.
    let run = String::from_utf8_lossy(&fake.tessera(&["plan", "s.yaml", "--format", "csv"]).stdout).into_owned();
    let run = run.lines().nth(1).unwrap()[..8].to_owned();
    assert!(fake.tessera(&["stop", "s", &run]).status.success());
    let calls = std::fs::read_to_string(fake.path().join("calls")).unwrap();
    assert_eq!(calls.lines().rfind(|line| line.starts_with("scancel")), Some("scancel 8_0"));
}

#[test]
fn of_two_sessions_that_plan_the_same_runs_one_submits_them() {
    let fake = Fake::new("enqueue \"$@\"; echo $id");
    // The other comes between the first one's look at what is missing and its submission.
    let other = env!("CARGO_BIN_EXE_tessera");
    let scontrol = format!(
        "if [ -z \"$OTHER\" ]; then OTHER=1 {other} run s.yaml --on slurm --detach >&2; fi; echo 'MaxArraySize = 1001'"
    );
    fake.program("scontrol", &scontrol);
    let (code, said) = fake.submit();
    assert_eq!((code, fake.calls("sbatch"), fake.jobs().len()), (Some(0), 1, 1), "{said}");
    assert!(said.contains("4 tasks wait"), "{said}");
}

#[test]
fn a_session_that_waits_does_not_submit_what_somebody_cancels() {
    let fake = Fake::new("enqueue \"$@\"; echo $id");
    assert_eq!(fake.submit().0, Some(0));
    let mut command = fake.with_program("nohup", &[env!("CARGO_BIN_EXE_tessera"), "run", "s.yaml", "--on", "slurm"]);
    let waiting = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // When it asks for the second time it has seen what is queued.
    let (asked, deadline) = (fake.calls("squeue"), Instant::now() + Duration::from_secs(60));
    while fake.calls("squeue") < asked + 2 {
        assert!(Instant::now() < deadline, "it does not ask");
        std::thread::sleep(Duration::from_millis(50));
    }
    // The terminal is closed.
    assert!(Command::new("kill").args(["-HUP", &waiting.id().to_string()]).status().unwrap().success());
    assert_eq!(fake.told(), "", "who submits and leaves has seen no end");
    std::fs::write(fake.path().join("queue"), "").unwrap();
    let output = waiting.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!((output.status.code(), fake.calls("sbatch")), (Some(3), 1), "{said}");
    assert!(said.contains("4 runs left undone"), "{said}");
    assert_eq!(fake.told(), "some failed, 0 done, 4 left. \n");
}

#[test]
fn a_submission_that_timed_out_and_did_submit_is_found() {
    for (what, sbatch) in [
        ("it says so", "enqueue \"$@\"; echo 'sbatch: error: Socket timed out on send/recv operation' >&2; exit 1"),
        ("it hangs", "enqueue \"$@\"; exec sleep 60"),
        ("it prints nothing", "enqueue \"$@\""),
    ] {
        let fake = Fake::new(sbatch);
        let (code, said) = fake.submit();
        assert_eq!((code, fake.calls("sbatch")), (Some(0), 1), "{what}: {said}");
        fake.again();
    }
}

#[test]
fn a_submission_that_timed_out_and_did_not_submit_is_repeated() {
    let fake = Fake::new(
        "if [ -e $Q/once ]; then enqueue \"$@\"; echo $id; else touch $Q/once; \
         echo 'sbatch: error: Batch job submission failed: Unable to contact slurm controller' >&2; exit 1; fi",
    );
    let (code, said) = fake.submit();
    assert_eq!((code, fake.calls("sbatch")), (Some(0), 2), "{said}");
    fake.again();
}

#[test]
fn of_two_submissions_one_is_cancelled() {
    // The first submits, but the queue lists it only after the second has been submitted too.
    let fake = Fake::new(
        "enqueue \"$@\"; if [ -e $Q/once ]; then cat $Q/late >> $Q/queue; echo $id; else touch $Q/once; mv $Q/queue $Q/late; \
         echo 'sbatch: error: Socket timed out on send/recv operation' >&2; exit 1; fi",
    );
    let (code, said) = fake.submit();
    assert_eq!((code, fake.calls("sbatch"), fake.jobs()), (Some(0), 2, vec!["8".to_owned()]), "{said}");
    fake.again();
}

#[test]
fn a_refusal_is_explained_and_nothing_stands_in_the_way_after_it() {
    for (says, helps) in [
        ("sbatch: error: invalid partition specified: gpu", "partition"),
        ("sbatch: error: Batch job submission failed: Requested node configuration is not available", "no node has"),
        ("sbatch: error: QOSMaxSubmitJobPerUserLimit\nsbatch: error: Batch job submission failed", "runs_per_task"),
    ] {
        let fake = Fake::new(&format!(
            "if [ -e $Q/mended ]; then enqueue \"$@\"; echo $id; else echo '{says}' >&2; exit 1; fi"
        ));
        let (code, said) = fake.submit();
        assert_eq!((code, fake.calls("sbatch")), (Some(1), 1), "{said}");
        assert!(said.contains(says.lines().next().unwrap()) && said.contains(helps), "{said}");
        let told = fake.told();
        assert!(told.starts_with("error, 0 done, 0 left. Slurm does not take the job: sbatch: error: "), "{told}");
        std::fs::write(fake.path().join("mended"), "").unwrap();
        let (code, said) = fake.submit();
        assert_eq!(code, Some(0), "{said}");
        fake.again();
    }
}

#[test]
fn nothing_is_submitted_while_the_queue_does_not_answer() {
    let fake = Fake::new("enqueue \"$@\"; echo $id");
    assert_eq!(fake.submit().0, Some(0));
    fake.program("squeue", "echo 'slurm_load_jobs error: Unable to contact slurm controller' >&2; exit 1");
    let (_, said) = fake.submit();
    assert!(said.contains("of 4 runs nothing is known: s-1-"), "{said}");
    assert_eq!(fake.calls("sbatch"), 1);
    fake.program("squeue", "cat $Q/queue");
    fake.again();
}

#[test]
fn a_login_process_that_was_killed_is_taken_over_from() {
    // Before it had submitted, and after.
    for enqueue in ["", "enqueue \"$@\"; "] {
        let fake = Fake::new(&format!(
            "if [ -e $Q/once ]; then enqueue \"$@\"; echo $id; else touch $Q/once; {enqueue}kill -9 $PPID; sleep 1; fi"
        ));
        assert_eq!(fake.submit().0, None);
        let (code, said) = fake.submit();
        let calls = if enqueue.is_empty() { 2 } else { 1 };
        assert_eq!((code, fake.calls("sbatch"), fake.jobs().len()), (Some(0), calls, 1), "{said}");
        fake.again();
    }
}
