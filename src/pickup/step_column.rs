//! At which step a file's rows stand.
//!
//! The step is the column that the spec names, else the first of the usual names that the file has. What later rows show to
//! be wrong (another name of a higher rank, epochs with fractions) is a doubt: the file is read again with what is known.

/// Names under which programs write the step, in any case, by rank.
const NAMES: [&str; 10] =
    ["step", "_step", "global_step", "trainer/global_step", "steps", "iteration", "iterations", "iter", "it", "epoch"];

/// The column of a file, as far as it is known, and where its rows have come to.
#[derive(Clone, Debug, Default)]
pub struct StepColumn {
    /// What the spec says.
    named: Option<String>,
    /// The name of the highest rank that the file has.
    rank: Option<usize>,
    /// Names whose values are no whole numbers.
    fractional: [bool; NAMES.len()],
    /// The column's name as the file spells it.
    found: Option<String>,
    rows: u64,
    last: Option<u64>,
    /// Whether rows were placed that would now stand elsewhere.
    pub doubt: bool,
}

impl StepColumn {
    /// Of a file whose spec names the column, or not.
    pub fn new(named: Option<&str>) -> Self {
        Self { named: named.map(str::to_owned), ..Self::default() }
    }

    /// The same for the same file, read once more from its top.
    pub fn again(&self) -> Self {
        Self { rows: 0, last: None, doubt: false, ..self.clone() }
    }

    /// Where the steps come from, in words.
    pub fn described(&self) -> String {
        match (&self.found, &self.named) {
            (Some(found), _) => format!("column `{found}`"),
            (None, Some(named)) => format!("column `{named}`, which no row has"),
            (None, None) => "rows counted from 0, since no column is called so".to_owned(),
        }
    }

    /// Takes the step out of a row's numbers; why the row is left out where it has none that can be.
    pub fn take(&mut self, numbers: &mut Vec<(String, f64)>) -> Result<u64, &'static str> {
        let row = self.rows;
        self.rows += 1;
        let found = match &self.named {
            Some(named) => numbers.iter().position(|(name, _)| name == named).map(|place| (place, 0)),
            None => self.find(numbers),
        };
        let Some((place, rank)) = found else {
            // A row without a step stands where the file has come to; in a file without steps rows are counted.
            return match (&self.named, self.rank) {
                (Some(_), _) => self.last.ok_or("no step, and none before it"),
                (None, Some(_)) => Ok(self.last.unwrap_or(0)),
                (None, None) => Ok(row),
            };
        };
        let value = numbers[place].1;
        if value < 0.0 {
            return Err("a step below 0");
        }
        if !value.is_finite() || value.fract() != 0.0 || value > 2f64.powi(53) {
            if self.named.is_some() || !value.is_finite() {
                return Err("a step that is no whole number");
            }
            self.doubt |= row > 0 && self.rank == Some(rank);
            self.fractional[rank] = true;
            if self.rank == Some(rank) {
                (self.rank, self.found) = (None, None);
            }
            // The next name may do; it stays among the numbers, as it is.
            self.rows = row;
            return self.take(numbers);
        }
        if self.named.is_none() && self.rank != Some(rank) {
            self.doubt |= row > 0;
            self.rank = Some(rank);
        }
        let (name, _) = numbers.remove(place);
        self.found = Some(name);
        self.last = Some(value as u64);
        Ok(value as u64)
    }

    /// The place of the name of the highest rank, unless a higher one is known for the file.
    fn find(&self, numbers: &[(String, f64)]) -> Option<(usize, usize)> {
        let ranks = NAMES.iter().enumerate().filter(|(rank, _)| !self.fractional[*rank]);
        let mut ranks = ranks.take_while(|(rank, _)| self.rank.is_none_or(|known| *rank <= known));
        ranks.find_map(|(rank, wanted)| {
            numbers.iter().position(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|place| (place, rank))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(column: &mut StepColumn, rows: &[&[(&str, f64)]]) -> Vec<Result<u64, &'static str>> {
        let numbers = |row: &&[(&str, f64)]| row.iter().map(|(name, x)| ((*name).to_owned(), *x)).collect();
        rows.iter().map(|row| column.take(&mut numbers(row))).collect()
    }

    #[test]
    fn the_highest_name_counts_and_doubts_are_told() {
        let mut column = StepColumn::default();
        assert_eq!(steps(&mut column, &[&[("Step", 5.0)], &[("loss", 1.0)], &[("epoch", 1.0)]]), [Ok(5), Ok(5), Ok(5)]);
        assert!(!column.doubt);
        let mut column = StepColumn::default();
        assert_eq!(
            steps(&mut column, &[&[("epoch", 1.0)], &[("epoch", 1.5)], &[("epoch", 2.0)]]),
            [Ok(1), Ok(1), Ok(2)]
        );
        assert!(column.doubt);
        let again: &[&[(&str, f64)]] = &[&[("epoch", 1.0)], &[("epoch", 1.5)], &[("epoch", 2.0)]];
        assert_eq!(steps(&mut column.again(), again), [Ok(0), Ok(1), Ok(2)]);
        let mut column = StepColumn::default();
        assert_eq!(steps(&mut column, &[&[("epoch", 1.0)], &[("epoch", 1.0), ("step", 40.0)]]), [Ok(1), Ok(40)]);
        assert!(column.doubt);
        assert_eq!(steps(&mut StepColumn::default(), &[&[("step", -1.0)]]), [Err("a step below 0")]);
        let mut named = StepColumn::new(Some("update"));
        assert_eq!(
            steps(&mut named, &[&[("step", 1.0)], &[("update", 7.0)], &[("x", 0.0)]]),
            [Err("no step, and none before it"), Ok(7), Ok(7)]
        );
    }
}
