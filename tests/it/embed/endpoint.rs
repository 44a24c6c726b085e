//! The embeddings endpoint against a strict double: order, checks, repetitions, who is to blame.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use seamark::embed::{
    ApiKey, EmbedError, Embedder, EndpointConfig, EndpointEmbedder, Side, Text, open,
};
use serde_json::{Value, json};

use super::queries;

/// What the double knows that it was asked: the inputs of each request.
type Asked = Vec<Vec<String>>;

#[derive(Default)]
pub(crate) struct Double {
    asked: Mutex<Asked>,
    key: Option<String>,
    /// Answers for the next requests, before it answers properly.
    answers: Mutex<VecDeque<Response>>,
    /// Every request with this text in it gets this status.
    poison: Option<(&'static str, u16)>,
}

impl Double {
    /// Insists on `key` in every request.
    pub(crate) fn with_key(key: &str) -> Self {
        Self { key: Some(key.to_owned()), ..Self::default() }
    }
}

/// The vector of a text is (its length, 1, 0): not of length one, and told apart by its direction.
fn vector(text: &str) -> Value {
    json!([text.chars().count(), 1, 0.0])
}

async fn answer(State(double): State<Arc<Double>>, headers: HeaderMap, body: String) -> Response {
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(headers["content-type"], "application/json");
    let key = double.key.as_ref().map(|key| format!("Bearer {key}"));
    assert_eq!(headers.get("authorization").map(|v| v.to_str().unwrap().to_owned()), key);
    let keys: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["encoding_format", "input", "model"]);
    assert_eq!((&body["model"], &body["encoding_format"]), (&json!("tiny"), &json!("float")));
    let inputs: Vec<String> = serde_json::from_value(body["input"].clone()).unwrap();
    double.asked.lock().unwrap().push(inputs.clone());
    if let Some(prepared) = double.answers.lock().unwrap().pop_front() {
        return prepared;
    }
    if let Some((poison, status)) = double.poison
        && inputs.iter().any(|text| text == poison)
    {
        return (StatusCode::from_u16(status).unwrap(), inputs.join(" ")).into_response();
    }
    let item = |(index, text): (usize, &String)| json!({"object": "embedding", "index": index, "embedding": vector(text)});
    // Backwards: the order is in `index` and nowhere else.
    let data: Vec<Value> = inputs.iter().enumerate().map(item).rev().collect();
    axum::Json(json!({"object": "list", "data": data, "model": "tiny"})).into_response()
}

/// Serves `double` until the runtime is dropped.
pub(crate) struct Server {
    double: Arc<Double>,
    address: SocketAddr,
    _runtime: tokio::runtime::Runtime,
}

impl Server {
    pub(crate) fn start(double: Double) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let double = Arc::new(double);
        let routes =
            Router::new().route("/v1/embeddings", post(answer)).with_state(Arc::clone(&double));
        runtime.spawn(async move { axum::serve(listener, routes).await });
        Self { double, address, _runtime: runtime }
    }

    pub(crate) fn settings(&self) -> EndpointConfig {
        EndpointConfig {
            url: format!("http://{}/v1/embeddings", self.address),
            model: "tiny".to_owned(),
            dimension: 3,
            retries: 1,
            ..EndpointConfig::default()
        }
    }

    fn open(&self) -> EndpointEmbedder {
        EndpointEmbedder::open(&self.settings(), None).unwrap()
    }

    /// The error of one text, when the endpoint answers so to it and then to the probe.
    fn error_after(prepared: Vec<Response>) -> (EmbedError, Asked) {
        let server =
            Self::start(Double { answers: Mutex::new(prepared.into()), ..Double::default() });
        let error = server.open().embed(&queries(&["hello"])).unwrap_err();
        (error, server.asked())
    }

    fn asked(&self) -> Asked {
        std::mem::take(&mut self.double.asked.lock().unwrap())
    }
}

fn status(code: u16, body: &'static str) -> Response {
    (StatusCode::from_u16(code).unwrap(), body).into_response()
}

fn later(code: u16, retry_after: &'static str) -> Response {
    let code = StatusCode::from_u16(code).unwrap();
    (code, [("retry-after", retry_after)], "later").into_response()
}

fn vectors(vectors: &Value) -> Response {
    let item =
        |(index, embedding): (usize, &Value)| json!({"index": index, "embedding": embedding});
    let data: Vec<Value> = vectors.as_array().unwrap().iter().enumerate().map(item).collect();
    axum::Json(json!({"data": data})).into_response()
}

