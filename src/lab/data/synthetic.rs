//! Dead-leaves scenes: opaque discs over one another, with radii distributed as r⁻³, which gives natural images' 1/f²
//! power spectrum and their edges (Lee, Mumford & Huang 2001). A leaf reflects light with a log-normal luminance
//! and small chromatic deviations, so L, M and S are correlated as in natural images. Scenes are part of the
//! program, not of a run: they have a seed of their own.

use super::DataError;
use super::cones::{Cone, respond};
use super::scene::Scene;
use crate::random::Streams;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::RngCore;
use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;

/// Raised when the scenes change; a part of the covariance cache's key.
pub const VERSION: u32 = 1;

/// Leaves are drawn this much finer than pixels, then averaged, so that edges are smooth.
const FINE: usize = 2;
/// Share of the scene that may lie bare when the last leaf has fallen; the ground is a leaf too.
const BARE: f64 = 1e-3;
/// Sd of a leaf's log luminance, of L against M, and of S against both.
const LUMINANCE: f32 = 0.8;
const RED_GREEN: f32 = 0.05;
const BLUE_YELLOW: f32 = 0.3;

/// So many scenes of `size` × `size` pixels.
pub fn scenes(count: usize, size: usize, cones: &[Cone]) -> Result<Vec<Scene>, DataError> {
    let streams = Streams::new(0);
    (0..count)
        .into_par_iter()
        .map(|i| {
            let mut generator = streams.generator("dead leaves", i as u64);
            let leaves = fall(size * FINE, &mut generator);
            let name = format!("synthetic {i}");
            let mut planes = Vec::new();
            for cone in cones {
                let mut plane = leaves.seen_by(*cone, size);
                respond(&mut plane, *cone, &name)?;
                planes.push(plane);
            }
            Ok(Scene { name, height: size, width: size, planes })
        })
        .collect()
}

/// Light of a leaf: the logarithms of L, M, S.
type Light = [f32; 3];

/// Which leaf is seen at each point, and the leaves' light.
struct Leaves {
    side: usize,
    top: Vec<u32>,
    light: Vec<Light>,
}

/// Drops leaves from the front to the back, so that each point is painted once.
fn fall(side: usize, generator: &mut ChaCha8Rng) -> Leaves {
    const GROUND: u32 = 0;
    let mut leaves = Leaves { side, top: vec![GROUND; side * side], light: vec![leaf(generator)] };
    let (smallest, largest) = (1.0, side as f64 / 2.0);
    let mut bare = side * side;
    while bare as f64 > BARE * (side * side) as f64 {
        // r⁻³ between the two, by inversion.
        let (a, b): (f64, f64) = (1.0 / (smallest * smallest), 1.0 / (largest * largest));
        let radius = (a - uniform(generator) * (a - b)).powf(-0.5);
        // Centres are uniform in the plane; a leaf that lies wholly outside is not drawn.
        let reach = side as f64 + 2.0 * radius;
        if uniform(generator) * (side as f64 + 2.0 * largest).powi(2) > reach * reach {
            continue;
        }
        let (x, y) = (uniform(generator) * reach - radius, uniform(generator) * reach - radius);
        let number = leaves.light.len() as u32;
        leaves.light.push(leaf(generator));
        let end = |z: f64| (z.ceil().max(0.0) as usize).min(side);
        for row in end(x - radius)..end(x + radius) {
            let half = (radius * radius - (row as f64 - x).powi(2)).max(0.0).sqrt();
            let points = row * side + end(y - half)..row * side + end(y + half);
            for point in leaves.top.get_mut(points).into_iter().flatten().filter(|point| **point == GROUND) {
                *point = number;
                bare -= 1;
            }
        }
    }
    leaves
}

fn uniform(generator: &mut ChaCha8Rng) -> f64 {
    (generator.next_u64() >> 11) as f64 / (1u64 << 53) as f64
}

fn leaf(generator: &mut ChaCha8Rng) -> Light {
    let mut normal = |sd: f32| -> f32 {
        let x: f32 = StandardNormal.sample(generator);
        sd * x
    };
    let (luminance, red, blue) = (normal(LUMINANCE), normal(RED_GREEN), normal(BLUE_YELLOW));
    [luminance + red, luminance - red, luminance + blue]
}

impl Leaves {
    /// Light of one cone, averaged over pixels, row by row.
    fn seen_by(&self, cone: Cone, size: usize) -> Vec<f32> {
        let index = Cone::of(3).iter().position(|other| *other == cone).unwrap_or_default();
        let light: Vec<f32> = self.light.iter().map(|light| light[index].exp()).collect();
        let mut plane = vec![0.0; size * size];
        for (point, leaf) in self.top.iter().enumerate() {
            let (row, column) = (point / self.side / FINE, point % self.side / FINE);
            plane[row * size + column] += light[*leaf as usize] / (FINE * FINE) as f32;
        }
        plane
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::{Kind, Tensor};

    const SIZE: usize = 128;

    fn planes() -> Vec<Scene> {
        scenes(12, SIZE, Cone::of(3)).unwrap()
    }

    #[test]
    fn scenes_are_the_same_on_any_number_of_threads() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        let one = pool.install(|| scenes(3, 64, Cone::of(3)).unwrap());
        let two = scenes(3, 64, Cone::of(3)).unwrap();
        assert!(one.iter().zip(&two).all(|(a, b)| a.planes == b.planes));
        assert_ne!(one[0].planes, one[1].planes);
    }

    /// Power by frequency, averaged over directions and scenes, falls as f⁻² over two octaves.
    #[test]
    fn the_power_spectrum_is_that_of_natural_images() {
        let n = SIZE as i64;
        let mut power = vec![(0.0, 0); SIZE / 2];
        for mut scene in planes() {
            scene.normalize(true).unwrap();
            let image = Tensor::from_slice(&scene.planes[1]).view([n, n]).to_kind(Kind::Double);
            let window = Tensor::hann_window_periodic(n, true, (Kind::Double, tch::Device::Cpu));
            let spectrum =
                (image * window.unsqueeze(0) * window.unsqueeze(1)).fft_fft2(None::<&[i64]>, [0, 1], "backward");
            let spectrum = Vec::<f64>::try_from(spectrum.abs().square().reshape([-1])).unwrap();
            for (i, p) in spectrum.iter().enumerate() {
                let signed = |k: usize| if k < SIZE / 2 { k as f64 } else { k as f64 - SIZE as f64 };
                let frequency = signed(i / SIZE).hypot(signed(i % SIZE)).round() as usize;
                if let Some((sum, count)) = power.get_mut(frequency) {
                    *sum += p;
                    *count += 1;
                }
            }
        }
        let mean = |f: usize| power[f].0 / f64::from(power[f].1);
        let slope = (mean(24) / mean(6)).ln() / 4f64.ln();
        assert!((-2.6..-1.6).contains(&slope), "slope {slope}");
    }

    #[test]
    fn the_cones_are_correlated_as_in_natural_images() {
        let scenes = planes();
        let plane = |i: usize| {
            let pixels: Vec<f32> = scenes.iter().flat_map(|scene| scene.planes[i].iter().copied()).collect();
            Tensor::from_slice(&pixels)
        };
        let correlation = Tensor::stack(&[plane(0), plane(1), plane(2)], 0).corrcoef();
        let [lm, ls] = [[0, 1], [0, 2]].map(|index| correlation.double_value(&index));
        assert!((0.97..0.9999).contains(&lm), "L and M {lm}");
        assert!((0.75..0.97).contains(&ls), "L and S {ls}");
    }
}
