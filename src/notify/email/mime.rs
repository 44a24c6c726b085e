//! A mail as it is sent: headers, and the text in two forms (RFC 5322, RFC 2046).

use std::time::{Duration, SystemTime};

use lettre::address::Address;
use lettre::error::Error;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, MultiPart, SinglePart};

use super::compose::Draft;
use crate::model::delivery::Delivery;

/// Says to out-of-office programs that nobody waits for their answer (RFC 3834).
const AUTO_SUBMITTED: HeaderName = HeaderName::new_from_ascii_str("Auto-Submitted");

/// The bytes of `draft` from `from` to `to`: ASCII, lines end with CR LF. The same on every attempt.
pub(super) fn render(
    draft: &Draft,
    delivery: &Delivery,
    from: &Address,
    to: &[Address],
) -> Result<Vec<u8>, Error> {
    let id = |id: String| format!("<{id}@{}>", from.domain());
    let seconds = u64::try_from(delivery.created_at.as_seconds()).unwrap_or(0);
    let mut message = Message::builder()
        .date(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
        .from(Mailbox::new(Some("Seamark".to_owned()), from.clone()))
        .subject(draft.subject.as_str())
        .message_id(Some(id(delivery.id.to_string())))
        .raw_header(recipients(to))
        .raw_header(HeaderValue::new(AUTO_SUBMITTED, "auto-generated".to_owned()));
    if let Some(alert) = delivery.alert_id {
        // No message has this id. All that tell of the alert refer to it, in whatever order they come.
        let thread = id(alert.to_string());
        message = message.in_reply_to(thread.clone()).references(thread);
    }
    let parts = MultiPart::alternative()
        .boundary(format!("seamark-{}", delivery.id))
        .singlepart(SinglePart::plain(draft.text.clone()))
        .singlepart(SinglePart::html(draft.html.clone()));
    Ok(message.multipart(parts)?.formatted())
}

/// The header `To` with a line for each address: lettre keeps long ones on one line, beyond the 998
/// bytes that a line may have. They need no encoding, since [`super::parse`] lets plain ones in only.
fn recipients(to: &[Address]) -> HeaderValue {
    let addresses: Vec<&str> = to.iter().map(AsRef::as_ref).collect();
    let name = HeaderName::new_from_ascii_str("To");
    HeaderValue::dangerous_new_pre_encoded(name, addresses.join(", "), addresses.join(",\r\n "))
}