#[test]
fn vectors_come_in_the_order_of_the_texts_whatever_the_batches() {
    let server = Server::start(Double::default());
    for (batch_texts, concurrency, requests) in [(1, 1, 5), (2, 4, 3), (32, 4, 1)] {
        let settings = EndpointConfig { batch_texts, concurrency, ..server.settings() };
        let embedder = EndpointEmbedder::open(&settings, None).unwrap();
        let texts = ["a", "bb", "ccc", "dddd", "ééééé"];
        let made = embedder.embed(&queries(&texts)).unwrap();
        for (i, vector) in made.iter().enumerate() {
            let length = (i + 1) as f32;
            let norm = length.hypot(1.0);
            assert_eq!(vector.len(), 3);
            assert!((vector[0] - length / norm).abs() < 1e-6, "{i}: {vector:?}");
            assert!((vector[1] - 1.0 / norm).abs() < 1e-6, "{i}: {vector:?}");
        }
        let asked = server.asked();
        assert_eq!(asked.len(), requests);
        assert!(asked.iter().all(|inputs| inputs.len() <= batch_texts), "{asked:?}");
    }
    assert!(server.open().embed(&[]).unwrap().is_empty());
    assert!(server.asked().is_empty());
}

#[test]
fn the_dimension_is_learned_or_held_to() {
    let server = Server::start(Double::default());
    let learned = EndpointConfig { dimension: 0, ..server.settings() };
    let embedder = EndpointEmbedder::open(&learned, None).unwrap();
    assert_eq!((embedder.dimension(), server.asked().len()), (3, 1));
    assert_eq!(embedder.model_digest(), server.open().model_digest());
    assert!(server.asked().is_empty(), "a known dimension needs no answer at the start");
    let wrong = EndpointConfig { dimension: 4, ..server.settings() };
    let error = EndpointEmbedder::open(&wrong, None).unwrap().embed(&queries(&["x"])).unwrap_err();
    assert!(matches!(error, EmbedError::Endpoint(_)), "{error}");
    assert!(error.to_string().contains("3 numbers where 4 are expected"), "{error}");
}

#[test]
fn the_digest_names_what_changes_the_vectors_and_not_the_place() {
    let server = Server::start(Double::default());
    let digest = |settings: &EndpointConfig| {
        EndpointEmbedder::open(settings, None).unwrap().model_digest().to_owned()
    };
    let own = server.settings();
    let moved = EndpointConfig {
        url: "https://elsewhere.example/v1/embeddings".to_owned(),
        batch_texts: 7,
        ..own.clone()
    };
    assert_eq!(digest(&own), digest(&moved));
    for other in [
        EndpointConfig { model: "other".to_owned(), ..own.clone() },
        EndpointConfig { dimension: 4, ..own.clone() },
        EndpointConfig { query_prefix: "query: ".to_owned(), ..own.clone() },
        EndpointConfig { response_prefix: "query: ".to_owned(), ..own.clone() },
        EndpointConfig { max_chars: 9, ..own.clone() },
    ] {
        assert_ne!(digest(&own), digest(&other), "{other:?}");
    }
}

#[test]
fn prefixes_and_the_cut_are_on_the_wire() {
    let server = Server::start(Double::default());
    let settings = EndpointConfig {
        query_prefix: "query: ".to_owned(),
        response_prefix: "passage: ".to_owned(),
        max_chars: 3,
        ..server.settings()
    };
    let embedder = EndpointEmbedder::open(&settings, None).unwrap();
    let texts = [Side::Query, Side::Response].map(|side| Text { side, text: "éàüö" });
    embedder.embed(&texts).unwrap();
    assert_eq!(server.asked(), [["query: éàü", "passage: éàü"]]);
    assert_eq!(embedder.prefix(Side::Response), "passage: ");
}

#[test]
fn throttling_is_obeyed_and_no_texts_fault() {
    let (asked, vectors) = {
        let answers = Mutex::new([later(429, "0"), later(429, "0")].into());
        let server = Server::start(Double { answers, ..Double::default() });
        let settings = EndpointConfig { retries: 2, ..server.settings() };
        let embedder = EndpointEmbedder::open(&settings, None).unwrap();
        let vectors = embedder.embed(&queries(&["hello"])).unwrap();
        (server.asked(), vectors)
    };
    assert_eq!((asked.len(), vectors.len()), (3, 1));
    let (error, asked) = Server::error_after(vec![later(429, "0"), later(429, "0")]);
    assert!(matches!(error, EmbedError::Endpoint(_)), "{error}");
    assert!(error.to_string().contains("answered 429"), "{error}");
    assert_eq!(asked.len(), 2, "the probe would only add to it");
}

