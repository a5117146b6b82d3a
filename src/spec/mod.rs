//! Stage 1, spec: takes YAML files and `--set` arguments, gives a [`Sweep`] or [`Report`] in which everything is
//! resolved, or every mistake at once. Never touches results, devices or processes. YAML is named only here.

mod command;
mod figure;
mod metric;
mod node;
mod parameter;
mod problem;
mod report;
mod resources;
mod sweep;
mod template;
mod value;

pub use command::{Booleans, Checkpoints, Command, Lists, Metrics, MetricsSource, Nothing, Spelling};
pub use figure::{Band, COLUMNS, Figure, FigureKind, Filter, Names};
pub use metric::{Metric, NoReduce, Reduce};
pub use node::{Node, Path, Step};
pub use parameter::{Description, Kind, Parameter, Quantity, TRAINERS, description};
pub use problem::{Problem, Problems, Severity};
pub use report::{Comparison, Report, Section, SectionFigure, TableRequest};
pub use resources::{Device, OnFailure, Resources};
pub use sweep::{Sweep, Trainer};
pub use template::{ArgumentStyle, Piece, Place, Template, TemplateError, Word, pieces};
pub use value::Value;
