# The few commands a developer needs; `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
CARGO ?= cargo
PREFIX ?= $(HOME)/.local
FUZZ_SECONDS ?= 60

.PHONY: help demo test check bench conformance fuzz install

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## the whole story on a copy of the example deployment (DEMO_DIR=… keeps the folder)
	@$(CARGO) build --quiet --locked --bin mqttcert
	@$(CARGO) build --quiet --locked --package mqttcert-fixtures
	@.ci/demo

test: ## install the real peers that are missing, then run everything
	@.ci/peers
	@.ci/test

check: ## fmt, clippy and rustdoc without warnings, fuzz targets, shellcheck, cargo audit, cargo deny
	@.ci/check

bench: ## whole-process times beside OpenSSL's, the broker beside Mosquitto, with the peers' versions
	@$(CARGO) build --quiet --locked --release --bin mqttcert
	@$(CARGO) build --quiet --locked --package mqttcert-fixtures
	@benches/run

conformance: ## the verdict against every real client that is installed
	@.ci/peers sources
	@.ci/conformance

fuzz: ## every fuzz target for FUZZ_SECONDS (60)
	@FUZZ_SECONDS=$(FUZZ_SECONDS) fuzz/run

install: ## build and install mqttcert below PREFIX (~/.local)
	$(CARGO) install --quiet --locked --path . --root $(PREFIX)

.PHONY: dist sbom reproducible

dist: ## the static binary, manual page, completions, .deb and checksums below dist/
	@.ci/dist

sbom: ## the parts of the binary as CycloneDX JSON in dist/
	@.ci/sbom

reproducible: ## two clean builds of the last commit, compared byte by byte
	@.ci/reproducible