#[test]
fn errors_of_the_server_are_repeated_until_the_repetitions_are_spent() {
    let down = || vec![later(500, "0"), later(503, "0"), status(502, "bad \u{1b}[31mgateway")];
    let (error, asked) = Server::error_after(down());
    assert_eq!(asked, [["hello"], ["hello"], ["seamark"]], "twice, then the probe");
    assert!(matches!(error, EmbedError::Endpoint(_)), "{error}");
    assert!(error.to_string().contains(r#"answered 502 "bad \u{1b}[31mgateway""#), "{error}");
    assert!(!error.may_be_of_texts());
}

#[test]
fn refusals_are_not_repeated() {
    for code in [302, 400, 401, 403, 404, 413, 422] {
        let (error, asked) = Server::error_after(vec![status(code, "no"), status(code, "no such")]);
        assert_eq!(asked, [["hello"], ["seamark"]], "{code}");
        assert!(matches!(error, EmbedError::Endpoint(_)), "{error}");
        assert!(error.to_string().contains(&format!("answered {code} \"no such\"")), "{error}");
    }
}

#[test]
fn a_poison_text_is_blamed_and_not_quoted() {
    for code in [400, 413, 422, 500] {
        let server = Server::start(Double { poison: Some(("poison", code)), ..Double::default() });
        let error = server.open().embed(&queries(&["good", "poison"])).unwrap_err();
        assert!(matches!(error, EmbedError::Inference(_)), "{error}");
        assert!(error.may_be_of_texts());
        let text = error.to_string();
        assert!(
            text.contains(&format!("it answered {code}")) && !text.contains("poison"),
            "{text}"
        );
    }
}

#[test]
fn answers_that_are_no_vectors_are_refused() {
    for (answer, part) in [
        (vectors(&json!([[1, 0, null]])), "not finite"),
        (vectors(&json!([[0, 0, 0]])), "zeros"),
        (vectors(&json!([])), "0 vectors for 1 texts"),
        (status(200, "<html>welcome</html>"), "not the JSON of the embeddings API"),
    ] {
        let (error, asked) = Server::error_after(vec![answer]);
        assert_eq!(asked, [["hello"], ["seamark"]], "{part}");
        assert!(matches!(error, EmbedError::Inference(_)), "{error}");
        assert!(error.to_string().contains(part), "{error}");
    }
    let html = || status(200, "<html>welcome</html>");
    let (error, _) = Server::error_after(vec![html(), html()]);
    assert!(matches!(error, EmbedError::Endpoint(_)), "{error}");
    assert!(error.to_string().contains("welcome"), "what was said to the probe helps: {error}");
}

#[test]
fn the_key_is_sent_and_never_printed() {
    let secret = "sk-very-secret";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    std::fs::write(&path, format!("{secret}\n")).unwrap();
    let server = Server::start(Double::with_key(secret));
    let key = ApiKey::read(&path).unwrap();
    let embedder = EndpointEmbedder::open(&server.settings(), Some(&key)).unwrap();
    assert_eq!(embedder.embed(&queries(&["hello"])).unwrap().len(), 1);
    assert!(!format!("{key:?}").contains("secret"));
    let says_it = || status(401, "wrong key sk-very-secret");
    server.double.answers.lock().unwrap().extend([says_it(), says_it()]);
    let error = embedder.embed(&queries(&["hello"])).unwrap_err().to_string();
    assert!(error.contains("wrong key [key]") && !error.contains(secret), "{error}");
    // The same through the settings, as the daemon opens it.
    let mut config = seamark::embed::Config {
        backend: seamark::embed::BackendKind::Endpoint,
        endpoint: server.settings(),
        ..seamark::embed::Config::default()
    };
    config.endpoint.api_key_file = path;
    let embedder = open(&config, None, &|_| ()).unwrap();
    assert_eq!(embedder.embed(&queries(&["hello"])).unwrap().len(), 1);
    config.endpoint.api_key_file = folder.path().join("none");
    assert!(matches!(open(&config, None, &|_| ()), Err(EmbedError::Io { .. })));
}

#[test]
fn an_endpoint_that_is_away_is_no_texts_fault() {
    let server = Server::start(Double::default());
    let settings = EndpointConfig { retries: 0, ..server.settings() };
    let embedder = EndpointEmbedder::open(&settings, None).unwrap();
    drop(server);
    let error = embedder.embed(&queries(&["hello"])).unwrap_err();
    assert!(matches!(error, EmbedError::Endpoint(_)), "{error}");
    let unknown = EndpointConfig { dimension: 0, ..settings };
    let error = EndpointEmbedder::open(&unknown, None).err().unwrap();
    assert!(matches!(error, EmbedError::Endpoint(_)), "{error}");
}

#[test]
fn an_endpoint_that_never_answers_is_left_at_the_deadline() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let settings = EndpointConfig {
        url: format!("http://{}/v1/embeddings", listener.local_addr().unwrap()),
        model: "tiny".to_owned(),
        dimension: 3,
        timeout_ms: 50,
        retries: 0,
        ..EndpointConfig::default()
    };
    let error = EndpointEmbedder::open(&settings, None).unwrap().embed(&queries(&["x"]));
    assert!(error.unwrap_err().to_string().contains("no answer in time"));
}

#[tokio::test]
async fn the_embedder_may_be_dropped_on_an_asynchronous_thread() {
    let server = tokio::task::spawn_blocking(|| Server::start(Double::default())).await.unwrap();
    let settings = server.settings();
    let opened = move || EndpointEmbedder::open(&settings, None).unwrap();
    let embedder: Arc<dyn Embedder> = Arc::new(tokio::task::spawn_blocking(opened).await.unwrap());
    let service = seamark::embed::EmbedService::start(embedder, 2).unwrap();
    let texts = vec![(Side::Query, "hello".to_owned())];
    let made = tokio::time::timeout(Duration::from_secs(20), service.embed(texts)).await;
    assert_eq!(made.unwrap().unwrap().len(), 1);
    drop(service);
    tokio::task::spawn_blocking(move || drop(server)).await.unwrap();
}
