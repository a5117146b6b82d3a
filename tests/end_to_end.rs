//! From one command to a report, as a user does it: the real command line, the real trainer, small sizes.

use std::path::{Path, PathBuf};
use std::process::Output;

const SPEC: &str = "
sweep: small
about: Does it go through?
trainer: retina
metric: {name: kl, goal: max, reduce: mean_last 50%}
base:
  neurons: 6
  colors: 2
  kernel_size: 5
  batch_size: 16
  iterations: 40
  shape: free
  fr_learning_rate: 0.1
  data.scenes: 2
  data.scene_size: 64
  data.covariance_samples: 2000
grid:
  method: [lagrange, two_losses]
  fr_learning_rate: [1x, 0.1x]
seeds: 2
figures:
  - {kind: curve, y: kl, color: method, facet: fr_learning_rate}
  - {kind: histogram, y: rate_per_neuron, color: method}
";

struct House {
    folder: tempfile::TempDir,
}

impl House {
    fn new(spec: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("small.yaml"), spec).unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn tessera(&self, arguments: &[&str]) -> Output {
        crate::support::tessera()
            .args(arguments)
            .current_dir(self.folder.path())
            // Other tessera processes on this machine must not hold a test up.
            .env("NO_COLOR", "1")
            .output()
            .unwrap()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn files(folder: &Path, ending: &str) -> usize {
    let entries: Vec<_> = std::fs::read_dir(folder).map(|entries| entries.flatten().collect()).unwrap_or_default();
    entries.iter().filter(|entry| entry.file_name().to_string_lossy().ends_with(ending)).count()
}

#[test]
fn one_command_leads_to_a_report_and_a_second_has_nothing_to_do() {
    let house = House::new(SPEC);
    let first = house.tessera(&["run", "small.yaml"]);
    assert!(first.status.success(), "{}", text(&first.stderr));
    assert!(text(&first.stderr).contains("report.html"), "{}", text(&first.stderr));

    let results = house.path("results");
    assert!(files(&results.join("small/history"), ".parquet") + files(&results.join("small/segments"), ".parquet") > 0);
    assert_eq!(files(&results.join("small/figures"), ".svg"), 2);
    let page = std::fs::read_to_string(results.join("reports/small/report.html")).unwrap();
    assert!(page.contains("<svg") && page.contains("lagrange") && !page.contains("https://"));
    assert!(std::fs::read_to_string(results.join("reports/small/report.md")).unwrap().contains("two_losses"));

    let table = house.tessera(&["table", "small", "--rows", "method", "--cols", "fr_learning_rate", "--format", "csv"]);
    assert!(table.status.success(), "{}", text(&table.stderr));
    assert_eq!(text(&table.stdout).lines().filter(|line| line.contains("_losses") || line.contains("lagr")).count(), 4);

    let journal = |house: &House| {
        let folder = house.path("results/small/journal");
        let journals = std::fs::read_dir(folder).unwrap().map(|entry| std::fs::read_to_string(entry.unwrap().path()));
        journals.map(|journal| journal.unwrap().matches("\"fact\":\"started\"").count()).sum::<usize>()
    };
    assert_eq!(journal(&house), 8);
    // What is there stays as it is; what was deleted is drawn again.
    let page = results.join("reports/small/report.html");
    let made = |path: &Path| path.metadata().unwrap().modified().unwrap();
    let before = made(&page);
    let second = house.tessera(&["run", "small.yaml"]);
    assert!(second.status.success());
    assert!(text(&second.stderr).contains("nothing to do"), "{}", text(&second.stderr));
    assert!(text(&second.stderr).contains("figures  ") && text(&second.stderr).contains("report.html"));
    assert_eq!((journal(&house), made(&page)), (8, before));
    std::fs::remove_dir_all(results.join("small/figures")).unwrap();
    assert!(house.tessera(&["run", "small.yaml"]).status.success());
    assert!(files(&results.join("small/figures"), ".svg") == 2 && made(&page) > before);
}

#[test]
fn a_folder_of_images_that_is_missing_is_said_before_anything_starts() {
    let house = House::new(SPEC);
    let output = house.tessera(&["run", "small.yaml", "--set", "data.source=kyoto", "--set", "data.path=nowhere"]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("nowhere"), "{}", text(&output.stderr));
    assert!(!house.path("results/small").exists());
}

#[test]
fn results_that_fill_a_disk_are_asked_about() {
    let house = House::new(SPEC);
    let large = ["neurons=300", "record.matrices_every=1", "iterations=100000"];
    let sets: Vec<&str> = large.iter().flat_map(|set| ["--set", *set]).collect();
    let output = house.tessera(&[&["run", "small.yaml"], sets.as_slice()].concat());
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("GiB") && said.contains("--yes"), "{said}");
    assert!(!house.path("results/small").exists());
}

#[test]
fn a_broken_image_is_named() {
    let house = House::new(SPEC);
    std::fs::create_dir(house.path("images")).unwrap();
    std::fs::write(house.path("images/scene.mat"), b"MATLAB 5.0 MAT-file, and then nothing").unwrap();
    let output = house.tessera(&["run", "small.yaml", "--set", "data.source=kyoto", "--set", "data.path=images"]);
    assert!(!output.status.success());
    assert!(text(&output.stderr).contains("scene.mat"), "{}", text(&output.stderr));
}

#[test]
fn a_kernel_larger_than_the_images_is_refused() {
    let house = House::new(SPEC);
    let output = house.tessera(&["run", "small.yaml", "--set", "kernel_size=65"]);
    assert!(!output.status.success());
    let said = text(&output.stderr);
    assert!(said.contains("65") && said.contains("64"), "{said}");
}

#[test]
fn mistakes_in_a_spec_are_said_together_and_leave_nothing_behind() {
    let house = House::new(&SPEC.replace("neurons: 6", "nuerons: 6").replace("colors: 2", "colors: two"));
    let output = house.tessera(&["run", "small.yaml"]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("did you mean `neurons`?") && said.contains("colors"), "{said}");
    assert!(!house.path("results").exists());
}
