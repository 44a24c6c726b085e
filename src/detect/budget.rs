//! Divides a monitor's false-alarm budget over its streams.
//!
//! Expected numbers add whatever the dependence, so giving each stream a share of the rate keeps
//! the sum: at most `false_alarms_per_30d` in all.

use crate::model::stream::Stream;

/// A stream's weight in the budget: relevance is one number, the others are whole embeddings.
const fn weight(stream: Stream) -> f64 {
    match stream {
        Stream::Query | Stream::Response => 0.4,
        Stream::Relevance => 0.2,
    }
}

/// The share of the budget that `stream` gets among `streams`.
pub fn share(stream: Stream, streams: &[Stream]) -> f64 {
    weight(stream) / streams.iter().map(|s| weight(*s)).sum::<f64>()
}

/// Evaluations between two false alarms of one stream, for `per_30d` false alarms in 30 days at
/// `events_per_day` with an evaluation each `stride` events.
pub fn expected_run_evaluations(per_30d: f64, events_per_day: f64, stride: f64) -> f64 {
    (30.0 * events_per_day / stride / per_30d).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_to_one_whatever_streams_there_are() {
        for streams in [&Stream::ALL[..], &Stream::ALL[..1], &Stream::ALL[1..]] {
            let total: f64 = streams.iter().map(|s| share(*s, streams)).sum();
            assert!((total - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn one_alarm_in_thirty_days_at_a_thousand_events_a_day() {
        assert!((expected_run_evaluations(1.0, 1000.0, 50.0) - 600.0).abs() < 1e-9);
    }
}
