//! MATLAB v5 files, written here byte by byte: both precisions, compressed and not, whole and broken.

use super::*;

/// A 2-D matrix as a v5 element; values column by column.
fn matrix(name: &str, [rows, columns]: [u32; 2], values: &[f64], double: bool) -> Vec<u8> {
    let element = |kind: u32, data: &[u8]| {
        let mut bytes = [kind.to_le_bytes(), (data.len() as u32).to_le_bytes()].concat();
        bytes.extend(data);
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        bytes
    };
    let (class, kind) = if double { (6u32, 9) } else { (7, 7) };
    let numbers: Vec<u8> = if double {
        values.iter().flat_map(|x| x.to_le_bytes()).collect()
    } else {
        values.iter().flat_map(|x| (*x as f32).to_le_bytes()).collect()
    };
    let body = [
        element(6, &[class.to_le_bytes(), 0u32.to_le_bytes()].concat()),
        element(5, &[rows.to_le_bytes(), columns.to_le_bytes()].concat()),
        element(1, name.as_bytes()),
        element(kind, &numbers),
    ];
    element(14, &body.concat())
}

/// The same as a compressed element: zlib with one stored block.
fn compressed(element: &[u8]) -> Vec<u8> {
    let length = element.len() as u16;
    let mut data = vec![0x78, 0x01, 1];
    data.extend([length.to_le_bytes(), (!length).to_le_bytes()].concat());
    data.extend(element);
    let (a, b) = element.iter().fold((1u32, 0u32), |(a, b), &byte| {
        let a = (a + u32::from(byte)) % 65521;
        (a, (b + a) % 65521)
    });
    data.extend((b << 16 | a).to_be_bytes());
    [&15u32.to_le_bytes()[..], &(data.len() as u32).to_le_bytes(), &data].concat()
}

fn file(elements: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = b"MATLAB 5.0 MAT-file".to_vec();
    bytes.resize(124, b' ');
    bytes.extend([0x00, 0x01, b'I', b'M']);
    bytes.extend(elements.concat());
    bytes
}

/// Reads the only file of a folder.
fn read(bytes: &[u8]) -> Result<Vec<Scene>, DataError> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.mat"), bytes).unwrap();
    kyoto(folder.path(), Cone::of(3))
}

const COLUMNS: [f64; 6] = [1.0, 4.0, 2.0, 5.0, 3.0, 6.0];

fn cones(double: bool) -> Vec<Vec<u8>> {
    ["OL", "OM", "OS"].iter().map(|name| matrix(name, [2, 3], &COLUMNS, double)).collect()
}

#[test]
fn both_precisions_are_read_compressed_and_not() {
    for double in [false, true] {
        let plain = cones(double);
        let packed: Vec<_> = plain.iter().map(|element| compressed(element)).collect();
        for elements in [plain, packed] {
            let scenes = read(&file(&elements)).unwrap();
            assert_eq!((scenes[0].height, scenes[0].width), (2, 3));
            assert_eq!(scenes[0].planes, vec![vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]; 3]);
        }
    }
}

#[test]
fn what_a_file_lacks_is_said() {
    let fault = |elements: &[Vec<u8>]| {
        let message = read(&file(elements)).unwrap_err().to_string();
        message.split_once("a.mat: ").map(|(_, fault)| fault.to_owned()).unwrap()
    };
    let all = cones(false);
    assert_eq!(fault(&all[..2]), "no matrix `OS`");
    let other = matrix("OS", [3, 2], &COLUMNS, false);
    assert_eq!(fault(&[all[0].clone(), all[1].clone(), other]), "`OS` is of another size than the other cones");
    let message = read(b"MATLAB 7.3 MAT-file").unwrap_err().to_string();
    assert!(message.ends_with("a.mat: a MATLAB v7.3 file; write it again with `save -v7`"), "{message}");
}

/// A file cut short or with a wrong byte anywhere is an error or other numbers, never a panic.
#[test]
fn broken_files_are_refused() {
    let packed: Vec<_> = cones(true).iter().map(|element| compressed(element)).collect();
    for whole in [file(&cones(false)), file(&packed)] {
        for length in (0..whole.len()).step_by(5) {
            assert!(read(&whole[..length]).is_err(), "cut at {length}");
        }
        for position in (128..whole.len()).step_by(3) {
            let mut broken = whole.clone();
            broken[position] ^= 0xff;
            read(&broken).ok();
        }
    }
}
