//! Reads a request's body: within its limits, in time, and decompressed to its last byte.

use std::error::Error;
use std::io::{self, Read};
use std::time::Duration;

use axum::body::{Body, Bytes};
use flate2::read::MultiGzDecoder;
use http_body_util::BodyExt;
use hyper::HeaderMap;
use hyper::header::{CONTENT_ENCODING, CONTENT_LENGTH};

use crate::api::budget::{Budget, Share};
use crate::api::error::{ApiError, Code};
use crate::api::throttle::OverLimit;

/// Bodies of more compressed bytes than this are decompressed off the runtime's threads.
const INLINE_BYTES: usize = 16 << 10;

/// Largest window of a zstd frame, as a power of two: 8 MiB, what the format's own text recommends.
const ZSTD_WINDOW_LOG: u32 = 23;

/// What a body may cost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BodyLimits {
    /// Bytes over the wire.
    pub(crate) wire: usize,
    /// Bytes after decompression.
    pub(crate) decompressed: usize,
    /// Time between two pieces.
    pub(crate) idle: Duration,
}

/// A body in memory, with its share of the budget.
#[derive(Debug)]
pub(crate) struct ReadBody {
    /// The bytes, decompressed.
    pub(crate) bytes: Bytes,
    /// Held as long as the bytes, or what was made of them, are.
    #[expect(dead_code, reason = "held for its drop, which gives the bytes back")]
    pub(crate) share: Share,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Identity,
    Gzip,
    Zstd,
}

/// Reads and decompresses a body.
pub(crate) async fn read(
    headers: &HeaderMap,
    body: Body,
    limits: BodyLimits,
    budget: &Budget,
) -> Result<ReadBody, ApiError> {
    let encoding = encoding(headers)?;
    let mut share = budget.share();
    let wire = read_wire(headers, body, limits, &mut share).await?;
    match encoding {
        Encoding::Identity if wire.len() > limits.decompressed => {
            Err(too_large("the body", limits.decompressed))
        }
        Encoding::Identity => Ok(ReadBody { bytes: wire, share }),
        _ if wire.len() <= INLINE_BYTES => decompress(encoding, &wire, limits.decompressed, share),
        _ => tokio::task::spawn_blocking(move || {
            decompress(encoding, &wire, limits.decompressed, share)
        })
        .await
        .map_err(ApiError::internal)?,
    }
}

fn encoding(headers: &HeaderMap) -> Result<Encoding, ApiError> {
    let mut values = headers.get_all(CONTENT_ENCODING).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return if headers.contains_key(CONTENT_ENCODING) {
            Err(unsupported("several encodings"))
        } else {
            Ok(Encoding::Identity)
        };
    };
    match value.to_str().unwrap_or("").trim().to_ascii_lowercase().as_str() {
        "" | "identity" => Ok(Encoding::Identity),
        "gzip" | "x-gzip" => Ok(Encoding::Gzip),
        "zstd" => Ok(Encoding::Zstd),
        other => Err(unsupported(&format!("{other:?}"))),
    }
}

fn unsupported(what: &str) -> ApiError {
    let detail = format!("{what} cannot be read; send gzip, zstd or no Content-Encoding");
    ApiError::new(Code::UnsupportedEncoding, detail)
}

async fn read_wire(
    headers: &HeaderMap,
    mut body: Body,
    limits: BodyLimits,
    share: &mut Share,
) -> Result<Bytes, ApiError> {
    let announced = headers.get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: usize| length > limits.wire) {
        return Err(too_large("the body", limits.wire));
    }
    let mut bytes = Vec::new();
    while let Some(data) = next_piece(&mut body, limits.idle).await? {
        if bytes.len() + data.len() > limits.wire {
            return Err(too_large("the body", limits.wire));
        }
        share.grow(data.len())?;
        bytes.extend_from_slice(&data);
    }
    Ok(bytes.into())
}

async fn next_piece(body: &mut Body, idle: Duration) -> Result<Option<Bytes>, ApiError> {
    loop {
        let frame = tokio::time::timeout(idle, body.frame()).await.map_err(|_| {
            let detail = format!("no byte came for {} s", idle.as_secs());
            ApiError::new(Code::BodyTimeout, detail)
        })?;
        match frame {
            None => return Ok(None),
            Some(Err(error)) => {
                if let Some(over) = over_limit(&error) {
                    return Err(over.into());
                }
                let detail = "the connection broke off within the body";
                return Err(ApiError::new(Code::MalformedBody, detail));
            }
            // Trailers are no data.
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
        }
    }
}

/// What the key's limit says, where that is why the body ended.
fn over_limit(error: &axum::Error) -> Option<OverLimit> {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(over) = error.downcast_ref::<OverLimit>() {
            return Some(over.clone());
        }
        cause = error.source();
    }
    None
}

