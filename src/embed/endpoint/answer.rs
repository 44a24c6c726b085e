//! What an endpoint answers: read strictly, because every vector becomes part of a statistic.

use serde::Deserialize;

#[derive(Deserialize)]
struct Answer {
    data: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    index: usize,
    /// Some servers write `null` for what is not a number.
    embedding: Vec<Option<f32>>,
}

/// The unit vectors of `count` texts in the order of the texts, each of `dimension` numbers
/// (0: of any length), or what is wrong with `body`. The problem never quotes the body.
pub(super) fn unit_vectors(
    body: &str,
    count: usize,
    dimension: usize,
) -> Result<Vec<Vec<f32>>, String> {
    let answer: Answer = serde_json::from_str(body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        format!("its answer is not the JSON of the embeddings API (line {line}, column {column})")
    })?;
    if answer.data.len() != count {
        return Err(format!("it gave {} vectors for {count} texts", answer.data.len()));
    }
    let mut vectors = vec![Vec::new(); count];
    for item in answer.data {
        match vectors.get_mut(item.index) {
            Some(place) if place.is_empty() => *place = unit(&item.embedding, dimension)?,
            _ => return Err(format!("it gave the index {} twice or out of range", item.index)),
        }
    }
    Ok(vectors)
}

fn unit(numbers: &[Option<f32>], dimension: usize) -> Result<Vec<f32>, String> {
    let found = numbers.len();
    if found == 0 || (dimension != 0 && found != dimension) {
        return Err(format!(
            "it gave a vector of {found} numbers where {dimension} are expected; correct embedding.endpoint.dimension or model"
        ));
    }
    let squares: f64 = numbers.iter().map(|x| f64::from(x.unwrap_or(f32::NAN)).powi(2)).sum();
    if !squares.is_finite() {
        return Err("it gave a vector that is not finite".to_owned());
    }
    if squares == 0.0 {
        return Err("it gave a vector of zeros".to_owned());
    }
    let norm = squares.sqrt();
    Ok(numbers.iter().flatten().map(|&x| (f64::from(x) / norm) as f32).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(body: &str) -> String {
        unit_vectors(body, 2, 2).unwrap_err()
    }

    #[test]
    fn vectors_come_in_the_order_of_the_texts_and_have_length_one() {
        let body = r#"{"object": "list", "data": [
            {"object": "embedding", "index": 1, "embedding": [0, -2.5]},
            {"object": "embedding", "index": 0, "embedding": [3, 4]}], "model": "m"}"#;
        let wanted = vec![vec![0.6, 0.8], vec![0.0, -1.0]];
        assert_eq!(unit_vectors(body, 2, 2), Ok(wanted.clone()));
        assert_eq!(unit_vectors(body, 2, 0), Ok(wanted));
    }

    #[test]
    fn what_is_not_two_good_vectors_is_refused() {
        let with = |second: &str| {
            format!(r#"{{"data": [{{"index": 0, "embedding": [1, 0]}}, {second}]}}"#)
        };
        for (second, part) in [
            (r#"{"index": 0, "embedding": [1, 0]}"#, "index 0 twice"),
            (r#"{"index": 2, "embedding": [1, 0]}"#, "index 2 twice or out of range"),
            (r#"{"index": 1, "embedding": [1, 0, 0]}"#, "3 numbers where 2"),
            (r#"{"index": 1, "embedding": []}"#, "0 numbers where 2"),
            (r#"{"index": 1, "embedding": [1, null]}"#, "not finite"),
            (r#"{"index": 1, "embedding": [1, 1e39]}"#, "not the JSON"),
            (r#"{"index": 1, "embedding": [0, 0.0]}"#, "zeros"),
            (r#"{"index": 1, "embedding": [1, NaN]}"#, "not the JSON"),
            (r#"{"index": 1, "embedding": "AAAA"}"#, "not the JSON"),
            (r#"{"embedding": [1, 0]}"#, "not the JSON"),
        ] {
            assert!(problem(&with(second)).contains(part), "{second}: {}", problem(&with(second)));
        }
        assert!(problem(r#"{"data": []}"#).contains("0 vectors for 2 texts"));
        assert!(problem("<html>").contains("not the JSON"));
    }
}
