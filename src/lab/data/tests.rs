//! Tests of the data sources as a run sees them.

use super::*;
use options::{Folder, Origin};
use std::path::PathBuf;
use treatment::circular_mask;

fn options(colors: usize, kernel_size: usize) -> Options {
    Options {
        origin: Origin::Synthetic { scenes: 3, size: 48 },
        colors,
        kernel_size,
        circular_mask: false,
        covariance_samples: 4000,
        whiten: 0.0,
        normalize_colors: false,
        remove_mean: false,
    }
}

fn folder(path: &Path) -> Folder {
    Folder { path: path.to_owned(), planned: String::new() }
}

fn open(options: &Options) -> Source {
    let cache = tempfile::tempdir().unwrap();
    Source::open(options, cache.path(), Kind::Double, Device::Cpu).unwrap()
}

fn fault(options: &Options) -> String {
    let cache = tempfile::tempdir().unwrap();
    Source::open(options, cache.path(), Kind::Double, Device::Cpu).unwrap_err().to_string()
}

fn largest(tensor: &Tensor) -> f64 {
    tensor.abs().max().double_value(&[])
}

#[test]
fn patches_are_windows_of_the_scenes() {
    let source = open(&options(2, 5));
    let streams = Streams::new(1);
    let patches = source.patches(&streams, "patches", 0, 50);
    assert_eq!(patches.size(), [50, 2, 25]);
    assert!(patches.equal(&source.patches(&streams, "patches", 0, 50)));
    assert!(!patches.equal(&source.patches(&streams, "patches", 1, 50)));
    let scene = source.scenes.pixels(Device::Cpu);
    for i in 0..50 {
        let patch = patches.get(i).view([2, 5, 5]).to_kind(Kind::Float);
        let found = source.scenes.places.iter().any(|place| {
            (0..=place.height - 5).any(|row| {
                (0..=place.width - 5).any(|column| {
                    let pixels = scene.narrow(1, place.top + row, 5).narrow(2, column, 5);
                    pixels.double_value(&[0, 0, 0]) == patch.double_value(&[0, 0, 0]) && pixels.equal(&patch)
                })
            })
        });
        assert!(found, "patch {i} is in no scene");
    }
}

#[test]
fn every_corner_is_drawn_and_padding_is_not() {
    let cache = tempfile::tempdir().unwrap();
    let images = tempfile::tempdir().unwrap();
    for (name, width, height) in [("wide.png", 9, 4), ("high.png", 4, 6)] {
        let pixel = |x: u32, y: u32| image::Rgb([40 + 20 * x as u8, 40 + 30 * y as u8, 90 + x as u8 + y as u8]);
        image::RgbImage::from_fn(width, height, pixel).save(images.path().join(name)).unwrap();
    }
    let mut options = options(1, 4);
    options.origin = Origin::Images(folder(images.path()));
    let scenes = Scenes::open(&options, cache.path()).unwrap();
    assert_eq!(scenes.pixels(Device::Cpu).size(), [1, 10, 9]);
    let here = windows(&scenes.pixels(Device::Cpu), 4);
    let patches = gather(&here, &scenes, &Streams::new(0), "patches", 0, 500, 4).reshape([500, 16]);
    let (distinct, _, _) = patches.unique_dim(0, true, false, false);
    assert_eq!(distinct.size()[0], 6 + 3);
    assert_eq!(patches.eq(0.0).any().int64_value(&[]), 0);
}

#[test]
fn the_covariance_is_that_of_the_patches() {
    for (remove_mean, whiten, mask) in [(false, 0.0, false), (false, 0.0, true), (true, 0.0, true), (true, 0.5, true)] {
        let options = Options { remove_mean, whiten, circular_mask: mask, ..options(2, 6) };
        let source = open(&options);
        let patches = source.patches(&Streams::new(3), "patches", 0, 40_000).reshape([40_000, 72]);
        let covariance = source.covariance();
        let difference =
            largest(&(patches.tr().cov(1, None::<Tensor>, None::<Tensor>) - &covariance)) / largest(&covariance);
        assert!(difference < 0.15, "{options:?}: {difference}");
        assert!(source.entropy().is_finite());
    }
}

