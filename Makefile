# Targets for people and for CI. `make` alone lists them.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
# Where rustup puts cargo, for shells that do not know it yet.
export PATH := $(PATH):$(HOME)/.cargo/bin

# What `make demo` draws: a path or an https URL.
REPO ?= .
.PHONY: help demo test test-large check fmt lint deny generated compose bench bench-full bench-backup bench-http bench-pages docs prepare clean-data

help: ## Show this list.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## Turn a repository into a cat: make demo [REPO=path or https URL].
	@scripts/setup demo
	cargo build --release --locked
	target/release/repo-to-cat demo "$(REPO)"

test: ## Run every test that takes minutes at most.
	@scripts/setup test
	cargo test --locked

test-large: ## Run the long campaigns, too (a thousand kills, restarts and cut connections), and plant faults.
	@scripts/setup test
	TEST_LARGE=1 cargo test --locked
	scripts/mutants

check: fmt lint deny generated compose ## Check format, lints, dependencies and generated files; change nothing.

fmt: ## Check the format (cargo fmt mends it).
	cargo fmt --check
	cargo fmt --check --manifest-path benches/peers/Cargo.toml

lint: ## Run clippy and rustdoc, warnings denied.
	cargo clippy --locked --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps

deny: ## Check bans, licences and sources of the dependencies.
	scripts/cargo-deny check bans licenses sources

generated: ## Check that .sqlx is current (tests check docs/cli.md and docs/openapi.json).
	@scripts/setup check
	scripts/prepare-sqlx --check

compose: ## Check docker-compose.yml, where docker-compose is installed.
	scripts/check-compose

bench: ## Measure what docs/performance.md states; CLEAN_BUILD=1: a build from nothing, too.
	@scripts/setup bench
	scripts/bench

bench-full: ## The same, the queue at full length: hours.
	@scripts/setup bench
	scripts/bench full

bench-backup: ## Measure backups and restores beside pg_dump and pg_restore: a quarter of an hour, 10 GB of disk.
	@scripts/setup check
	cargo bench --locked --bench backup

bench-http: ## Measure the HTTP interface beside a bare axum: ten minutes.
	@scripts/setup bench
	cargo bench --locked --bench http

bench-pages: ## Measure each page over ten million jobs: half an hour, 10 GB of disk.
	@scripts/setup check
	cargo bench --locked --bench pages

docs: ## Write docs/cli.md, docs/openapi.json and the library's documentation.
	@mkdir -p target
	cargo run --locked -- cli-reference >target/cli.md
	cp target/cli.md docs/cli.md
	cargo run --locked -- openapi >target/openapi.json
	cp target/openapi.json docs/openapi.json
	cargo doc --locked --no-deps

prepare: ## Write .sqlx anew after a change of SQL or migrations.
	@scripts/setup check
	scripts/prepare-sqlx

clean-data: ## Stop the private PostgreSQL and delete the data folder, after asking.
	scripts/clean-data
