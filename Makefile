# Each target does all its own set-up on a machine with a Rust toolchain and git.

KUBECTL_DIR := .tools/bin
export PATH := $(CURDIR)/$(KUBECTL_DIR):$(PATH)

.PHONY: help build rehearse test cluster-test nightly fuzz lint doc completions bench audit kubectl ci

help: ## Say what can be made
	@grep -E '^[a-z-]+:.*## ' Makefile | sed 's/:.*## /\t/' | expand -t 16

build: ## Build the release binary
	cargo build --release

kubectl: ## Install a kubectl into .tools/ where there is none on the PATH
	@./.ci/kubectl

rehearse: kubectl ## Build, and rehearse the rollback of component tool-dispatcher in the sandbox
	@cargo run --quiet -- --runbooks runbooks rehearse component tool-dispatcher

# Many tests wait for something: four at a time make use of two cores.
TEST_THREADS := $(shell n=$$(nproc 2>/dev/null || echo 2); [ $$n -gt 4 ] && echo $$n || echo 4)

test: kubectl ## Run every test
	RUST_TEST_THREADS=$(TEST_THREADS) cargo test --quiet

cluster-test: kubectl ## Run what must hold on every cluster against the one of ROLLBACK_TEST_KUBECONFIG
	@test -n "$$ROLLBACK_TEST_KUBECONFIG" || { echo 'set ROLLBACK_TEST_KUBECONFIG to a kubeconfig' >&2; exit 2; }
	cargo test --test it -- any_cluster --nocapture

nightly: kubectl ## Run every test and the slower proofs
	cargo test -- --include-ignored

fuzz: ## Fuzz each target for a minute (installs cargo-fuzz and a nightly toolchain where they are missing)
	@rustup run nightly rustc --version >/dev/null 2>&1 || rustup toolchain install nightly --profile minimal
	@cargo fuzz --version >/dev/null 2>&1 || cargo install --locked --root .tools cargo-fuzz
	@for target in sanitizer template loader journal; do \
	  found=fuzz/target/found/$$target; mkdir -p $$found && \
	  cargo +nightly fuzz run $$target $$found fuzz/corpus/$$target -- -max_total_time=60 || exit 1; done

lint: ## Formatting and lints, warnings denied
	cargo fmt --all --check
	cargo clippy --all-targets --quiet -- -D warnings

doc: ## The documentation of the code, warnings denied
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --document-private-items --quiet

completions: ## Write the shell completions and the man pages again
	cargo run --quiet -- completions --dir completions

bench: kubectl ## Measure against bash, as ratios in one run
	cargo bench --bench against_bash

audit: ## Advisories, bans, licences and sources of the dependencies (needs the network)
	@cargo deny --version >/dev/null 2>&1 || cargo install --locked --root .tools cargo-deny
	cargo deny check

ci: lint doc test ## What .ci/run runs