/// H_X follows from the covariance of treated patches; where these fill few dimensions, from its eigenvalues there.
#[test]
fn the_entropy_is_that_of_the_treated_covariance() {
    for (remove_mean, whiten, mask) in
        [(false, 0.0, false), (false, 0.0, true), (true, 0.0, false), (true, 0.5, true), (false, 0.25, true)]
    {
        let options = Options { remove_mean, whiten, circular_mask: mask, ..options(2, 6) };
        let source = open(&options);
        let variances = source.covariance().linalg_eigvalsh("L");
        let dimensions = 2 * if whiten > 0.0 { (whiten * 36.0f64).round() as i64 } else { 36 - i64::from(remove_mean) };
        let variances = variances.narrow(0, 72 - dimensions, dimensions);
        let scaled = variances * (2.0 * std::f64::consts::PI * std::f64::consts::E);
        let expected = 0.5 * scaled.log2().sum(Kind::Double).double_value(&[]);
        assert!((source.entropy() - expected).abs() < 1e-4, "{options:?}: {} {expected}", source.entropy());
    }
}

/// Fewer distinct patches than pixels: as many as 4 + 9 corners.
#[test]
fn few_distinct_patches_are_refused_until_fewer_directions_are_kept() {
    let images = tempfile::tempdir().unwrap();
    for (name, side) in [("a.png", 7), ("b.png", 8)] {
        let grey = |x: u32, y: u32| image::Luma([(x * x * 7 + y * 23 + x * y * 5 % 13 + side * 11) as u8]);
        image::GrayImage::from_fn(side, side, grey).save(images.path().join(name)).unwrap();
    }
    let few = Options { origin: Origin::Images(folder(images.path())), ..options(1, 6) };
    let message = fault(&few);
    assert!(message.contains("cone M varies in 12 of 36 directions"), "{message}");
    open(&Options { whiten: 0.25, ..few });
}

#[test]
fn whitening_leaves_each_color_a_projection() {
    let source = open(&Options { whiten: 0.25, ..options(2, 6) });
    let block = source.covariance().narrow(0, 36, 36).narrow(1, 36, 36);
    assert!(largest(&(block.matmul(&block) - &block)) < 1e-8);
    assert!((block.trace().double_value(&[]) - 9.0).abs() < 1e-8);
    let whole = open(&Options { whiten: 1.0, ..options(1, 6) });
    assert!(largest(&(whole.covariance() - Tensor::eye(36, (Kind::Double, Device::Cpu)))) < 1e-8);
    let entropy = 18.0 * (2.0 * std::f64::consts::PI * std::f64::consts::E).log2();
    assert!((whole.entropy() - entropy).abs() < 1e-6);
}

#[test]
fn patches_lose_their_mean_by_color() {
    let source = open(&Options { remove_mean: true, ..options(3, 6) });
    let patches = source.patches(&Streams::new(0), "patches", 0, 16);
    assert!(largest(&patches.mean_dim([-1i64].as_slice(), false, None)) < 1e-6);
}

#[test]
fn the_mask_is_a_circle() {
    let mask = circular_mask(18);
    assert_eq!(mask.double_value(&[0]), 1e-4);
    assert_eq!(mask.double_value(&[9 * 18 + 9]), 1.0);
    // R = 8.5; the pixel (0, 8) is √(8.5² + 0.5²) away.
    assert!((mask.double_value(&[8]) - (9.5 - 72.5f64.sqrt())).abs() < 1e-12);
}

