//! Stage 1, spec: takes YAML files and `--set` arguments, gives a [`Sweep`] or [`Report`] in which everything is
//! resolved, or every mistake at once. Never touches results, devices or processes. YAML is named only here.

mod axes;
mod axis;
mod check;
mod command;
mod condition;
mod decimal;
mod expression;
mod figure;
mod flatten;
mod fold;
mod grid;
mod metric;
mod node;
mod origin;
mod parameter;
mod problem;
mod program;
mod read;
mod report;
mod resources;
mod sweep;
mod template;
mod tree;
mod units;
mod value;

pub use command::{Booleans, Checkpoints, Command, Lists, Metrics, MetricsSource, Nothing, Spelling};
pub use condition::{Clause, Condition, Operator};
pub use decimal::multiply;
pub use expression::{Expression, Formula};
pub use figure::{Band, COLUMNS, Figure, FigureKind, Filter, Names};
pub use grid::{Assignment, Block, Dimension, Exclude, Grid, Include, Level, When};
pub use metric::{Metric, NoReduce, Reduce};
pub use node::Node;
pub use origin::Origin;
pub use parameter::{Description, Kind, Parameter, Quantity, TRAINERS, description};
pub use problem::{Problem, Problems, Severity};
pub use read::{Document, read};
pub use report::{Comparison, Report, Section, SectionFigure, TableRequest};
pub use resources::{Device, OnFailure, Resources};
pub use sweep::{Sweep, Trainer};
pub use template::{ArgumentStyle, Piece, Place, Template, TemplateError, Word, pieces};
pub use value::Value;
