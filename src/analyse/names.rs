//! Names for a query's columns that polars would give one name: it names `min(step)` and `max(step)` both `step`.

use sqlparser::ast::{Expr, Ident, Select, SelectItem, VisitMut, VisitorMut, visit_expressions};
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::{Parser, ParserOptions};
use std::collections::HashMap;
use std::ops::ControlFlow;

/// The query in which each column that would share its name with another is named after its own text. A query that
/// needs none, or that cannot be read, comes back as it is: what is wrong with it is said by the engine.
pub(super) fn distinct(sql: &str) -> String {
    let options = ParserOptions { trailing_commas: true, ..ParserOptions::default() };
    let parser = Parser::new(&GenericDialect).with_options(options).try_with_sql(sql);
    let Ok(mut statements) = parser.and_then(|mut parser| parser.parse_statements()) else { return sql.to_owned() };
    let mut named = Named(false);
    let _: ControlFlow<()> = statements.visit(&mut named);
    match statements.as_slice() {
        [statement] if named.0 => statement.to_string(),
        _ => sql.to_owned(),
    }
}

/// Whether any column was named.
struct Named(bool);

impl VisitorMut for Named {
    type Break = ();

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        let mut counts: HashMap<String, usize> = HashMap::new();
        for item in &select.projection {
            if let Some(name) = name(item) {
                *counts.entry(name).or_default() += 1;
            }
        }
        for item in &mut select.projection {
            if name(item).is_some_and(|name| counts[&name] > 1)
                && let SelectItem::UnnamedExpr(expr) = item
                && !is_column(expr)
            {
                let alias = Ident::with_quote('"', expr.to_string().replace('"', ""));
                *item = SelectItem::ExprWithAlias { expr: expr.clone(), alias };
                self.0 = true;
            }
        }
        ControlFlow::Continue(())
    }
}

/// The name that polars gives a column: its alias, else the first column in it; `None` for `*`.
fn name(item: &SelectItem) -> Option<String> {
    match item {
        SelectItem::ExprWithAlias { alias, .. } => Some(alias.value.clone()),
        SelectItem::UnnamedExpr(expr) => {
            let mut first = None;
            let _: ControlFlow<()> = visit_expressions(expr, |part| {
                first = match part {
                    Expr::Identifier(name) => Some(name.value.clone()),
                    Expr::CompoundIdentifier(names) => names.last().map(|name| name.value.clone()),
                    _ => return ControlFlow::Continue(()),
                };
                ControlFlow::Break(())
            });
            // What has no column is a literal, or counts rows.
            Some(first.unwrap_or_else(|| if matches!(expr, Expr::Function(_)) { "len" } else { "literal" }.to_owned()))
        }
        _ => None,
    }
}

fn is_column(expr: &Expr) -> bool {
    matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_))
}

#[cfg(test)]
mod tests {
    use super::distinct;

    #[test]
    fn columns_that_would_share_a_name_are_named_after_their_text() {
        for (sql, named) in [
            (
                "SELECT min(step), max(step) FROM history",
                r#"SELECT min(step) AS "min(step)", max(step) AS "max(step)" FROM history"#,
            ),
            ("select kl, avg(kl) from runs", r#"SELECT kl, avg(kl) AS "avg(kl)" FROM runs"#),
            (
                "SELECT a FROM (SELECT avg(kl) AS a, a + 1 FROM runs) t",
                r#"SELECT a FROM (SELECT avg(kl) AS a, a + 1 AS "a + 1" FROM runs) t"#,
            ),
            (
                r#"SELECT max("a b"), min("a b") FROM runs"#,
                r#"SELECT max("a b") AS "max(a b)", min("a b") AS "min(a b)" FROM runs"#,
            ),
            ("SELECT 1, 2", r#"SELECT 1 AS "1", 2 AS "2""#),
        ] {
            assert_eq!(distinct(sql), named);
        }
    }

    #[test]
    fn other_queries_stay_as_they_were_written() {
        for sql in [
            "SELECT method,  avg(kl) FROM runs GROUP BY method",
            "SELECT min(step) AS low, max(step) AS high FROM history",
            "SELECT *, max(kl) FROM runs",
            "SELECT kl, kl FROM runs",
            "SELEC kl",
            "",
        ] {
            assert_eq!(distinct(sql), sql);
        }
    }
}
