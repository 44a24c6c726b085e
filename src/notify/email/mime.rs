//! A mail as it is sent: headers, the text in two forms (RFC 5322, RFC 2046), and in the second one
//! a picture that comes along (RFC 2387, RFC 2392).

use std::time::{Duration, SystemTime};

use lettre::address::Address;
use lettre::error::Error;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, Message, MultiPart, SinglePart};

use super::compose::{Draft, escape};
use crate::model::delivery::Delivery;
use crate::notify::timeline::Picture;

/// Says to out-of-office programs that nobody waits for their answer (RFC 3834).
const AUTO_SUBMITTED: HeaderName = HeaderName::new_from_ascii_str("Auto-Submitted");

const PNG: &str = "image/png";

/// The bytes of `draft` from `from` to `to`: ASCII, lines end with CR LF. The same on every attempt,
/// save for the picture, which shows the time until then.
pub(super) fn render(
    draft: &Draft,
    delivery: &Delivery,
    picture: Option<&Picture>,
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
        .singlepart(SinglePart::plain(sendable(&draft.text)));
    let html = sendable(&draft.html);
    let parts = match picture.and_then(|picture| Some((picture, ContentType::parse(PNG).ok()?))) {
        None => parts.singlepart(SinglePart::html(html)),
        Some((picture, png)) => {
            let content = format!("timeline-{}@{}", delivery.id, from.domain());
            let html = with_picture(&html, &content, &picture.alt);
            let shown = Attachment::new_inline_with_name(content, "timeline.png".to_owned());
            parts.multipart(
                MultiPart::related()
                    .boundary(format!("picture-{}", delivery.id))
                    .singlepart(SinglePart::html(html))
                    .singlepart(shown.body(picture.png.clone(), png)),
            )
        }
    };
    Ok(message.multipart(parts)?.formatted())
}

/// `text` without the one character that no mail may hold (RFC 5322, 4); what encodes the parts lets
/// it through.
fn sendable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// `html` with the picture before its first section: below what it says in one sentence.
fn with_picture(html: &str, content: &str, alt: &str) -> String {
    let image = format!(
        "<p><img src=\"cid:{}\" alt=\"{}\" width=\"720\" style=\"max-width: 100%\"></p>\n",
        escape(content),
        escape(alt)
    );
    // Texts in it are escaped, so these are its own.
    let place = html.find("<h3>").or_else(|| html.find("</body>")).unwrap_or(html.len());
    let (before, after) = html.split_at(place);
    format!("{before}{image}{after}")
}

/// The header `To` with a line for each address: lettre keeps long ones on one line, beyond the 998
/// bytes that a line may have. They need no encoding, since [`super::parse`] lets plain ones in only.
fn recipients(to: &[Address]) -> HeaderValue {
    let addresses: Vec<&str> = to.iter().map(AsRef::as_ref).collect();
    let name = HeaderName::new_from_ascii_str("To");
    HeaderValue::dangerous_new_pre_encoded(name, addresses.join(", "), addresses.join(",\r\n "))
}
