//! Durable interactions per second through the HTTP API.

fn main() {}
