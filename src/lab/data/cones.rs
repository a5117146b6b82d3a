//! From what a camera or a leaf gives to what cones answer: sRGB → linear light → L, M, S → 1 − exp(−k·r), with k such
//! that the median over a scene is one half for each cone.

use super::DataError;

/// A cone type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cone {
    /// Long wavelengths.
    L,
    /// Middle wavelengths.
    M,
    /// Short wavelengths.
    S,
}

impl Cone {
    /// The cone types of a model with so many colours: 1 = M; 2 = L, S; 3 = L, M, S.
    pub fn of(colors: usize) -> &'static [Self] {
        match colors {
            1 => &[Self::M],
            2 => &[Self::L, Self::S],
            _ => &[Self::L, Self::M, Self::S],
        }
    }

    /// The cone's part of linear sRGB light: Hunt, Pointer and Estévez's fundamentals, equal for white (D65) but for rounding.
    pub fn catch(self, [r, g, b]: [f32; 3]) -> f32 {
        let [wr, wg, wb] = match self {
            Self::L => [0.313_990_2, 0.639_512_9, 0.046_497_5],
            Self::M => [0.155_372_4, 0.757_894_5, 0.086_701_4],
            Self::S => [0.017_752_4, 0.109_442_1, 0.872_569_2],
        };
        wr * r + wg * g + wb * b
    }

    /// The letter.
    pub fn name(self) -> &'static str {
        match self {
            Self::L => "L",
            Self::M => "M",
            Self::S => "S",
        }
    }
}

/// Linear light of an sRGB value in [0, 1] (IEC 61966-2-1).
pub fn linear(value: f32) -> f32 {
    if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
}

/// Light of one cone over a scene becomes its response, in place.
pub fn respond(light: &mut [f32], cone: Cone, name: &str) -> Result<(), DataError> {
    let mut sorted = light.to_vec();
    let middle = sorted.len() / 2;
    let (_, &mut median, _) = sorted.select_nth_unstable_by(middle, f32::total_cmp);
    if median <= 0.0 {
        let fault = format!("half of it is black to the {} cone, so its response has no scale", cone.name());
        return Err(DataError::Flat { name: name.to_owned(), fault });
    }
    let k = std::f32::consts::LN_2 / median;
    light.iter_mut().for_each(|r| *r = 1.0 - (-k * *r).exp());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_is_equal_to_all_cones_and_the_median_response_is_one_half() {
        for cone in Cone::of(3) {
            assert!((cone.catch([1.0; 3]) - 1.0).abs() < 1e-3);
            let mut light: Vec<f32> = (0..101).map(|i| i as f32 * 0.3).collect();
            respond(&mut light, *cone, "ramp").unwrap();
            assert!((light[50] - 0.5).abs() < 1e-6);
            assert_eq!(light[0], 0.0);
        }
        assert!((linear(0.5) - 0.214_041).abs() < 1e-5);
        let error = respond(&mut [0.0; 9], Cone::L, "night.png").unwrap_err().to_string();
        assert!(error.starts_with("image night.png: half of it is black to the L cone"), "{error}");
    }
}
