//! Fonts of the system for characters that the figures' own font lacks, as fontconfig names them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{LazyLock, Mutex};

/// So many different characters are looked for in one figure.
const MOST: usize = 200;

/// The files that were found for each character; none where no font of the system has it.
static FOUND: LazyLock<Mutex<HashMap<char, Vec<PathBuf>>>> = LazyLock::new(Mutex::default);

/// Font files that together have the characters, as far as there are such; few rather than many.
pub(super) fn files(characters: &[char]) -> Vec<PathBuf> {
    let mut chosen: Vec<PathBuf> = Vec::new();
    for &character in characters.iter().take(MOST) {
        let having = having(character);
        if !having.iter().any(|file| chosen.contains(file)) {
            chosen.extend(having.into_iter().next());
        }
    }
    chosen
}

/// Whether no font of the system has a character.
pub(super) fn is_nowhere(character: char) -> bool {
    having(character).is_empty()
}

/// The files of fonts that have a character, upright and regular ones first.
fn having(character: char) -> Vec<PathBuf> {
    if let Ok(found) = FOUND.lock()
        && let Some(files) = found.get(&character)
    {
        return files.clone();
    }
    let files = ask(character);
    if let Ok(mut found) = FOUND.lock() {
        found.insert(character, files.clone());
    }
    files
}

fn ask(character: char) -> Vec<PathBuf> {
    let mut command = Command::new("fc-list");
    command.args(["--format", "%{file}\t%{style}\t%{family}\n", &format!(":charset={:x}", u32::from(character))]);
    let Ok(output) = command.stdin(Stdio::null()).stderr(Stdio::null()).output() else { return Vec::new() };
    let text = String::from_utf8_lossy(&output.stdout);
    let mut fonts: Vec<(bool, bool, &str)> = text
        .lines()
        .filter_map(|line| {
            let mut parts = line.split('\t');
            let (file, style, family) = (parts.next()?, parts.next()?, parts.next()?);
            let regular = ["Regular", "Book", "Roman", "Medium"].iter().any(|name| style.contains(name));
            let upright = !style.contains("Bold") && !style.contains("Oblique") && !style.contains("Italic");
            // What resvg reads, and no pictures for letters.
            let ending = Path::new(file).extension()?.to_str()?.to_lowercase();
            let known = ["ttf", "otf", "ttc", "otc"].contains(&ending.as_str()) && !family.contains("Color");
            known.then_some((!(regular && upright), family.contains("Mono"), file))
        })
        .collect();
    fonts.sort_unstable();
    fonts.into_iter().map(|(.., file)| PathBuf::from(file)).collect()
}
