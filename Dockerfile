# syntax=docker/dockerfile:1
# Builds the daemon and puts it into a small image that runs as nobody in particular.
FROM rust:1-bookworm AS build
WORKDIR /src
COPY Cargo.toml Cargo.lock build.rs ./
COPY src src
COPY config config
COPY models models
COPY migrations migrations
COPY examples examples
COPY benches benches
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --bin seamark \
 && cp target/release/seamark /seamark \
 && mkdir -p /data /models

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /seamark /usr/local/bin/seamark
COPY --from=build --chown=nonroot:nonroot /data /var/lib/seamark
COPY --from=build --chown=nonroot:nonroot /models /var/lib/seamark/models
WORKDIR /var/lib/seamark
ENV SEAMARK__SERVER__BIND=0.0.0.0:8080 \
    SEAMARK__STORE__URL=sqlite:///var/lib/seamark/seamark.db \
    SEAMARK__EMBEDDING__MODELS_DIR=/var/lib/seamark/models
VOLUME /var/lib/seamark
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=120s CMD ["seamark", "health"]
ENTRYPOINT ["seamark"]
CMD ["serve"]
