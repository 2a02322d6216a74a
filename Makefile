# The commands of Wardrobe. Each one does the set-up that it needs, and skips what is done already.

VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
INSTALLED := $(VENV)/installed

# The first Python that is new enough; PYTHON3=/path/to/python3 chooses another one.
PYTHON3 ?= $(shell for name in python3.11 python3 python3.12 python3.13; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; done)

# Reads the settings in .env, if that file exists. Variables that are set already win, as with compose.
WITH_SETTINGS = $(if $(wildcard .env),dotenv run --no-override)

# Every command, and every process it starts, finds the virtual environment's programs first.
export PATH := $(BIN):$(PATH)

# Prints the packages of these dependency groups; of all groups when none is named.
PRINT_GROUPS = import sys, tomllib; groups = tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"]; \
	print(*sum((groups[name] for name in sys.argv[1:] or groups), []), sep="\n")
PIP_COMPILE = pip-compile --quiet --allow-unsafe --strip-extras --no-header --no-emit-options
# A local version such as +cpu is this machine's build, and belongs in no lock.
WITHOUT_LOCAL_VERSIONS = sed -E -e 's/^(torch[a-z]*==[0-9.]+)\+[a-z0-9]+/\1/' -e 's/-r -/pyproject.toml/' -e '/^\#/d'

# Packages whose wheels differ between indexes: no hash holds for everybody.
UNHASHED = ^torch(vision)?==

IMAGE_FILES = docker-compose.yml service/Dockerfile app/Dockerfile

.DEFAULT_GOAL := help
.PHONY: help run stop train test test-fast test-compose bento bench-training bench-loop bench-own-class bench-unknown bench-serving bench-strain bench-fuzz bench-hostile bench-chaos bench-photos bench-page lint lock hashes images texts screenshots references licenses clean prometheus data foreground

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(INSTALLED) prometheus data foreground ## Set everything up, start it and print the page's address
	@exec $(WITH_SETTINGS) python -m launcher

stop: $(INSTALLED) ## Stop everything that `make run` started, from another terminal
	@exec $(WITH_SETTINGS) python -m launcher stop

train: $(INSTALLED) data ## Train a model, store it and serve it if it passes the gate
	@exec $(WITH_SETTINGS) python -m training.train

# The end-to-end tests run alone: they measure response times.
test: $(INSTALLED) prometheus data foreground ## Run all tests, including those in a real browser
	@CHROMIUM="$$(tests/install-chromium.sh)" && export CHROMIUM && \
	  python -m pytest tests/e2e && \
	  python -m pytest --ignore tests/e2e --ignore tests/compose --numprocesses 2 --dist loadfile

test-fast: $(INSTALLED) foreground ## Run the unit tests: no browser, no servers, no training; about two minutes
	@python -m pytest --quiet --no-header --numprocesses 2 --dist loadfile \
	  -m "not browser and not service and not slow" --ignore tests/e2e --ignore tests/compose

# Rebuilds everything and needs a Docker engine. Without one, the tests are skipped with the reason.
test-compose: $(INSTALLED) data foreground ## Test docker compose and the Bento's image on a Docker engine
	@CHROMIUM="$$(tests/install-chromium.sh)" && export CHROMIUM && \
	  python -m pytest -rs --durations 5 tests/compose

# TORCH=cpu installs PyTorch's small build from PyTorch's own index. Without it, uv takes PyPI's: unlike
# pip, uv stops at an index that does not answer. `envs` must stay the last key in bentofile.yaml.
# The image's user has the same number as in docker compose's images, so both can use one volume.
bento: $(INSTALLED) foreground ## Pack the classifier and the live model as a Bento, and build its container image
	@exec $(WITH_SETTINGS) sh -c 'set -e; home=$${WARDROBE_HOME:-.wardrobe}; \
	  [ -s "$$home/champion" ] || { echo "There is no model to pack: make train trains one." >&2; exit 1; }; \
	  export BENTOML_HOME=$$home BENTOML_DO_NOT_TRACK=True; \
	  { sed "s/fashion_mnist_model:latest/$$(cat "$$home/champion")/" bentofile.yaml; \
	    [ -z "$$TORCH" ] || printf "%s\n" "  - {name: UV_TORCH_BACKEND, value: $$TORCH, stage: build}"; } \
	    > "$$home/bentofile.yaml"; \
	  bento=$$(bentoml build --output tag --bentofile "$$home/bentofile.yaml" . | sed -n s/^__tag__://p); \
	  bentoml containerize "$$bento" --image-tag "$${BENTO_IMAGE:-wardrobe-bento}" \
	    --opt build-arg=BENTO_USER_UID=1000 --opt build-arg=BENTO_USER_GID=1000'

