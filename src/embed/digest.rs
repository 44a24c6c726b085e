//! The name of what makes the vectors.

use sha2::{Digest, Sha256};

use super::manifest::Manifest;
use super::weights::{Weights, hex};

/// sha256 over what makes the vectors, in hex: the files, what the manifest says is done with them,
/// and the arithmetic. In f32 all embedders agree to the last digits, far below the two bytes
/// that are stored, and share a name; otherwise `precision` says whose arithmetic it is.
pub(super) fn digest(manifest: &Manifest, weights: &Weights, precision: &str) -> String {
    let mut hasher = Sha256::new();
    for (name, sha256) in &weights.sha256 {
        hasher.update(format!("{name}={sha256}\n"));
    }
    hasher.update(format!(
        "pooling={:?}\nmax_tokens={}\nquery_prefix={:?}\nresponse_prefix={:?}\nnorm=l2\nprecision={precision}\n",
        manifest.pooling, manifest.max_tokens, manifest.query_prefix, manifest.response_prefix,
    ));
    hex(&hasher.finalize())
}
