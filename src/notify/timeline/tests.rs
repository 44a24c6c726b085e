//! Which series is drawn, how much of it, and what is said of it.

use std::time::Duration;

use super::*;
use crate::alert::EventKind;
use crate::model::alert::AlertState;
use crate::model::verdict::DetectorKind;
use crate::notify::Sample;

const AT: Timestamp = Timestamp::from_micros(1_795_000_000_000_000);
const STEP: Duration = Duration::from_mins(10);

fn alert() -> Alert {
    Sample::new(AT).message(EventKind::Firing).alert.clone()
}

/// The reasons' series with these statistics, the last of them at the alert's begin, newest first as the
/// store gives them.
fn evaluations(alert: &Alert, statistics: &[f64]) -> Vec<(Timestamp, Vec<Verdict>)> {
    let one = |(age, statistic): (u32, &f64)| {
        let verdicts = alert
            .reasons
            .iter()
            .map(|reason| Verdict { statistic: Some(*statistic), ..reason.clone() });
        (AT.minus(STEP * age), verdicts.collect::<Vec<_>>())
    };
    (0..).zip(statistics.iter().rev()).map(one).collect()
}

#[test]
fn the_worst_reason_is_what_is_shown() {
    let alert = alert();
    let picture = timeline(&alert, &evaluations(&alert, &[0.001, 0.002, 0.0123])).unwrap();
    assert_eq!(picture.title, "Timeline: MMD² on window middle");
    assert_eq!(
        picture.alt,
        "Timeline: MMD² on window middle of query, 3 evaluations from 2026-11-18 10:46 UTC to \
         2026-11-18 11:06 UTC. Latest 0.01230, highest 0.01230, threshold 0.005100. Firing from \
         2026-11-18 11:06 UTC."
    );
    let over =
        Alert { state: AlertState::Resolved, resolved_at: Some(AT.plus(STEP)), ..alert.clone() };
    let said = timeline(&over, &evaluations(&over, &[0.001, 0.0123])).unwrap().alt;
    assert!(said.ends_with("Firing from 2026-11-18 11:06 UTC to 2026-11-18 11:16 UTC."), "{said}");
}

#[test]
fn other_windows_segments_and_detectors_are_left_out() {
    let alert = alert();
    let wanted = evaluations(&alert, &[0.001, 0.002, 0.0123]);
    let mut mixed = wanted.clone();
    let stray = alert.reasons[0].clone();
    let stray = Verdict { statistic: Some(9.0), ..stray };
    let segment = [("channel".to_owned(), "ussd".to_owned())].into_iter().collect();
    for other in [
        Verdict { window: "long".to_owned(), ..stray.clone() },
        Verdict { detector: DetectorKind::Centroid, ..stray.clone() },
        Verdict { stream: Stream::Response, ..stray.clone() },
        Verdict { segment, ..stray },
    ] {
        mixed.push((AT.minus(STEP / 2), vec![other]));
    }
    mixed.reverse();
    assert_eq!(timeline(&alert, &mixed), timeline(&alert, &wanted));
}

#[test]
fn of_long_ago_only_a_little_is_shown() {
    let alert = alert();
    let many = evaluations(&alert, &[0.001; 500]);
    let shown = timeline(&alert, &many).unwrap();
    assert!(shown.alt.contains(&format!("{} evaluations", BEFORE + 1)), "{}", shown.alt);
    let early = Alert { started_at: AT.minus(STEP * 400), ..alert };
    let shown = timeline(&early, &many).unwrap();
    assert!(shown.alt.contains(&format!("{} evaluations", BEFORE + 401)), "{}", shown.alt);
}

#[test]
fn without_values_there_is_no_picture() {
    let alert = alert();
    assert_eq!(timeline(&alert, &[]), None);
    let unjudged = Verdict { statistic: None, ..alert.reasons[0].clone() };
    assert_eq!(timeline(&alert, &[(AT, vec![unjudged])]), None);
    let rule = Alert { stream: None, reasons: Vec::new(), ..alert.clone() };
    assert_eq!(timeline(&rule, &evaluations(&alert, &[0.1, 0.2])), None);
    let bare = Alert { reasons: Vec::new(), ..alert.clone() };
    assert!(timeline(&bare, &evaluations(&alert, &[0.1, 0.2])).is_some(), "the worst there is");
}

#[test]
fn what_it_says_is_bounded() {
    let mut alert = alert();
    let long = "x".repeat(5000);
    alert.segment = [(long.clone(), long.clone())].into_iter().collect();
    for reason in &mut alert.reasons {
        reason.window.clone_from(&long);
        reason.segment.clone_from(&alert.segment);
    }
    let picture = timeline(&alert, &evaluations(&alert, &[0.1, 0.2])).unwrap();
    assert!(picture.alt.chars().count() < 1000 && picture.title.chars().count() < 250);
}
