//! Mail: one message for all addresses, in plain text and in HTML, handed in by SMTP.
//!
//! Stored are the subject and both texts; the sender, the recipients and the headers are put in when
//! it is sent. Every attempt at a delivery has the same `Message-ID`, and what tells of one alert
//! refers to one id, so that clients show it as a thread.

mod compose;
mod mime;

use std::time::Duration;

use lettre::Address;
use url::Url;

use crate::egress::{Guard, MailServer, Response, UrlError};
use crate::model::receiver::ReceiverSettings;
use crate::notify::Failure;
use crate::notify::channel::{
    Answer, Channel, Letter, Note, Outgoing, Posting, Problem, SecretUse, Showing,
};
use crate::notify::message::AlertMessage;
use crate::notify::text::cut;
use compose::Draft;

/// Recipients of one receiver.
const RECIPIENTS: usize = 20;
/// Bytes of an address (RFC 5321, 4.5.3.1.3).
const ADDRESS_BYTES: usize = 254;
/// Bytes of a password.
const PASSWORD_BYTES: usize = 500;

pub(super) struct Email;

impl Channel for Email {
    fn body(&self, _: &ReceiverSettings, message: &AlertMessage<'_>) -> String {
        Draft::of_alert(message).to_json()
    }

    fn note_body(&self, _: &ReceiverSettings, note: &Note<'_>) -> String {
        Draft::of_note(note).to_json()
    }

    fn request(&self, posting: &Posting<'_>) -> Result<Outgoing, Failure> {
        let settings = &posting.receiver.settings;
        let from = parse(settings.from.as_deref().unwrap_or_default());
        let from = from.map_err(|what| Failure::Settings(format!("from {what}")))?;
        let to = settings.to.iter().map(|text| parse(text)).collect::<Result<Vec<_>, _>>();
        let to = to.map_err(|what| Failure::Settings(format!("to {what}")))?;
        let draft: Draft = serde_json::from_str(&posting.delivery.body)
            .map_err(|error| Failure::Body(error.to_string()))?;
        let message = mime::render(&draft, posting.delivery, posting.picture, &from, &to)
            .map_err(|error| Failure::Settings(error.to_string()))?;
        Ok(Outgoing::Mail(Letter { from: from.to_string(), to: settings.to.clone(), message }))
    }

    /// 5xx refuses the message for good, save where it is about the connection or who logs in: that is
    /// mended at the server, and the message can wait for it.
    fn answer(&self, response: &Response) -> Answer {
        match response.status {
            200..300 => Answer::Delivered,
            500..=504 | 521 | 530 | 534 | 535 | 538 => Answer::Later(Duration::ZERO),
            500..600 => Answer::Refused,
            _ => Answer::Later(Duration::ZERO),
        }
    }

    fn remark(&self, response: &Response) -> Option<String> {
        let refused = response.body.trim();
        (!refused.is_empty()).then(|| format!("not accepted for {}", cut(refused, 400)))
    }

    fn groups(&self) -> bool {
        true
    }

    fn showing(&self) -> Showing {
        Showing::Inside
    }

    fn check_url(&self, guard: &Guard, url: &str) -> Result<String, UrlError> {
        Ok(MailServer::parse(guard, url)?.target())
    }

    fn secret(&self) -> SecretUse {
        SecretUse::Password
    }

    fn problems(&self, settings: &ReceiverSettings, secret: Option<&str>) -> Vec<Problem> {
        let mut problems = Vec::new();
        if let Err(what) = parse(settings.from.as_deref().unwrap_or_default()) {
            problems.push(("/settings/from", what));
        }
        if !(1..=RECIPIENTS).contains(&settings.to.len()) {
            let wanted = format!("must hold 1 to {RECIPIENTS} addresses");
            problems.push(("/settings/to", wanted));
        }
        let wrong = settings.to.iter().filter_map(|text| parse(text).err());
        problems.extend(wrong.map(|what| ("/settings/to", what)));
        let usable = |secret: &str| {
            (1..=PASSWORD_BYTES).contains(&secret.len()) && !secret.chars().any(char::is_control)
        };
        if !secret.is_none_or(usable) {
            let wanted =
                format!("must hold 1 to {PASSWORD_BYTES} bytes without control characters");
            problems.push(("/secret", wanted));
        }
        problems
    }
}

/// That a user and a password are given together, or neither.
pub(super) fn login_problem(url: &str, secret: Option<&str>) -> Option<Problem> {
    // What is wrong with the URL itself is said elsewhere.
    let has_user = !Url::parse(url).ok()?.username().is_empty();
    match (has_user, secret) {
        (true, None) => Some(("/secret", "must hold the password of the user in `url`".to_owned())),
        (false, Some(_)) => Some((
            "/secret",
            "is a password, and `url` names no user; write it like \
             smtps://alerts%40example.com@mail.example.com, or leave the secret out"
                .to_owned(),
        )),
        (true, Some(_)) | (false, None) => None,
    }
}

/// An address that stands in a command and a header as it is: nothing in it needs quotes.
fn parse(text: &str) -> Result<Address, String> {
    let plain = |b: u8| b.is_ascii_graphic() && !matches!(b, b'"' | b'<' | b'>' | b',' | b';');
    let address = text.parse::<Address>().ok();
    address.filter(|_| text.len() <= ADDRESS_BYTES && text.bytes().all(plain)).ok_or_else(|| {
        let shown = cut(text, 60);
        format!("{shown:?} is no address; write it like alerts@example.com, in ASCII")
    })
}

#[cfg(test)]
mod tests;
