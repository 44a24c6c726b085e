//! Reads the timeline of an alert and has it drawn.

use crate::clock::Timestamp;
use crate::model::alert::Alert;
use crate::notify::{Picture, timeline};
use crate::store::{Store, StoreError};

/// Reports that are read at most: with segments, each evaluation leaves several.
const REPORTS: i64 = 2000;

/// A picture of `alert` and of the time before it: up to now, or to a little after its end. `None` where
/// there is nothing to draw.
pub async fn picture(store: &Store, alert: &Alert) -> Result<Option<Picture>, StoreError> {
    let Some(monitor) = alert.monitor_id.filter(|_| alert.stream.is_some()) else {
        return Ok(None);
    };
    let until = alert
        .resolved_at
        .map_or(Timestamp::from_micros(i64::MAX), |end| end.plus(end.since(alert.started_at) / 4));
    let evaluations = store.verdicts_until(alert.project_id, monitor, until, REPORTS).await?;
    Ok(timeline(alert, &evaluations))
}
