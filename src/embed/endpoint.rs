//! Vectors from a server that speaks the embeddings API of OpenAI: TEI, vLLM, Ollama and others.
//!
//! The server's host is the operator's choice, so it may be a private one; redirects are not
//! followed. What goes wrong is told apart by a probe: when a fixed text fails too, the endpoint is
//! at fault, else the texts.

mod answer;
mod connection;
mod settings;

use std::sync::Arc;

use sha2::{Digest, Sha256};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use self::connection::Connection;
pub use self::settings::{ApiKey, EndpointConfig};
use super::backend::{Embedder, Side, Text};
use super::error::EmbedError;
use super::weights::hex;

/// A client of an embeddings endpoint.
pub struct EndpointEmbedder {
    connection: Arc<Connection>,
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
    settings: EndpointConfig,
    digest: String,
}

impl EndpointEmbedder {
    /// A client by `settings`; asks the endpoint for its dimension when they do not say it.
    pub fn open(settings: &EndpointConfig, key: Option<&ApiKey>) -> Result<Self, EmbedError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| EmbedError::Endpoint(format!("its runtime does not start: {e}")))?;
        let mut connection = Connection::new(settings, key)?;
        if settings.dimension == 0 {
            connection.dimension = runtime.block_on(connection.learn_dimension())?;
        }
        Ok(Self {
            digest: digest(settings, connection.dimension),
            connection: Arc::new(connection),
            runtime: Some(runtime),
            settings: settings.clone(),
        })
    }

    /// What is sent for `text`.
    fn input(&self, text: &Text<'_>) -> String {
        let most = match self.settings.max_chars {
            0 => usize::MAX,
            limit => limit,
        };
        self.prefix(text.side).chars().chain(text.text.chars().take(most)).collect()
    }
}

impl Embedder for EndpointEmbedder {
    fn dimension(&self) -> usize {
        self.connection.dimension
    }

    fn model_digest(&self) -> &str {
        &self.digest
    }

    fn prefix(&self, side: Side) -> &str {
        match side {
            Side::Query => &self.settings.query_prefix,
            Side::Response => &self.settings.response_prefix,
        }
    }

    fn embed(&self, texts: &[Text<'_>]) -> Result<Vec<Vec<f32>>, EmbedError> {
        let batches: Vec<Vec<String>> = texts
            .chunks(self.settings.batch_texts)
            .map(|batch| batch.iter().map(|text| self.input(text)).collect())
            .collect();
        let runtime = self.runtime.as_ref().ok_or(EmbedError::Stopped)?;
        runtime.block_on(all(&self.connection, batches, self.settings.concurrency))
    }
}

impl Drop for EndpointEmbedder {
    fn drop(&mut self) {
        // Waiting for a runtime to end is not allowed on a thread of another one.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// The vectors of all `batches` in order, up to `concurrency` requests at a time; the first failure
/// ends the others.
async fn all(
    connection: &Arc<Connection>,
    batches: Vec<Vec<String>>,
    concurrency: usize,
) -> Result<Vec<Vec<f32>>, EmbedError> {
    let mut made = vec![Vec::new(); batches.len()];
    let mut waiting = batches.into_iter().enumerate();
    let mut under_way = JoinSet::new();
    loop {
        while under_way.len() < concurrency
            && let Some((i, batch)) = waiting.next()
        {
            let connection = Arc::clone(connection);
            under_way.spawn(async move { (i, connection.embed(&batch).await) });
        }
        match under_way.join_next().await {
            Some(Ok((i, vectors))) => made[i] = vectors?,
            Some(Err(error)) => return Err(EmbedError::Inference(error.to_string())),
            None => return Ok(made.concat()),
        }
    }
}

/// sha256 over what the settings say of the vectors, in hex. Not over the URL: a model that moves
/// to another machine stays the same.
fn digest(settings: &EndpointConfig, dimension: usize) -> String {
    hex(&Sha256::digest(format!(
        "endpoint\nmodel={:?}\ndimension={dimension}\nquery_prefix={:?}\nresponse_prefix={:?}\nmax_chars={}\nnorm=l2\n",
        settings.model, settings.query_prefix, settings.response_prefix, settings.max_chars,
    )))
}
