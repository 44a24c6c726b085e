//! When a sequence of threshold ratios becomes an alarm, and when the alarm ends.
//!
//! The daemon steps the same machine that the calibration simulates, so that the promised number of
//! false alarms counts exactly what a receiver would see.

/// The rule: how many crossings make an alarm and how much quiet ends it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trigger {
    /// Crossings in a row before it fires; 0 and 1 fire at once.
    pub for_evaluations: u32,
    /// Quiet evaluations in a row before a firing alarm ends; 0 and 1 end it at the first.
    pub keep_firing_evaluations: u32,
    /// Quiet means a ratio of at most this, in (0, 1]: the hysteresis.
    pub resolve_ratio: f64,
}

/// Where the machine stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TriggerState {
    /// Nothing is wrong.
    Inactive,
    /// Crossed, not yet often enough.
    Pending {
        /// Crossings in a row so far, at least 1.
        streak: u32,
    },
    /// The alarm is on.
    Firing {
        /// Quiet evaluations in a row so far.
        quiet: u32,
    },
}

impl TriggerState {
    const fn is_firing(self) -> bool {
        matches!(self, Self::Firing { .. })
    }
}

impl Trigger {
    /// The state after one more evaluation.
    ///
    /// `ratio` is the largest statistic ÷ threshold of the evaluation: above 1 crosses. `None` (too
    /// little data to judge) and NaN hold the state as it is: absence of data is neither drift nor calm.
    #[must_use]
    pub fn step(&self, state: TriggerState, ratio: Option<f64>) -> TriggerState {
        let Some(ratio) = ratio.filter(|ratio| !ratio.is_nan()) else {
            return state;
        };
        match state {
            TriggerState::Firing { quiet } => self.step_firing(quiet, ratio),
            _ if ratio <= 1.0 => TriggerState::Inactive,
            TriggerState::Inactive => self.crossed(1),
            TriggerState::Pending { streak } => self.crossed(streak.saturating_add(1)),
        }
    }

    const fn crossed(&self, streak: u32) -> TriggerState {
        if streak >= self.for_evaluations {
            TriggerState::Firing { quiet: 0 }
        } else {
            TriggerState::Pending { streak }
        }
    }

    fn step_firing(&self, quiet: u32, ratio: f64) -> TriggerState {
        if ratio > self.resolve_ratio {
            return TriggerState::Firing { quiet: 0 };
        }
        let quiet = quiet.saturating_add(1);
        if quiet >= self.keep_firing_evaluations {
            TriggerState::Inactive
        } else {
            TriggerState::Firing { quiet }
        }
    }
}

/// How often the alarm goes on over a whole sequence of ratios, starting inactive.
pub fn count_episodes(trigger: &Trigger, ratios: impl Iterator<Item = f64>) -> usize {
    let mut state = TriggerState::Inactive;
    let mut episodes = 0;
    for ratio in ratios {
        let next = trigger.step(state, Some(ratio));
        episodes += usize::from(next.is_firing() && !state.is_firing());
        state = next;
    }
    episodes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TRIGGER: Trigger =
        Trigger { for_evaluations: 2, keep_firing_evaluations: 3, resolve_ratio: 0.8 };

    fn run(trigger: &Trigger, ratios: &[f64]) -> Vec<TriggerState> {
        let mut state = TriggerState::Inactive;
        ratios
            .iter()
            .map(|ratio| {
                state = trigger.step(state, Some(*ratio));
                state
            })
            .collect()
    }

    #[test]
    fn it_fires_after_the_streak_and_ends_after_the_quiet() {
        use TriggerState::{Firing, Inactive, Pending};
        assert_eq!(
            run(&TRIGGER, &[1.1, 1.0, 1.1, 1.2, 0.9, 0.8, 0.5, 0.81, 0.7, 0.7, 0.7]),
            [
                Pending { streak: 1 },
                Inactive,
                Pending { streak: 1 },
                Firing { quiet: 0 },
                Firing { quiet: 0 },
                Firing { quiet: 1 },
                Firing { quiet: 2 },
                Firing { quiet: 0 },
                Firing { quiet: 1 },
                Firing { quiet: 2 },
                Inactive,
            ]
        );
    }

    #[test]
    fn one_evaluation_fires_at_once() {
        let trigger = Trigger { for_evaluations: 1, ..TRIGGER };
        let state = trigger.step(TriggerState::Inactive, Some(1.0 + f64::EPSILON));
        assert_eq!(state, TriggerState::Firing { quiet: 0 });
    }

    fn trigger() -> impl Strategy<Value = Trigger> {
        (0_u32..5, 0_u32..6, 0.1..=1.0).prop_map(|(for_evaluations, keep, resolve_ratio)| Trigger {
            for_evaluations,
            keep_firing_evaluations: keep,
            resolve_ratio,
        })
    }

    fn ratios() -> impl Strategy<Value = Vec<f64>> {
        proptest::collection::vec(0.0..2.0, 0..200)
    }

    proptest! {
        #[test]
        fn no_data_holds_the_state(trigger in trigger(), ratios in ratios()) {
            for state in run(&trigger, &ratios) {
                prop_assert_eq!(trigger.step(state, None), state);
                prop_assert_eq!(trigger.step(state, Some(f64::NAN)), state);
            }
        }

        #[test]
        fn firing_starts_exactly_where_the_last_ratios_all_crossed(
            trigger in trigger(), ratios in ratios()
        ) {
            let need = trigger.for_evaluations.max(1) as usize;
            let mut before = TriggerState::Inactive;
            let mut calm_since = 0;
            for (i, state) in run(&trigger, &ratios).into_iter().enumerate() {
                let crossed = ratios[calm_since..=i].iter().rev().take_while(|r| **r > 1.0).count();
                if !before.is_firing() {
                    prop_assert_eq!(state.is_firing(), crossed >= need);
                } else if !state.is_firing() {
                    calm_since = i + 1;
                }
                before = state;
            }
        }

        #[test]
        fn it_ends_only_on_a_quiet_evaluation(trigger in trigger(), ratios in ratios()) {
            let states = run(&trigger, &ratios);
            for (i, pair) in states.windows(2).enumerate() {
                if pair[0].is_firing() && !pair[1].is_firing() {
                    prop_assert!(ratios[i + 1] <= trigger.resolve_ratio);
                    prop_assert_eq!(pair[1], TriggerState::Inactive);
                }
            }
        }

        #[test]
        fn a_stricter_streak_never_alarms_more_often(trigger in trigger(), ratios in ratios()) {
            // With the longest hysteresis episodes do not split, so the counts are comparable.
            let calm = Trigger { keep_firing_evaluations: u32::MAX, ..trigger };
            let strict = Trigger { for_evaluations: calm.for_evaluations + 1, ..calm };
            prop_assert!(
                count_episodes(&strict, ratios.iter().copied())
                    <= count_episodes(&calm, ratios.iter().copied())
            );
        }

        #[test]
        fn episodes_are_the_starts_of_firing(trigger in trigger(), ratios in ratios()) {
            let mut starts = 0;
            let mut before = false;
            for state in run(&trigger, &ratios) {
                starts += usize::from(state.is_firing() && !before);
                before = state.is_firing();
            }
            prop_assert_eq!(count_episodes(&trigger, ratios.into_iter()), starts);
        }
    }
}