fn decompress(
    encoding: Encoding,
    wire: &[u8],
    limit: usize,
    mut share: Share,
) -> Result<ReadBody, ApiError> {
    let bytes = match encoding {
        Encoding::Identity => wire.to_vec(),
        Encoding::Gzip => read_all(MultiGzDecoder::new(wire), "gzip", limit, &mut share)?,
        Encoding::Zstd => {
            let mut decoder = zstd::Decoder::with_buffer(wire).map_err(|e| broken("zstd", &e))?;
            decoder.window_log_max(ZSTD_WINDOW_LOG).map_err(|e| broken("zstd", &e))?;
            read_all(decoder, "zstd", limit, &mut share)?
        }
    };
    Ok(ReadBody { bytes: bytes.into(), share })
}

fn read_all(
    mut reader: impl Read,
    name: &str,
    limit: usize,
    share: &mut Share,
) -> Result<Vec<u8>, ApiError> {
    let mut bytes = Vec::new();
    let mut piece = vec![0; 64 << 10];
    loop {
        let n = match reader.read(&mut piece) {
            Ok(0) => return Ok(bytes),
            Ok(n) => n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(broken(name, &error)),
        };
        if bytes.len() + n > limit {
            return Err(too_large("the decompressed body", limit));
        }
        share.grow(n)?;
        bytes.extend_from_slice(&piece[..n]);
    }
}

fn broken(name: &str, error: &io::Error) -> ApiError {
    let detail = format!(
        "the body is not whole {name} data ({error}); nothing of it was kept, send it again"
    );
    ApiError::new(Code::MalformedBody, detail)
}

fn too_large(what: &str, limit: usize) -> ApiError {
    let detail = format!("{what} holds more than {limit} bytes; send smaller batches");
    ApiError::new(Code::BodyTooLarge, detail)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn unpack(encoding: Encoding, wire: &[u8], limit: usize) -> Result<Bytes, Code> {
        decompress(encoding, wire, limit, Budget::new(1 << 20).share())
            .map(|body| body.bytes)
            .map_err(|error| error.code)
    }

    #[test]
    fn every_member_of_a_gzip_body_is_read() {
        let wire = [gzip(b"one"), gzip(b"two")].concat();
        assert_eq!(unpack(Encoding::Gzip, &wire, 100).unwrap(), "onetwo");
    }

    #[test]
    fn garbage_behind_and_missing_ends_are_refused() {
        let whole = gzip(b"one");
        let garbage = [whole.clone(), b"garbage".to_vec()].concat();
        assert_eq!(unpack(Encoding::Gzip, &garbage, 100), Err(Code::MalformedBody));
        let cut = &whole[..whole.len() - 3];
        assert_eq!(unpack(Encoding::Gzip, cut, 100), Err(Code::MalformedBody));
        let zstd = zstd::encode_all(&b"one two three"[..], 1).unwrap();
        assert_eq!(unpack(Encoding::Zstd, &zstd, 100).unwrap(), "one two three");
        assert_eq!(unpack(Encoding::Zstd, &zstd[..zstd.len() - 1], 100), Err(Code::MalformedBody));
        let garbage = [zstd, b"garbage".to_vec()].concat();
        assert_eq!(unpack(Encoding::Zstd, &garbage, 100), Err(Code::MalformedBody));
    }

    #[test]
    fn the_limit_counts_decompressed_bytes() {
        let zeros = vec![0; 200_000];
        assert_eq!(unpack(Encoding::Gzip, &gzip(&zeros), 199_999), Err(Code::BodyTooLarge));
        assert_eq!(unpack(Encoding::Gzip, &gzip(&zeros), 200_000).unwrap().len(), 200_000);
        let zstd = zstd::encode_all(&zeros[..], 1).unwrap();
        assert_eq!(unpack(Encoding::Zstd, &zstd, 199_999), Err(Code::BodyTooLarge));
    }

    #[test]
    fn other_encodings_are_refused() {
        let with = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(CONTENT_ENCODING, hyper::header::HeaderValue::from_static(value));
            }
            encoding(&headers).map_err(|error| error.code)
        };
        assert_eq!(with(&[]), Ok(Encoding::Identity));
        assert_eq!(with(&["GZIP"]), Ok(Encoding::Gzip));
        assert_eq!(with(&["br"]), Err(Code::UnsupportedEncoding));
        assert_eq!(with(&["gzip, gzip"]), Err(Code::UnsupportedEncoding));
        assert_eq!(with(&["gzip", "gzip"]), Err(Code::UnsupportedEncoding));
    }
}
