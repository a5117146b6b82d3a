//! One image: the responses of its cones at each pixel, normalised.

use super::DataError;

/// An image as the retina sees it.
#[derive(Clone, Debug)]
pub struct Scene {
    /// What messages call it.
    pub name: String,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// One plane a cone type, row by row, in the order of [`super::cones::Cone::of`].
    pub planes: Vec<Vec<f32>>,
}

impl Scene {
    /// Subtracts the mean and divides by the sd: of all colours together, or of each colour by itself.
    pub fn normalize(&mut self, each_color: bool) -> Result<(), DataError> {
        let count = if each_color { 1 } else { self.planes.len().max(1) };
        for planes in self.planes.chunks_mut(count) {
            let pixels = || planes.iter().flatten().map(|&x| f64::from(x));
            let n = pixels().count() as f64;
            let mean = pixels().sum::<f64>() / n;
            let sd = (pixels().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n).sqrt();
            if !sd.is_finite() || sd <= 1e-6 * mean.abs() {
                let fault =
                    if sd.is_finite() { "all its pixels are equal" } else { "it has pixels that are not finite" };
                return Err(DataError::Flat { name: self.name.clone(), fault: fault.to_owned() });
            }
            planes.iter_mut().flatten().for_each(|x| *x = ((f64::from(*x) - mean) / sd) as f32);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scene() -> Scene {
        let planes = vec![vec![1.0, 2.0, 3.0, 4.0], vec![10.0, 20.0, 30.0, 40.0]];
        Scene { name: "a.png".to_owned(), height: 2, width: 2, planes }
    }

    fn moments(pixels: &[f32]) -> (f32, f32) {
        let n = pixels.len() as f32;
        let mean = pixels.iter().sum::<f32>() / n;
        (mean, (pixels.iter().map(|x| (x - mean) * (x - mean)).sum::<f32>() / n).sqrt())
    }

    #[test]
    fn an_image_is_normalised_as_a_whole_or_by_color() {
        let mut whole = scene();
        whole.normalize(false).unwrap();
        let (mean, sd) = moments(&whole.planes.concat());
        assert!(mean.abs() < 1e-6 && (sd - 1.0).abs() < 1e-6);
        assert!(moments(&whole.planes[0]).0 < -0.5);
        let mut each = scene();
        each.normalize(true).unwrap();
        for plane in &each.planes {
            let (mean, sd) = moments(plane);
            assert!(mean.abs() < 1e-6 && (sd - 1.0).abs() < 1e-6);
        }
    }

    #[test]
    fn an_image_without_contrast_is_refused() {
        let mut flat = Scene { planes: vec![vec![0.5; 4]], ..scene() };
        assert_eq!(flat.normalize(false).unwrap_err().to_string(), "image a.png: all its pixels are equal");
        let mut nan = Scene { planes: vec![vec![0.5, f32::NAN, 1.0, 0.0]], ..scene() };
        assert_eq!(nan.normalize(false).unwrap_err().to_string(), "image a.png: it has pixels that are not finite");
    }
}
