# certledger: every target with a `##` line is shown by `make help`.

SHELL := /bin/sh
.DEFAULT_GOAL := help

# The first interpreter that is new enough and has wheels; override with `make setup PYTHON=/path/to/python`.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
	>/dev/null 2>&1 && { command -v "$$p"; break; }; done)

VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --no-input
# The lock holds hashes of wheels; pip must be told not to build from source.
WHEELS := --only-binary :all: --require-hashes

# What `make tools` brings, and where the tests and the contracts' build look for it.
SOLC_VERSION := 0.8.30
ANVIL_VERSION := 1.7.1
OPENZEPPELIN_VERSION := 5.2.0
REDOCLY_VERSION := 2.77.0
AXE_VERSION := 4.11.0
ZXING_VERSION := 3.1.6
GETH_VERSION := 1.17.10
GETH_CLIQUE_VERSION := 1.13.15
TOOLS := .tools/npm/node_modules
GETH := .tools/geth
TOOLS_READY := .tools/npm/.$(SOLC_VERSION)-$(OPENZEPPELIN_VERSION)-$(ANVIL_VERSION)-$(REDOCLY_VERSION)-$(AXE_VERSION)-$(ZXING_VERSION)
# What reads codes in browsers that cannot; wheels that are built here carry it.
READER := api/web/built/zxing_reader.wasm
ifneq ($(wildcard $(TOOLS)/.bin/solcjs),)
export CERTLEDGER_SOLC ?= $(CURDIR)/.ci/solc
endif
ifneq ($(wildcard $(TOOLS)/@foundry-rs/anvil-*/bin/anvil),)
export CERTLEDGER_ANVIL ?= $(CURDIR)/$(firstword $(wildcard $(TOOLS)/@foundry-rs/anvil-*/bin/anvil))
endif

DIR ?= .home
CERTIFICATES ?= 500
WORKERS ?= 3
TESTS ?= tests
SECONDS ?= 60
ATTACKS ?=
BENCH ?=
SEED ?= 1
MUTANTS ?= 5000
URL ?= http://127.0.0.1:8080
EVERY ?= 1
VERIFIER ?= $(PY) -m tests.conformance.ours

.PHONY: help
help: ## Show this list
	@awk -F':.*## ' '/^[a-z][a-z-]*:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(VENV)/.project ## Build .venv from the lock (again only if the lock or pyproject.toml changed)

$(PY):
	@"$(PYTHON)" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { echo "certledger needs Python 3.11 to 3.13 with venv; name one: make setup PYTHON=/path/to/python" >&2; exit 1; }
	"$(PYTHON)" -m venv $(VENV)

$(VENV)/.lock: requirements.lock | $(PY)
	@echo "installing what requirements.lock names into $(VENV) (about a minute the first time)"
	$(PIP) install --quiet $(WHEELS) -r requirements.lock
	@touch $@

$(VENV)/.project: pyproject.toml $(VENV)/.lock
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

.PHONY: tools
tools: $(TOOLS_READY) $(READER) ## Bring a Solidity compiler, anvil, an OpenAPI linter, axe and the pages' reader of codes from npm (all optional)

$(TOOLS_READY):
	npm install --silent --no-save --ignore-scripts --prefix .tools/npm \
		solc@$(SOLC_VERSION) @openzeppelin/contracts@$(OPENZEPPELIN_VERSION) \
		@foundry-rs/anvil@$(ANVIL_VERSION) @redocly/cli@$(REDOCLY_VERSION) axe-core@$(AXE_VERSION) \
		zxing-wasm@$(ZXING_VERSION)
	@touch $@

$(READER): $(TOOLS_READY)
	@mkdir -p $(@D)
	sed 's#"../share.js"#"./zxing_share.mjs"#' $(TOOLS)/zxing-wasm/dist/es/reader/index.js > $(@D)/zxing_reader.mjs
	cp $(TOOLS)/zxing-wasm/dist/es/share.js $(@D)/zxing_share.mjs
	cp $(TOOLS)/zxing-wasm/LICENSE $(@D)/zxing_license.txt
	cp $(TOOLS)/zxing-wasm/dist/reader/zxing_reader.wasm $@

.PHONY: demo
demo: setup ## The main job end to end: DIR=.home CERTIFICATES=500
	$(VENV)/bin/certledger demo --home $(DIR) --certificates $(CERTIFICATES)

.PHONY: serve
serve: setup ## Chain, database, API and anchoring on this machine: DIR=.home
	$(VENV)/bin/certledger serve --home $(DIR)

.PHONY: issuer-desk
issuer-desk: setup ## The desk of the demo's example issuer, while `make serve` runs: DIR=.home URL=http://127.0.0.1:8080
	@echo "the passphrase of its key is in $(DIR)/keys/passphrase, a sheet to drop is $(DIR)/example/sheet.csv"
	@CERTLEDGER_TOKEN="$$($(VENV)/bin/certledger apikey create --home $(DIR) --name issuer-desk --role issuer --issuer "$$(basename "$$(cat $(DIR)/example/body)")")" \
		$(VENV)/bin/certledger issuer-desk --body "$$(cat $(DIR)/example/body)" --server $(URL)

