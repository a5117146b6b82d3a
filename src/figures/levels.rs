//! The levels of an axis, each once; a hundred thousand of them too.

use crate::record::Value;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::OnceLock;

/// Levels in the order in which they came.
#[derive(Clone, Debug, Default)]
pub struct Levels {
    all: Vec<Value>,
    /// By their spelling: what is spelled alike need not be alike.
    places: HashMap<String, Vec<usize>>,
    /// The rank of each among numbers, where all are.
    ranks: OnceLock<Vec<usize>>,
}

impl Levels {
    /// Adds a level that is not there yet.
    pub fn add(&mut self, level: &Value) {
        let alike = self.places.entry(level.to_string()).or_default();
        if !alike.iter().any(|&place| self.all[place] == *level) {
            alike.push(self.all.len());
            self.all.push(level.clone());
            self.ranks = OnceLock::new();
        }
    }

    /// All of them.
    pub fn all(&self) -> &[Value] {
        &self.all
    }

    /// All of them.
    pub fn into_all(self) -> Vec<Value> {
        self.all
    }

    /// Whether all are numbers.
    pub fn are_numbers(&self) -> bool {
        self.ranks().len() == self.all.len()
    }

    /// A level's place: by size where all are numbers, else in the order in which they came.
    pub fn rank(&self, level: &Value) -> Option<usize> {
        let alike = self.places.get(&level.to_string())?;
        let place = alike.iter().copied().find(|&place| self.all[place] == *level)?;
        Some(self.ranks().get(place).copied().unwrap_or(place))
    }

    fn ranks(&self) -> &[usize] {
        self.ranks.get_or_init(|| {
            let numbers: Vec<f64> = self.all.iter().filter_map(Value::as_f64).collect();
            if numbers.len() < self.all.len() {
                return Vec::new();
            }
            let mut order: Vec<usize> = (0..numbers.len()).collect();
            order.sort_by(|&a, &b| numbers[a].partial_cmp(&numbers[b]).unwrap_or(Ordering::Equal));
            let mut ranks = vec![0; order.len()];
            order.into_iter().enumerate().for_each(|(rank, place)| ranks[place] = rank);
            ranks
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_ranked_by_size_and_others_as_they_came() {
        let mut levels = Levels::default();
        [3.0, 1.0, 2.0, 1.0].iter().for_each(|x| levels.add(&Value::Number(*x)));
        assert_eq!((levels.all().len(), levels.are_numbers()), (3, true));
        assert_eq!([3.0, 1.0, 2.0, 9.0].map(|x| levels.rank(&Value::Number(x))), [Some(2), Some(0), Some(1), None]);
        levels.add(&Value::from("a"));
        assert_eq!((levels.are_numbers(), levels.rank(&Value::from("a"))), (false, Some(3)));
        assert_eq!(levels.rank(&Value::Number(3.0)), Some(0));
    }
}
