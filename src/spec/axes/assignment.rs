//! What a parameter is given: a value, a multiple, a formula; checked against what the trainer says of it.

use super::Axes;
use crate::record::Value;
use crate::spec::axis::is_range;
use crate::spec::decimal::number;
use crate::spec::expression::multiple;
use crate::spec::grid::Assignment;
use crate::spec::node::Node;
use crate::spec::{Expression, Formula, Kind, Parameter};
use std::sync::Arc;

impl Axes<'_> {
    /// What a section gives its parameters.
    pub(super) fn assignments(&self, section: &Node) -> Vec<Assignment> {
        section.entries().iter().filter_map(|(name, node)| self.assignment(name, node)).collect()
    }

    /// Checks a name and what it is given.
    pub(super) fn assignment(&self, name: &str, node: &Node) -> Option<Assignment> {
        if !self.check_name(name, node) {
            return None;
        }
        if is_range(node) || (node.value.as_list().is_some() && !self.takes_list(name)) {
            node.error(
                format!("`{name}` has several values here"),
                &format!("an axis stands under `grid:`; on the command line `--set grid.{name}=[…]`"),
            );
            return None;
        }
        // A program may be given nothing: Python's None.
        if node.value.is_null() && self.top.get("command").is_none() {
            node.error_at_key(format!("`{name}` has no value"), "give it one, or remove the line");
            return None;
        }
        let Some(value) = node.plain() else {
            node.error(format!("`{name}` must be finite, found {}", node.found()), "");
            return None;
        };
        if let Value::Text(text) = &value
            && let Some(expression) = self.expression(name, text, node)
        {
            return expression.map(|expression| Assignment {
                name: name.into(),
                expression,
                origin: node.origin().clone(),
            });
        }
        self.value(name, node, value)
    }

    fn takes_list(&self, name: &str) -> bool {
        self.description.parameter(name).is_none_or(|p| p.kind == Kind::List)
    }

    /// Checks a value.
    pub(super) fn value(&self, name: &str, node: &Node, value: Value) -> Option<Assignment> {
        let checked = match self.description.parameter(name) {
            Some(parameter) => parameter.check(&value),
            None => Ok(undeclared(value)),
        };
        match checked {
            Ok(value) => Some(Assignment {
                name: name.into(),
                expression: Expression::Value(value),
                origin: node.origin().clone(),
            }),
            Err((message, help)) => {
                node.error(message, &help);
                None
            }
        }
    }

    /// `0.1x`, `= …`; the outer `None` if it is plain text, the inner one after a mistake.
    #[expect(clippy::option_option, reason = "not one, a wrong one, one")]
    fn expression(&self, name: &str, text: &str, node: &Node) -> Option<Option<Expression>> {
        let numeric = self.description.parameter(name).map(Parameter::is_numeric);
        if let Some(formula) = text.strip_prefix('=').filter(|_| numeric != Some(false)) {
            let formula = match Formula::parse(formula) {
                Ok(formula) => formula,
                Err(wrong) => {
                    node.error(
                        format!("cannot read the arithmetic: {wrong}"),
                        "numbers, parameters, `+ - * /` and brackets",
                    );
                    return Some(None);
                }
            };
            let known = formula.names().iter().all(|other| self.check_reference(other, node));
            return Some(known.then(|| Expression::Formula(Arc::new(formula))));
        }
        let (factor, of) = multiple(text)?;
        if !numeric.unwrap_or_else(|| self.numeric.contains(name) || of.is_some_and(|of| self.numeric.contains(of))) {
            return None;
        }
        if let Some(of) = of
            && of.split_whitespace().all(|word| multiple(word).is_some())
        {
            node.error(
                format!("`{text}` are several values"),
                "values of a list are separated by commas: `[1x, 0.1x]`",
            );
            return Some(None);
        }
        if let Some(of) = of
            && !self.check_reference(of, node)
        {
            return Some(None);
        }
        Some(Some(Expression::Multiple { factor, of: of.map(Arc::from) }))
    }
}

/// The value for a trainer that declares nothing: as it is written, whole numbers as integers.
fn undeclared(value: Value) -> Value {
    match value {
        Value::Number(x) => number(x),
        Value::List(items) => Value::List(items.into_iter().map(undeclared).collect()),
        Value::Map(map) => Value::Map(map.into_iter().map(|(key, item)| (key, undeclared(item))).collect()),
        other => other,
    }
}