bench-training: $(INSTALLED) data ## Compare each recipe with the reference's training loop; RECIPES and SEEDS narrow it
	@exec $(WITH_SETTINGS) python -m tests.benchmarks.training

bench-loop: $(INSTALLED) data ## Measure learning from corrections, right and wrong ones, with up to 10,000 stored
	@exec $(WITH_SETTINGS) python -m tests.benchmarks.loop

bench-own-class: $(INSTALLED) data ## Measure learning a class of one's own; SEEDS and PARTS narrow it, PHOTOS=folder adds photos of hats
	@exec $(WITH_SETTINGS) python -m tests.benchmarks.own_class

bench-unknown: $(INSTALLED) data ## Measure which unknown pictures the live version tells apart; PARTS narrows it, PHOTOS=folder adds photos
	@exec $(WITH_SETTINGS) python -m tests.benchmarks.recognition.familiarity

# The peers need other versions of some packages, so each environment is separate.
bench-serving: $(INSTALLED) data .bench/peers/installed .bench/runner/installed ## Load the classifier and its peers; SERVERS, CLIENTS, ROUNDS and SECONDS narrow it, BASELINE adds another checkout
	@WRK="$$(tests/install-wrk.sh)" && export WRK && exec $(WITH_SETTINGS) python -m tests.benchmarks.serving

bench-strain: $(INSTALLED) data .bench/peers/installed ## Load the classifier beyond its capacity, during training, and for MINUTES=10
	@WRK="$$(tests/install-wrk.sh)" && export WRK && exec $(WITH_SETTINGS) python -m tests.benchmarks.strain

bench-chaos: $(INSTALLED) prometheus data ## Kill and stop each process under load, fill the disk; PARTS="kill stop disk" and SECONDS narrow it
	@exec $(WITH_SETTINGS) python -m tests.benchmarks.chaos

bench-photos: $(INSTALLED) data foreground ## Classify photos of clothes in the folder PHOTOS, with and without their background
	@exec $(WITH_SETTINGS) python -m tests.benchmarks.photos

bench-page: $(INSTALLED) ## Measure in Chromium how fast the running page loads, answers a stroke and starts a training; APP_URL names it
	@CHROMIUM="$$(tests/install-chromium.sh)" && export CHROMIUM && \
	  exec $(WITH_SETTINGS) sh -c 'python -m tests.benchmarks.page $${APP_URL:-http://127.0.0.1:$${APP_PORT:-8501}}'

bench-hostile: $(INSTALLED) ## Attack the classifier at CLASSIFIER_URL: slow clients, large pictures, a scan of 100,000 paths
	@exec $(WITH_SETTINGS) sh -c 'url=$${CLASSIFIER_URL:-http://127.0.0.1:3000}; \
	  python -m tests.benchmarks.hostile $$url && python -m tests.benchmarks.scan $$url'

bench-fuzz: $(INSTALLED) data ## Send 100,000 mutated requests to both services; N, SEED and CLIENTS narrow it, ONLY="17 18" repeats some
	@mkdir -p .bench && exec $(WITH_SETTINGS) python -m tests.benchmarks.fuzz

.bench/%/installed: tests/benchmarks/peers/%.txt
	@$(PYTHON3) -m venv --clear .bench/$*
	@.bench/$*/bin/pip install --quiet --requirement $<
	@touch $@

lint: $(INSTALLED) ## Check style, types, dependencies and shell scripts
	ruff check .
	ruff format --check .
	mypy .
	deptry app --non-dev-dependency-groups app
	deptry service training --non-dev-dependency-groups service
	deptry launcher --non-dev-dependency-groups launcher
	deptry tests --non-dev-dependency-groups app,service,launcher,dev --ignore DEP002
	shellcheck .ci/run monitoring/install-prometheus.sh tests/install-chromium.sh tests/install-wrk.sh

lock: $(INSTALLED) ## Write both lock files from pyproject.toml; UPGRADE=1 takes the newest versions
	@python -c '$(PRINT_GROUPS)' | $(PIP_COMPILE) --annotation-style line $(if $(UPGRADE),--upgrade) -o requirements.lock -
	@{ echo '# Written by `make lock` from the dependency groups in pyproject.toml. The hashes of all but torch and'; \
	  echo '# torchvision are in requirements.hashes: their wheels differ between platforms and indexes.'; \
	  $(WITHOUT_LOCAL_VERSIONS) requirements.lock; } > $(VENV)/requirements.lock
	@mv $(VENV)/requirements.lock requirements.lock
	@$(MAKE) --no-print-directory hashes
	@python -c '$(PRINT_GROUPS)' service | $(PIP_COMPILE) --no-annotate --upgrade --constraint requirements.lock \
	  -o $(VENV)/requirements.lock -
	@{ echo '# Written by `make lock`: the part of requirements.lock that the group `service` needs.'; \
	  echo '# bentofile.yaml installs from it.'; \
	  $(WITHOUT_LOCAL_VERSIONS) $(VENV)/requirements.lock; } > service/requirements.lock

