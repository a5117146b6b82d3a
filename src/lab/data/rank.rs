//! Whether the colours and pixels of patches depend on each other: the rank of their covariance at a fixed tolerance.
//!
//! A Cholesky factorisation of a matrix that is singular but for rounding fails on one processor and succeeds on another.
//! Eigenvalues are exact to about 1e-16 of the largest, so a threshold far above that gives one answer everywhere.

use super::DataError;
use super::cones::Cone;
use tch::Tensor;

/// A direction whose variance is below this share of the largest one counts as empty. Pixels are kept in single precision:
/// copies of a colour differ by rounding alone, which has a share of about 1e-15. What natural images hold is far above.
pub const TOLERANCE: f64 = 1e-12;

/// Refuses patches whose colours or pixels depend on each other.
///
/// `covariance`: `[L·D, L·D]` double, of the D directions that are kept of each colour's pixels, colour by colour. Colours are
/// judged with their largest variance set to 1, since their scales do not matter.
pub fn check(covariance: &Tensor, cones: &[Cone]) -> Result<(), DataError> {
    let directions = covariance.size()[0] / cones.len() as i64;
    let mut scales = Vec::new();
    for (color, cone) in cones.iter().enumerate() {
        let start = color as i64 * directions;
        let block = covariance.narrow(0, start, directions).narrow(1, start, directions);
        let variances = block.linalg_eigvalsh("L");
        let rank = rank(&variances);
        if rank < directions {
            return Err(DataError::DependentPixels { cone: cone.name(), rank, directions, tolerance: TOLERANCE });
        }
        scales.push(variances.max().rsqrt().expand([directions], false));
    }
    let scales = Tensor::cat(&scales, 0);
    let colors = cones.len() as i64;
    let scaled = (covariance * scales.outer(&scales)).view([colors, directions, colors, directions]);
    let dependent = |colors: &[usize]| {
        let index = Tensor::from_slice(&colors.iter().map(|color| *color as i64).collect::<Vec<_>>());
        let size = directions * colors.len() as i64;
        let block = scaled.index_select(0, &index).index_select(2, &index).reshape([size, size]);
        rank(&block.linalg_eigvalsh("L")) < size
    };
    let all: Vec<usize> = (0..cones.len()).collect();
    if !dependent(&all) {
        return Ok(());
    }
    let pairs = all.iter().flat_map(|a| (a + 1..cones.len()).map(|b| vec![*a, b]));
    let mut pairs: Vec<Vec<usize>> = pairs.filter(|pair| dependent(pair)).collect();
    if pairs.is_empty() {
        pairs.push(all);
    }
    let names = |pair: &Vec<usize>| pair.iter().map(|color| cones[*color].name()).collect();
    let pairs: Vec<Vec<&str>> = pairs.iter().map(names).collect();
    Err(DataError::DependentColors { remedy: remedy(cones, &pairs), pairs, tolerance: TOLERANCE })
}

/// The largest number of colours that have none of these together.
fn remedy(cones: &[Cone], pairs: &[Vec<&'static str>]) -> usize {
    let free = |colors: &usize| {
        let names: Vec<&str> = Cone::of(*colors).iter().map(|cone| cone.name()).collect();
        !pairs.iter().any(|pair| pair.iter().all(|name| names.contains(name)))
    };
    (1..cones.len()).rev().find(free).unwrap_or(1)
}

/// How many of a covariance's variances (eigenvalues) are not empty.
fn rank(variances: &Tensor) -> i64 {
    let largest = variances.max().double_value(&[]);
    if largest > 0.0 { variances.gt(TOLERANCE * largest).sum(tch::Kind::Int64).int64_value(&[]) } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::{Device, Kind};

    const L_M_S: &[Cone] = &[Cone::L, Cone::M, Cone::S];

    /// The covariance of three colours of 9 pixels, each a mixture of 27 independent values.
    fn covariance(mixture: impl Fn(&Tensor) -> [Tensor; 3]) -> Tensor {
        let streams = crate::random::Streams::new(7);
        let values = streams.normal("values", 0, &[3, 9, 4000], Kind::Double, Device::Cpu);
        let patches = Tensor::cat(&mixture(&values), 0);
        patches.cov(1, None::<Tensor>, None::<Tensor>)
    }

    fn verdict(mixture: impl Fn(&Tensor) -> [Tensor; 3]) -> String {
        let verdict = check(&covariance(mixture), L_M_S);
        verdict.map_or_else(|error| error.to_string(), |()| "independent".to_owned())
    }

    #[test]
    fn colours_that_depend_on_each_other_are_named_with_the_remedy() {
        let [l, m, s] = [0i64, 1, 2].map(|color| move |values: &Tensor| values.get(color));
        assert_eq!(verdict(|v| [l(v), m(v), s(v)]), "independent");
        // Scales do not matter, and a share of 1e-8 of its own is enough.
        assert_eq!(verdict(|v| [l(v), m(v), s(v) * 1e-9]), "independent");
        assert_eq!(verdict(|v| [l(v), l(v) + m(v) * 1e-4, s(v)]), "independent");
        let said = verdict(|v| [l(v), l(v), l(v)]);
        assert!(
            said.contains("L and M, L and S, M and S of the images depend") && said.contains("`colors: 1`"),
            "{said}"
        );
        let said = verdict(|v| [l(v), l(v) * 3.0 + m(v) * 1e-8, s(v)]);
        assert!(said.contains("colours L and M of the images depend") && said.contains("`colors: 2`"), "{said}");
        let said = verdict(|v| [l(v), m(v), l(v) * -0.5]);
        assert!(said.contains("colours L and S of the images depend") && said.contains("`colors: 1`"), "{said}");
        let said = verdict(|v| [l(v), m(v), l(v) + m(v)]);
        assert!(said.contains("colours L and M and S of the images depend") && said.contains("`colors: 2`"), "{said}");
    }

    #[test]
    fn pixels_that_depend_on_each_other_are_counted() {
        let said = verdict(|v| {
            let constant = v.get(1) * Tensor::from_slice(&[1.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0]).unsqueeze(1);
            [v.get(0), constant, v.get(2)]
        });
        assert!(said.contains("cone M varies in 7 of 9 directions"), "{said}");
        let said = verdict(|v| [v.get(0).narrow(0, 0, 1).expand([9, 4000], false), v.get(1), v.get(2)]);
        assert!(said.contains("cone L varies in 1 of 9 directions"), "{said}");
        assert!(verdict(|v| [v.get(0), v.get(1), v.get(2) * 0.0]).contains("cone S varies in 0 of 9 directions"));
    }
}
