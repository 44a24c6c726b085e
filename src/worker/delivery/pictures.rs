//! Pictures of timelines, within messages and below them. None is worth a message: where one cannot be
//! had, the message goes without it, once.

use crate::id::{AlertId, DeliveryId, ProjectId};
use crate::model::delivery::Delivery;
use crate::model::receiver::Receiver;
use crate::notify::{Notifier, Picture};
use crate::worker::context::Context;
use crate::worker::timeline;

/// A picture that is due below a message that arrived.
pub(super) struct Due {
    delivery: DeliveryId,
    project: ProjectId,
    alert: AlertId,
    /// The attempt that brought the message there.
    number: i64,
    receiver: Receiver,
    /// What was kept of the answer.
    remembered: String,
}

impl Due {
    /// `None` where the message tells of no alert.
    pub(super) fn new(
        delivery: &Delivery,
        number: i64,
        receiver: &Receiver,
        remembered: String,
    ) -> Option<Self> {
        Some(Self {
            delivery: delivery.id,
            project: delivery.project_id,
            alert: delivery.alert_id?,
            number,
            receiver: receiver.clone(),
            remembered,
        })
    }
}

/// The picture of the alert; `None` where there is nothing to draw.
pub(super) async fn of_alert(
    context: &Context,
    project: ProjectId,
    alert: AlertId,
) -> Option<Picture> {
    let drawn = async {
        match context.store.find_alert(project, alert).await? {
            Some(alert) => timeline::picture(&context.store, &alert).await,
            None => Ok(None),
        }
    };
    drawn.await.unwrap_or_else(|error| {
        tracing::warn!(%alert, %error, "the timeline cannot be read: the message goes without its picture");
        None
    })
}

/// Puts the picture below its message. What goes wrong is noted with the attempt, which stays what it is.
pub(super) async fn attach(context: Context, notifier: Notifier, due: Due) {
    let Some(picture) = of_alert(&context, due.project, due.alert).await else { return };
    let attached = notifier.attach(&due.receiver, &due.remembered, &picture).await;
    let Err(error) = attached else { return };
    let (delivery, receiver) = (due.delivery, &due.receiver.name);
    tracing::warn!(%delivery, %receiver, %error, "the message arrived without its picture");
    let remark = format!("the message arrived, its picture did not: {error}");
    if let Err(error) = context.store.remark_attempt(delivery, due.number, &remark).await {
        tracing::warn!(%delivery, %error, "not noted with the attempt");
    }
}