#[test]
fn the_covariance_is_taken_from_the_cache_and_made_again_where_that_is_broken() {
    let cache = tempfile::tempdir().unwrap();
    let open = || Source::open(&options(1, 5), cache.path(), Kind::Float, Device::Cpu).unwrap().covariance();
    let first = open();
    let file = || std::fs::read_dir(cache.path()).unwrap().next().unwrap().unwrap().path();
    Tensor::write_safetensors(&[("data_covariance", &(&first * 2.0))], file()).unwrap();
    assert!(open().equal(&(&first * 2.0)));
    std::fs::write(file(), "broken").unwrap();
    assert!(open().equal(&first));
    assert_eq!(std::fs::read_dir(cache.path()).unwrap().count(), 1);
}

#[test]
fn what_is_wrong_with_data_is_said_with_the_file() {
    let missing = Options { origin: Origin::Kyoto(folder(Path::new("/no/such/folder"))), ..options(3, 6) };
    assert_eq!(fault(&missing), "cannot read /no/such/folder: No such file or directory (os error 2)");

    let images = tempfile::tempdir().unwrap();
    let path = images.path();
    let at = |origin: fn(Folder) -> Origin, colors| Options { origin: origin(folder(path)), ..options(colors, 6) };
    assert_eq!(fault(&at(Origin::Kyoto, 3)), format!("no .mat files in {}", path.display()));
    assert_eq!(fault(&at(Origin::Images, 3)), format!("no PNG or JPEG images in {}", path.display()));

    std::fs::write(path.join("a.mat"), "nothing of the kind").unwrap();
    let message = fault(&at(Origin::Kyoto, 3));
    assert!(message.starts_with(&format!("{}: not a MATLAB v5 file", path.join("a.mat").display())), "{message}");
    std::fs::write(path.join("b.png"), "nothing of the kind").unwrap();
    let message = fault(&at(Origin::Images, 3));
    assert!(message.starts_with(&format!("{}: not a PNG or JPEG image", path.join("b.png").display())), "{message}");

    let grey = |x: u32, y: u32| image::Luma([(x * 7 + y * 11 + x * y) as u8]);
    image::GrayImage::from_fn(40, 30, grey).save(path.join("b.png")).unwrap();
    for (whiten, circular_mask, remove_mean) in
        [(0.0, false, false), (0.0, true, false), (0.0, true, true), (0.5, false, false), (0.5, true, true)]
    {
        let grey = Options { whiten, circular_mask, remove_mean, ..at(Origin::Images, 3) };
        let message = fault(&grey);
        assert!(
            message.starts_with("the colours L and M, L and S, M and S of the images depend on each other"),
            "{message}"
        );
        assert!(message.ends_with("use `colors: 1`, or images in colour"), "{message}");
        open(&Options { colors: 1, ..grey });
    }
    let large = Options { kernel_size: 31, ..at(Origin::Images, 1) };
    assert_eq!(fault(&large), "`kernel_size` is 31, but image b.png has only 30 × 40 pixels");
    let few = Options { covariance_samples: 36, ..at(Origin::Images, 1) };
    assert_eq!(fault(&few), "`data.covariance_samples` is 36, but the covariance of 36 pixels needs more than 36");

    let planned = Folder { planned: "0123456789abcdef".to_owned(), ..folder(path) };
    let message = fault(&Options { origin: Origin::Images(planned), ..options(1, 6) });
    assert!(message.contains("but the run was planned with 0123456789abcdef"), "{message}");
}

/// The lab's images are not part of the project; where they are, all of them must be read.
#[test]
fn the_kyoto_data_set_is_read_where_it_is() {
    let path = std::env::var_os("TESSERA_KYOTO").map_or_else(|| PathBuf::from("../shared/kyoto"), PathBuf::from);
    if !path.is_dir() {
        return;
    }
    let mut options = options(3, 18);
    options.origin = Origin::Kyoto(folder(&path));
    let cache = tempfile::tempdir().unwrap();
    let scenes = Scenes::open(&options, cache.path()).unwrap();
    assert_eq!(scenes.places.len(), 62);
    assert!(scenes.pixels(Device::Cpu).isfinite().all().int64_value(&[]) == 1);
}
