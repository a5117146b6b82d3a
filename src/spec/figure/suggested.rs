//! Figures as a program writes them, read as those of a spec are.

use super::{Figure, Names};
use crate::spec::origin::Origins;
use crate::spec::tree::Tree;
use crate::spec::{Node, Problems, Source, Sweep};
use std::cell::RefCell;
use std::sync::Arc;

impl Figure {
    /// Reads the lines of a list of figures for a sweep; what the trainer does not declare is not checked.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn suggested(lines: &str, sweep: &Sweep) -> Result<Vec<Self>, Problems> {
        let source = Source { name: "suggested figures".into(), text: lines.into() };
        let text = Arc::new(Origins { source, start: 0, folder: sweep.folder.clone() });
        let (tree, twice) = Tree::read(&text).map_err(|problem| Problems::from(*problem))?;
        let problems = RefCell::new(twice);
        let names = Names { description: &sweep.description, parameters: &[], metric: sweep.metric.as_ref() };
        let figures = Self::read_all(&Node::root(&tree, &problems), &names);
        let problems = problems.into_inner();
        if problems.fatal() { Err(problems) } else { Ok(figures) }
    }
}
