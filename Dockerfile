# syntax=docker/dockerfile:1
# repo-to-cat. Its database is elsewhere: name it with DATABASE_URL (docker-compose.yml does). PostgreSQL's own programs are
# for backups, the server among them: a drill restores each backup into a throw-away cluster.

FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target \
    cargo build --release --locked && cp target/release/repo-to-cat /repo-to-cat

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates postgresql-common \
    && echo 'create_main_cluster = false' >>/etc/postgresql-common/createcluster.conf \
    && apt-get install -y --no-install-recommends postgresql-15 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --user-group --home-dir /var/lib/repo-to-cat --create-home repo-to-cat
COPY --from=build /repo-to-cat /usr/local/bin/repo-to-cat
COPY LICENSE-MIT LICENSE-APACHE /usr/share/doc/repo-to-cat/

USER repo-to-cat
WORKDIR /var/lib/repo-to-cat
ENV REPO_TO_CAT_DATA__FOLDER=/var/lib/repo-to-cat REPO_TO_CAT_HTTP__LISTEN=0.0.0.0:8000 REPO_TO_CAT_LOG__FORMAT=json
VOLUME /var/lib/repo-to-cat
EXPOSE 8000
# Beyond loopback it starts only if an admin has a token, or with REPO_TO_CAT_HTTP__TOKEN_FILE, a file in the volume, to put
# the first one into.
# A graceful stop: running jobs get worker.grace_seconds to end, the rest is handed back.
STOPSIGNAL SIGTERM
# Ready: the database answers and has this program's schema. A container without HTTP (--only worker) switches it off.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 CMD ["bash", "-c", \
    "exec 3<>/dev/tcp/127.0.0.1/8000 && printf 'GET /health/ready HTTP/1.0\\r\\n\\r\\n' >&3 && head -n 1 <&3 | grep -q ' 200 '"]
ENTRYPOINT ["repo-to-cat"]
CMD ["run"]