hashes: $(INSTALLED) ## Write requirements.hashes: the packages of requirements.lock with the hashes of all their files
	@sed -nE -e '/$(UNHASHED)/d' -e 's/^([a-z0-9._-]+==[^ ]+).*/\1/p' requirements.lock | \
	  uv pip compile --quiet --universal --no-deps --generate-hashes --no-header --no-annotate \
	    --no-emit-index-url -o $(VENV)/requirements.hashes -
	@{ echo '# Written by `make hashes`, and by `make lock`: what requirements.lock pins, without torch and'; \
	  echo '# torchvision, with the SHA-256 of every file. pip installs no other file.'; \
	  cat $(VENV)/requirements.hashes; } > requirements.hashes

images: ## Pin the images in docker-compose.yml and the Dockerfiles by digest too; asks their registries by Docker
	@set -e; images=$$(sed -nE -e 's/^ *image: ([^ @]+:[^ @]+).*/\1/p' -e 's/^FROM ([^ @]+:[^ @]+).*/\1/p' $(IMAGE_FILES) | sort -u); \
	for image in $$images; do \
	  digest=$$(docker buildx imagetools inspect "$$image" --format '{{.Manifest.Digest}}'); \
	  for file in $(IMAGE_FILES); do \
	    sed -E "s|^( *image: \|FROM )$$image(@sha256:[0-9a-f]+)?( .*)?$$|\1$$image@$$digest\3|" "$$file" > "$$file.pinned"; \
	    cat "$$file.pinned" > "$$file"; rm "$$file.pinned"; \
	  done; echo "$$image@$$digest"; \
	done

texts: $(INSTALLED) ## Collect the page's texts into the catalogues in app/locale; what is new waits for its translation
	@python -m tests.support.app.texts

screenshots: $(INSTALLED) ## Render each page in each state, as on a desktop and a phone, light and dark, into .bench/screenshots; SCENES narrows it
	@CHROMIUM="$$(tests/install-chromium.sh)" && export CHROMIUM && \
	  SCREENSHOTS=.bench/screenshots python -m pytest --quiet tests/app/visual $(if $(SCENES),-k "$(SCENES)")

references: $(INSTALLED) ## Render the pictures that the tests compare the pages with; SCENES narrows it
	@CHROMIUM="$$(tests/install-chromium.sh)" && export CHROMIUM && \
	  REFERENCES=1 python -m pytest --quiet tests/app/visual $(if $(SCENES),-k "$(SCENES)")

licenses: $(INSTALLED) ## Write docs/licenses.md, the license of each package in requirements.lock
	@python -m tests.support.licenses

clean: ## Remove the virtual environment and all caches; your models and data stay
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache

prometheus: $(INSTALLED)
	@monitoring/install-prometheus.sh $(BIN)

data: $(INSTALLED)
	@exec $(WITH_SETTINGS) python -m training.data.fashion_mnist

# Without the file everything works, but photos keep their background: it says so, and goes on.
foreground: $(INSTALLED)
	@$(WITH_SETTINGS) python -m training.model.u2netp || true

# pip keeps what it has downloaded, so an interrupted installation continues where it stopped.
# Hashes first: what is then left for requirements.lock is torch.
$(INSTALLED): requirements.lock requirements.hashes
	@if [ -z "$(PYTHON3)" ]; then \
	  echo "Wardrobe needs Python 3.11 or newer: install it, or name it with PYTHON3=/path/to/python3." >&2; exit 1; fi
	@if ! $(PYTHON3) -c 'import ensurepip, venv' 2>/dev/null; then \
	  echo "Python's venv module is missing: install it (Debian and Ubuntu: apt-get install python3-venv)." >&2; exit 1; fi
	@[ -x $(BIN)/pip ] || $(PYTHON3) -m venv --clear $(VENV)
	@{ python -m pip install --retries 2 --timeout 30 --no-deps --require-hashes --requirement requirements.hashes && \
	  python -m pip install --retries 2 --timeout 30 --requirement requirements.lock; } || { \
	  echo "The Python packages could not be installed: check the network, then run make again." >&2; exit 1; }
	@touch $@
