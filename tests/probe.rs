//! `tessera probe` on a small sweep: executed once, kept, asked again.

use std::path::PathBuf;
use std::process::Output;

const SPEC: &str = "
sweep: small
trainer: retina
metric: {name: kl, goal: max}
base:
  neurons: 6
  colors: 1
  kernel_size: 5
  batch_size: 16
  iterations: 20
  shape: free
  data.scenes: 2
  data.scene_size: 64
  data.covariance_samples: 2000
  checkpoint.every: 10
  checkpoint.best: kl
grid:
  method: [lagrange, two_losses]
seeds: 2
figures:
  - {kind: matrix, probe: covariance, y: c_z, color: method, where: {seed: 0}}
";

struct House(tempfile::TempDir);

impl House {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("small.yaml"), SPEC).unwrap();
        let house = Self(folder);
        house.tessera(&["run", "small.yaml"], 0);
        house
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// What a command says: standard output, standard error.
    fn tessera(&self, arguments: &[&str], code: i32) -> (String, String) {
        let output: Output = crate::support::tessera()
            .args(arguments)
            .current_dir(self.0.path())
            // Other tessera processes on this machine must not hold a test up.
            .env("NO_COLOR", "1")
            .output()
            .unwrap();
        let [out, error] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        assert_eq!(output.status.code(), Some(code), "{out}{error}");
        (out, error)
    }

    fn started(&self, what: &str) -> usize {
        let journals = std::fs::read_dir(self.path(&format!("results/small/probes/{what}/journal"))).unwrap();
        let journals = journals.map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap());
        journals.map(|journal| journal.matches("\"fact\":\"started\"").count()).sum()
    }
}

#[test]
fn a_probe_is_executed_once_and_kept_as_tables() {
    let house = House::new();
    let covariance = ["probe", "covariance", "small", "--batches", "20"];
    let (table, said) = house.tessera(&covariance, 0);
    assert!(said.contains("4 checkpoints: 4 new") && said.contains("diagonal without G?"), "{said}");
    let row = |name: &str| table.lines().find(|line| line.starts_with(name) && line.contains("two_losses")).unwrap();
    assert!(table.lines().next().unwrap().contains("1 batch"), "{table}");
    assert_eq!(row("wcxw_off_diagonal").matches("(n=2)").count(), 3, "{table}");
    assert_eq!(row("c_z_spread").matches("(n=2)").count(), 2, "one set of all batches has no spread: {table}");

    let (again, said) = house.tessera(&covariance, 0);
    assert!(said.contains("0 new · 4 done"), "{said}");
    assert_eq!(again, table);
    assert_eq!(house.started("covariance"), 4);
    house
        .tessera(&["probe", "covariance", "small", "--batches", "10", "--where", "method == lagrange and seed < 1"], 0);
    assert_eq!(house.started("covariance"), 5);

    let sql = "SELECT r.method, p.step, p.batches, count(*) AS n FROM probes p JOIN runs r ON p.run = r.run \
               WHERE p.probe = 'covariance' AND p.asked = 20 AND p.current GROUP BY r.method, p.step, p.batches \
               ORDER BY r.method, p.batches";
    let (found, _) = house.tessera(&["query", sql, "--format", "csv"], 0);
    let lines: Vec<&str> = found.lines().skip(1).collect();
    assert_eq!(
        lines,
        [
            "lagrange,20,1,2",
            "lagrange,20,10,2",
            "lagrange,20,20,2",
            "two_losses,20,1,2",
            "two_losses,20,10,2",
            "two_losses,20,20,2"
        ]
    );
    // A measurement is found by the beginning of its id, as runs are.
    let probes = house.path("results/small/probes/covariance");
    let journals = std::fs::read_dir(probes.join("journal")).unwrap();
    let journal = std::fs::read_to_string(journals.map(|path| path.unwrap().path()).min().unwrap()).unwrap();
    let probe = journal.split_once("\"probe\":\"").unwrap().1[..16].to_owned();
    let id = probe[..12].to_owned();
    let (_, said) = house.tessera(&["logs", &id], 1);
    assert!(said.contains("it said nothing, or its log was removed"), "{said}");
    std::fs::create_dir_all(probes.join("logs")).unwrap();
    std::fs::write(probes.join(format!("logs/{probe}.1.log")), "what it said\n").unwrap();
    assert_eq!(house.tessera(&["logs", &id], 0).0, "what it said\n");
    assert_eq!(house.tessera(&["logs", &format!("small/probes/covariance/{id}")], 0).0, "what it said\n");
    assert!(house.tessera(&["show", &id], 0).0.contains("off_diagonal"));
    let (_, said) = house.tessera(&["logs", "small/probes/rates/0"], 2);
    assert!(said.contains("no probe `rates` of `small` was ever asked for"), "{said}");

    let sql = "SELECT count(*) AS n FROM probe_arrays WHERE name = 'c_z' AND asked = 20 AND step = 20";
    assert_eq!(house.tessera(&["query", sql, "--format", "csv"], 0).0, "n\n4\n");

    let (rates, _) =
        house.tessera(&["probe", "rates", "small", "--batches", "5", "--checkpoint", "10", "--format", "csv"], 0);
    assert!(rates.lines().any(|line| line.starts_with("rate_sd_per_neuron,lagrange,5,")), "{rates}");
    house.tessera(&["probe", "kl", "small", "--batches", "2", "--checkpoint", "best"], 0);
    house.tessera(&["probe", "gradient", "small", "--batches", "2"], 0);
}

#[test]
fn figures_draw_what_a_probe_measured() {
    let house = House::new();
    let (_, said) = house.tessera(&["figures", "small", "--format", "svg"], 0);
    assert!(said.contains("no runs match for the figure `covariance-matrix-c_z-method`"), "{said}");
    let page = std::fs::read_to_string(house.path("results/reports/small/report.md")).unwrap();
    assert!(page.contains("tessera probe covariance small"), "{page}");

    house.tessera(&["probe", "covariance", "small", "--batches", "2"], 0);
    let (_, said) = house.tessera(&["figures", "small", "--format", "svg"], 0);
    assert!(!said.contains("no runs match"), "{said}");
    let drawn = std::fs::read_to_string(house.path("results/small/figures/covariance-matrix-c_z-method.svg")).unwrap();
    assert!(drawn.contains("lagrange") && drawn.contains("two_losses"));
    // Measured again over more batches, the newer measurement is drawn; a probe of one method alone keeps the other's.
    house.tessera(&["probe", "covariance", "small", "--batches", "3", "--where", "method == lagrange"], 0);
    house.tessera(&["figures", "small", "--format", "svg"], 0);
    let again = std::fs::read_to_string(house.path("results/small/figures/covariance-matrix-c_z-method.svg")).unwrap();
    assert!(again.contains("two_losses") && again != drawn);
}

#[test]
fn what_cannot_be_probed_is_said() {
    let house = House::new();
    let (_, said) = house.tessera(&["probe", "kl", "small", "--where", "metod == gamma"], 2);
    assert!(said.contains("no run of `small` has the parameter `metod`") && said.contains("method, seed"), "{said}");
    let (_, said) = house.tessera(&["probe", "kl", "small", "--checkpoint", "7"], 2);
    assert!(said.contains("4 runs have no such checkpoint") && said.contains("checkpoint.every"), "{said}");
    let (_, said) = house.tessera(&["probe", "rate", "small"], 2);
    assert!(said.contains("rates"), "{said}");
    assert!(!house.path("results/small/probes").exists());
}
