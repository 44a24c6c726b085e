//! A picture in the thread of a message: a URL is asked for, the bytes go there, and the file is shared.
//!
//! *Source:* `files.getUploadURLExternal` and `files.completeUploadExternal` of Slack's Web API, with
//! the scope `files:write`. A block that shows the file in the message itself would need the file first:
//! Slack works on it in the background and refuses the whole message until it is done.

use serde_json::{Value, json};
use url::form_urlencoded;

use crate::egress::{GuardedClient, Request, Response};
use crate::model::receiver::Receiver;
use crate::notify::text::cut;
use crate::notify::timeline::Picture;
use crate::notify::{AttachError, Failure};

const FILE_NAME: &str = "timeline.png";
const GET_URL: &str = "files.getUploadURLExternal";
const COMPLETE: &str = "files.completeUploadExternal";
/// Characters of an alternative text that Slack takes.
const ALT_LIMIT: usize = 1000;

/// Puts `picture` below the message that `remembered` tells of. The token goes to the API only, and the
/// URL that Slack names is called as any other: where the guard lets it.
pub(in crate::notify) async fn upload(
    client: &GuardedClient,
    receiver: &Receiver,
    remembered: &str,
    picture: &Picture,
) -> Result<(), AttachError> {
    let place: Value = serde_json::from_str(remembered).map_err(|error| {
        AttachError::Failed("the message's place", Failure::Body(error.to_string()))
    })?;
    let api = Api { client, receiver };
    let wanted = form_urlencoded::Serializer::new(String::new())
        .append_pair("filename", FILE_NAME)
        .append_pair("length", &picture.png.len().to_string())
        .append_pair("alt_txt", &cut(&picture.alt, ALT_LIMIT))
        .finish();
    let ticket = api.call(GET_URL, "application/x-www-form-urlencoded", &wanted).await?;
    let (Some(url), Some(file)) = (ticket["upload_url"].as_str(), ticket["file_id"].as_str())
    else {
        return Err(AttachError::Refused(GET_URL, "no upload_url or no file_id".to_owned()));
    };
    send_bytes(client, url, &picture.png).await?;
    let share = json!({
        "files": [{ "id": file, "title": picture.title }],
        "channel_id": place["channel"],
        "thread_ts": place["ts"],
    });
    api.call(COMPLETE, "application/json; charset=utf-8", &share.to_string()).await?;
    Ok(())
}

async fn send_bytes(client: &GuardedClient, url: &str, png: &[u8]) -> Result<(), AttachError> {
    const STEP: &str = "the upload";
    let headers = [("content-type", "image/png".to_owned())];
    let sent = client.send(Request { url, headers: &headers, body: png }).await;
    match sent.map_err(|error| AttachError::Failed(STEP, error.into()))? {
        Response { status: 200, .. } => Ok(()),
        other => Err(AttachError::Refused(STEP, said(&other))),
    }
}

struct Api<'a> {
    client: &'a GuardedClient,
    receiver: &'a Receiver,
}

impl Api<'_> {
    /// The answer's document, where it says `ok`.
    async fn call(
        &self,
        method: &'static str,
        content_type: &str,
        body: &str,
    ) -> Result<Value, AttachError> {
        let url = format!("{}/{method}", self.receiver.url.trim_end_matches('/'));
        let token = self.receiver.secret.as_deref().unwrap_or_default();
        let headers = [
            ("content-type", content_type.to_owned()),
            ("authorization", format!("Bearer {token}")),
        ];
        let request = Request { url: &url, headers: &headers, body: body.as_bytes() };
        let sent = self.client.send(request).await;
        let response = sent.map_err(|error| AttachError::Failed(method, error.into()))?;
        match super::answer_of(&response) {
            Some(answer) if response.status == 200 && answer["ok"] == json!(true) => Ok(answer),
            Some(answer) if answer["error"] == "missing_scope" => Err(AttachError::Scope),
            _ => Err(AttachError::Refused(method, said(&response))),
        }
    }
}

fn said(response: &Response) -> String {
    format!("{} {:?}", response.status, cut(response.body.trim(), 200))
}
