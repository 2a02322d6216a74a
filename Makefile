# The commands of Wardrobe. Each does the set-up that it needs first, and skips what is done.

VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
INSTALLED := $(VENV)/installed

# The first Python that is new enough; PYTHON3=/path/to/python3 chooses another one.
PYTHON3 ?= $(shell for name in python3.11 python3 python3.12 python3.13; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; done)

# The settings in .env, if there is one. A variable that is set already wins, as with compose.
WITH_SETTINGS = $(if $(wildcard .env),dotenv run --no-override)

# So that every command, and what it starts, finds the programs of the virtual environment first.
export PATH := $(BIN):$(PATH)

PRINT_GROUPS = import tomllib; groups = tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"]; \
	print(*sum(groups.values(), []), sep="\n")

.DEFAULT_GOAL := help
.PHONY: help run stop train test test-compose bento bench-training bench-loop bench-serving bench-strain lint lock clean prometheus data

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(INSTALLED) prometheus data ## Set everything up, start it, and print the page's address
	@exec $(WITH_SETTINGS) python -m launcher

stop: $(INSTALLED) ## Stop what `make run` started, from another terminal
	@exec $(WITH_SETTINGS) python -m launcher stop

train: $(INSTALLED) data ## Train a model, store it and let it be served
	@exec $(WITH_SETTINGS) python -m training.train

# The visit from end to end has the machine to itself: it measures how long an answer takes.
test: $(INSTALLED) prometheus data ## Run every test, in a real browser where that matters
	@CHROMIUM="$$(tests/install-chromium.sh)" && export CHROMIUM && \
	  python -m pytest tests/e2e && \
	  python -m pytest --ignore tests/e2e --ignore tests/compose --numprocesses 2 --dist loadfile

# Builds everything anew, and needs a Docker engine: without one it is skipped, and says so.
test-compose: $(INSTALLED) data ## Show docker compose and the Bento's image on a real engine
	@CHROMIUM="$$(tests/install-chromium.sh)" && export CHROMIUM && \
	  python -m pytest -rs --durations 5 tests/compose

# TORCH=cpu takes PyTorch's small build, from its own index. Without, uv takes PyPI's: unlike pip, it
# gives up where an index does not answer. `envs` is the last thing in bentofile.yaml.
# The image's user has the number of that of docker compose's images, so that it may use their volume.
bento: $(INSTALLED) ## Pack the classifier and the champion as a Bento, and make a container image of it
	@exec $(WITH_SETTINGS) sh -c 'set -e; home=$${WARDROBE_HOME:-.wardrobe}; \
	  [ -s "$$home/champion" ] || { echo "There is no model to pack: make train trains one." >&2; exit 1; }; \
	  export BENTOML_HOME=$$home BENTOML_DO_NOT_TRACK=True; \
	  { sed "s/fashion_mnist_model:latest/$$(cat "$$home/champion")/" bentofile.yaml; \
	    [ -z "$$TORCH" ] || printf "%s\n" "  - {name: UV_TORCH_BACKEND, value: $$TORCH, stage: build}"; } \
	    > "$$home/bentofile.yaml"; \
	  bento=$$(bentoml build --output tag --bentofile "$$home/bentofile.yaml" . | sed -n s/^__tag__://p); \
	  bentoml containerize "$$bento" --image-tag "$${BENTO_IMAGE:-wardrobe-bento}" \
	    --opt build-arg=BENTO_USER_UID=1000 --opt build-arg=BENTO_USER_GID=1000'

bench-training: $(INSTALLED) data ## Train by each recipe, beside the reference's loop; RECIPES and SEEDS narrow it
	@exec $(WITH_SETTINGS) python -m tests.benchmarks.training

bench-loop: $(INSTALLED) data ## Teach a version ten kinds of drawings, mislead it, and fill the store with 10,000
	@exec $(WITH_SETTINGS) python -m tests.benchmarks.loop

# Peers need other versions of what Wardrobe needs: each environment is one of its own.
bench-serving: $(INSTALLED) data .bench/peers/installed .bench/runner/installed ## Load the classifier and its peers; SERVERS, CLIENTS, ROUNDS and SECONDS narrow it
	@WRK="$$(tests/install-wrk.sh)" && export WRK && exec $(WITH_SETTINGS) python -m tests.benchmarks.serving

bench-strain: $(INSTALLED) data .bench/peers/installed ## Load the classifier beyond what it carries, beside training, and for MINUTES=10
	@WRK="$$(tests/install-wrk.sh)" && export WRK && exec $(WITH_SETTINGS) python -m tests.benchmarks.strain

.bench/%/installed: tests/benchmarks/peers/%.txt
	@$(PYTHON3) -m venv --clear .bench/$*
	@.bench/$*/bin/pip install --quiet --requirement $<
	@touch $@

lint: $(INSTALLED) ## Check style and types
	ruff check .
	ruff format --check .
	mypy .
	shellcheck monitoring/*.sh tests/*.sh .ci/run

lock: $(INSTALLED) ## Write requirements.lock anew from pyproject.toml; UPGRADE=1 takes the newest
	@python -c '$(PRINT_GROUPS)' | pip-compile --quiet --allow-unsafe --strip-extras --no-header \
	  --no-emit-options --annotation-style line $(if $(UPGRADE),--upgrade) -o requirements.lock -
	@{ echo '# Written by `make lock` from the dependency groups in pyproject.toml. It holds no hashes:'; \
	  echo '# the wheel of torch is another one on each platform, and some come from its own index.'; \
	  sed -E -e 's/^(torch[a-z]*==[0-9.]+)\+[a-z0-9]+ /\1 /' -e 's/-r -/pyproject.toml/' -e '/^#/d' requirements.lock; \
	} > $(VENV)/requirements.lock
	@mv $(VENV)/requirements.lock requirements.lock

clean: ## Remove the virtual environment and every cache; your models and data stay
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache

prometheus: $(INSTALLED)
	@monitoring/install-prometheus.sh $(BIN)

data: $(INSTALLED)
	@exec $(WITH_SETTINGS) python -m training.data.fashion_mnist

# pip keeps what it has downloaded, so after an interrupted installation it goes on from there.
$(INSTALLED): requirements.lock
	@if [ -z "$(PYTHON3)" ]; then \
	  echo "Wardrobe needs Python 3.11 or newer: install it, or name it with PYTHON3=/path/to/python3." >&2; exit 1; fi
	@if ! $(PYTHON3) -c 'import ensurepip, venv' 2>/dev/null; then \
	  echo "Python's venv module is missing: install it (Debian and Ubuntu: apt-get install python3-venv)." >&2; exit 1; fi
	@[ -x $(BIN)/pip ] || $(PYTHON3) -m venv --clear $(VENV)
	@python -m pip install --retries 2 --timeout 30 --requirement requirements.lock || { \
	  echo "The Python packages could not be installed: check the network, then run make again." >&2; exit 1; }
	@touch $@
