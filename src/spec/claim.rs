//! A claim of a report: a condition that is looked at whenever the report is built, with or without words for readers.

use super::{Node, Origin};

/// A condition over the stored numbers, in the language of values in sentences.
#[derive(Clone, Debug)]
pub struct Claim {
    /// What it says to a reader; a text with values.
    pub says: Option<String>,
    /// The condition.
    pub holds: String,
    /// Where it was written.
    pub origin: Origin,
}

impl Claim {
    /// Reads `claims:`; mistakes go to the document's problems.
    pub(super) fn read_all(node: &Node) -> Vec<Self> {
        node.items().iter().filter_map(Self::read).collect()
    }

    fn read(node: &Node) -> Option<Self> {
        let origin = node.origin().clone();
        if node.value.as_mapping().is_none() {
            return Some(Self { says: None, holds: node.text()?, origin });
        }
        node.check_keys(&["says", "holds"]);
        let Some(holds) = node.get("holds") else {
            node.error("a claim needs `holds`: a condition".to_owned(), "like `holds: mean('kl').low > 7`");
            return None;
        };
        Some(Self { says: node.get("says").and_then(|says| says.text()), holds: holds.text()?, origin })
    }
}
