//! The false-alarm budget of a project: what is promised, and the rate that keeps the promise.

use serde::{Deserialize, Serialize};

use crate::stats::rates::rate_for_at_most;

/// At most so many false alarms in 30 days, with a probability.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Budget {
    /// False alarms of the whole project in 30 days, at most.
    pub false_alarms_per_30d: f64,
    /// The probability with which 30 days without drift keep to that.
    pub confidence: f64,
}

impl Default for Budget {
    fn default() -> Self {
        Self { false_alarms_per_30d: 1.0, confidence: 0.9999 }
    }
}

impl Budget {
    /// The expected number of false alarms in 30 days at which the promise is kept: for at most one
    /// with probability 0.9999 it is 0.014.
    pub fn expected_per_30d(&self) -> f64 {
        self.expected_for(self.false_alarms_per_30d)
    }

    /// The same for another number at most.
    pub fn expected_for(&self, at_most: f64) -> f64 {
        rate_for_at_most(at_most, self.confidence)
    }

    /// Every problem, as (JSON pointer, what is wrong and the remedy).
    pub fn problems(&self) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        if !(self.false_alarms_per_30d > 0.0 && self.false_alarms_per_30d <= 1000.0) {
            let detail = "must be above 0 and at most 1000".to_owned();
            problems.push(("/false_alarms_per_30d".to_owned(), detail));
        }
        if !(self.confidence >= 0.5 && self.confidence <= 0.999_999) {
            problems.push(("/confidence".to_owned(), "must be from 0.5 to 0.999999".to_owned()));
        }
        problems
    }
}
