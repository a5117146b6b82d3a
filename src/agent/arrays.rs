//! Reads an `arrays` file of a worker: a safetensors file directly in the run's folder.
//!
//! A worker is a program like any other, so nothing in the file is trusted. It must have a plain name, be a regular
//! file and no link, and its header and shapes must agree with its size.

use super::Array;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Component, Path};

/// The largest file that is taken in: what the largest record of the lab has many times over.
const LARGEST: u64 = 4 << 30;

/// Why a file is not taken in.
#[derive(Debug, thiserror::Error)]
pub enum ArraysError {
    /// `../x`, `a/b`.
    #[error("`{0}` is no plain file name")]
    Name(String),
    /// A link, a folder, a pipe.
    #[error("`{0}` is not a regular file of its own")]
    Kind(String),
    /// It cannot be read.
    #[error("cannot read `{name}`: {cause}")]
    File {
        /// Which file.
        name: String,
        /// Why.
        cause: std::io::Error,
    },
    /// Its contents are wrong.
    #[error("`{name}` is no safetensors file that tessera takes: {why}")]
    Content {
        /// Which file.
        name: String,
        /// What is wrong.
        why: String,
    },
}

/// Reads the arrays of a file in `folder` and deletes it.
///
/// # Errors
/// Where the file is not what the protocol says; then it stays.
pub fn take(folder: &Path, name: &str) -> Result<Vec<Array>, ArraysError> {
    let plain = matches!(Path::new(name).components().collect::<Vec<_>>()[..], [Component::Normal(n)] if n == name);
    if !plain || name.contains('\0') {
        return Err(ArraysError::Name(name.to_owned()));
    }
    let path = folder.join(name);
    let refuse = |cause| ArraysError::File { name: name.to_owned(), cause };
    // O_NONBLOCK: opening a pipe must not wait for somebody to write to it.
    let open = File::options().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(&path);
    let mut file = match open {
        Err(cause) if cause.raw_os_error() == Some(libc::ELOOP) => return Err(ArraysError::Kind(name.to_owned())),
        other => other.map_err(refuse)?,
    };
    let about = file.metadata().map_err(refuse)?;
    if !about.is_file() || about.nlink() != 1 {
        return Err(ArraysError::Kind(name.to_owned()));
    }
    let content = |why: String| ArraysError::Content { name: name.to_owned(), why };
    if about.len() > LARGEST {
        return Err(content(format!("{} GiB", about.len() >> 30)));
    }
    let mut bytes = Vec::with_capacity(about.len() as usize);
    file.read_to_end(&mut bytes).map_err(refuse)?;
    let tensors = SafeTensors::deserialize(&bytes).map_err(|error| content(error.to_string()))?;
    let mut arrays = Vec::new();
    for (tensor, view) in tensors.iter() {
        let values = values(&view).ok_or_else(|| content(format!("`{tensor}` has type {:?}", view.dtype())))?;
        let shape = view.shape().iter().map(|&n| n as u64).collect();
        arrays.push(Array { name: tensor.to_owned(), shape, values });
    }
    arrays.sort_by(|a, b| a.name.cmp(&b.name));
    std::fs::remove_file(&path).map_err(refuse)?;
    Ok(arrays)
}

/// The values as the store keeps them, float32; `None` for a type that is no number of 32 or 64 bits.
fn values(view: &TensorView<'_>) -> Option<Vec<f32>> {
    fn read<const N: usize>(data: &[u8], value: impl Fn([u8; N]) -> f32) -> Option<Vec<f32>> {
        let (chunks, rest) = data.as_chunks::<N>();
        rest.is_empty().then(|| chunks.iter().map(|chunk| value(*chunk)).collect())
    }
    match view.dtype() {
        Dtype::F32 => read(view.data(), f32::from_le_bytes),
        Dtype::F64 => read(view.data(), |bytes| f64::from_le_bytes(bytes) as f32),
        Dtype::I32 => read(view.data(), |bytes| i32::from_le_bytes(bytes) as f32),
        Dtype::I64 => read(view.data(), |bytes| i64::from_le_bytes(bytes) as f32),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use safetensors::serialize_to_file;

    fn write(path: &Path) {
        let data: Vec<u8> = [1.0f32, -2.0, 0.5, 4.0, 5.0, 6.0].iter().flat_map(|x| x.to_le_bytes()).collect();
        let view = TensorView::new(Dtype::F32, vec![2, 3], &data).unwrap();
        serialize_to_file([("gain", view)], None, path).unwrap();
    }

    #[test]
    fn a_file_is_taken_in_and_deleted() {
        let folder = tempfile::tempdir().unwrap();
        write(&folder.path().join("a.safetensors"));
        let arrays = take(folder.path(), "a.safetensors").unwrap();
        assert_eq!(arrays[0].name, "gain");
        assert_eq!((arrays[0].shape.as_slice(), arrays[0].values[1]), ([2, 3].as_slice(), -2.0));
        assert!(!folder.path().join("a.safetensors").exists());
    }

    #[test]
    fn names_links_and_pipes_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        write(&folder.path().join("outside"));
        let inside = folder.path().join("run");
        std::fs::create_dir(&inside).unwrap();
        std::os::unix::fs::symlink(folder.path().join("outside"), inside.join("soft")).unwrap();
        std::fs::hard_link(folder.path().join("outside"), inside.join("hard")).unwrap();
        std::fs::create_dir(inside.join("folder")).unwrap();
        for name in ["../outside", "/etc/passwd", "", ".", "..", "folder/x", "a/"] {
            assert!(matches!(take(&inside, name), Err(ArraysError::Name(_))), "{name}");
        }
        for name in ["soft", "hard", "folder"] {
            assert!(matches!(take(&inside, name), Err(ArraysError::Kind(_))), "{name}");
        }
        assert!(matches!(take(&inside, "absent"), Err(ArraysError::File { .. })));
        assert!(folder.path().join("outside").exists());
    }

    #[test]
    fn headers_that_disagree_with_the_size_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        write(&path);
        let whole = std::fs::read(&path).unwrap();
        for broken in [&whole[..whole.len() - 1], &whole[..4], &[whole.as_slice(), b"x"].concat(), b""] {
            std::fs::write(&path, broken).unwrap();
            assert!(matches!(take(folder.path(), "a"), Err(ArraysError::Content { .. })));
        }
    }

    proptest::proptest! {
        /// Whatever a header claims, the file is refused or its arrays have the values that their shapes say.
        #[test]
        fn files_with_wrong_bytes(
            edits in proptest::collection::vec((proptest::prelude::any::<proptest::sample::Index>(), 0_u8..), 1..5),
            length in proptest::option::of(0_u64..),
        ) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("a.safetensors");
            write(&path);
            let mut bytes = std::fs::read(&path).unwrap();
            for (at, byte) in edits {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            if let Some(length) = length {
                bytes[..8].copy_from_slice(&length.to_le_bytes());
            }
            std::fs::write(&path, &bytes).unwrap();
            for array in take(folder.path(), "a.safetensors").unwrap_or_default() {
                proptest::prop_assert_eq!(array.values.len() as u64, array.shape.iter().product::<u64>());
            }
        }
    }
}