# Tests start many processes: with this variable set each would compile the whole product again.
test test-long: export PYTHONDONTWRITEBYTECODE :=

.PHONY: test
test: setup ## Run the tests: TESTS=tests WORKERS=3
	$(PY) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(TESTS)

.PHONY: test-long
test-long: setup ## The tests that try much in their long form: every point of death, many more examples
	CERTLEDGER_TESTS=long $(PY) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(TESTS)

.PHONY: geth
geth: $(GETH)/dev/geth $(GETH)/clique/geth ## Build two releases of geth with Go into .tools (the second one has Clique)

$(GETH)/dev/geth:
	GOBIN=$(CURDIR)/$(@D) go install github.com/ethereum/go-ethereum/cmd/geth@v$(GETH_VERSION)

$(GETH)/clique/geth:
	GOBIN=$(CURDIR)/$(@D) go install -ldflags=-checklinkname=0 \
		github.com/ethereum/go-ethereum/cmd/geth@v$(GETH_CLIQUE_VERSION)

.PHONY: test-network
test-network: setup ## The manual on anvil, geth and four validators, two of which stop (an hour; what is not here is skipped)
	-$(MAKE) tools geth
	CERTLEDGER_TESTS=network $(PY) -m pytest -rs tests/network

.PHONY: attack
attack: setup ## Hostile input to the service, a minute of each, and mutants to both verifiers: SECONDS=60 ATTACKS="names"
	CERTLEDGER_TESTS=long $(PY) -m tests.attack $(SECONDS) $(ATTACKS)
	$(PY) -m tests.attack.decoders $(SECONDS)
	$(PY) -m tests.conformance.fuzz --seed $(SEED) --mutants $(MUTANTS)
	CERTLEDGER_ATTACK_CALLS=10000 $(PY) -m pytest -q tests/audit/test_hostile_callers.py

.PHONY: mutants
mutants: setup ## Mutants of the contracts against their tests (goes on where it stopped): BUDGET=seconds EVERY=1
	$(PY) -m tests.contracts.mutants --every $(EVERY) $(if $(BUDGET),--budget $(BUDGET))

.PHONY: conformance
conformance: setup ## Run the conformance suite on any verifier: VERIFIER="node my-verifier.js"
	$(PY) -m tests.conformance.run $(VERIFIER)

.PHONY: screenshots
screenshots: setup ## A picture of each page of a served demo into screenshots/: URL=http://127.0.0.1:8080 DIR=.home
	CERTLEDGER_HOME=$(DIR) $(PY) -m tests.pages.screenshots $(URL) screenshots

.PHONY: fuzz
fuzz: setup ## Ask both verifiers about mutants of good files: SEED=1 MUTANTS=5000
	$(PY) -m tests.conformance.fuzz --seed $(SEED) --mutants $(MUTANTS)

.PHONY: bundle
bundle: setup ## Make the served JavaScript verifier from its modules in verifier/js
	$(PY) -m certledger.verifier.js.bundle

.PHONY: crimes
crimes: setup ## Edit every column of a served home and delete rows: the audit must convict each (minutes)
	$(PY) -m tests.audit.sweep

.PHONY: check
check: lint types contracts-check docs ## Everything that reads the code: lint, types, contracts, docs

.PHONY: lint
lint: setup ## Formatting and lint (ruff); the served JavaScript is what its modules give
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m certledger.verifier.js.bundle --check

.PHONY: types
types: setup ## Types (mypy, strict)
	$(PY) -m mypy

.PHONY: docs
docs: setup ## Links, help lines and the rules of the house
	$(PY) -m pytest -q tests/test_house.py

.PHONY: contracts-check
contracts-check: setup ## Build the contracts again, compare with the artifacts; more optimizer runs work too
	$(PY) -m certledger.contracts.build --check
	$(PY) -m certledger.contracts.build --runs 2000 20000

.PHONY: bench
bench: setup ## Measure, each figure against a baseline of the same run
	$(PY) -m bench $(BENCH)

.PHONY: bench-quick
bench-quick: setup ## The same with small sizes, to see that it runs
	$(PY) -m bench --quick $(BENCH)

.PHONY: lock
lock: ## Resolve pyproject.toml into requirements.lock, keeping pins that still fit: UPGRADE=--upgrade
	@test -x .tools/uv/bin/uv || { "$(PYTHON)" -m venv .tools/uv && .tools/uv/bin/python -m pip install --quiet uv; }
	.tools/uv/bin/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header \
		--no-annotate --no-emit-index-url --only-binary :all: --extra server --extra test \
		--group build --quiet $(UPGRADE) pyproject.toml -o requirements.lock
