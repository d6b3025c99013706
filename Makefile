# Every command of the book. Each one makes the environment first, once.

PYTHON   ?= python3
# The Keras backends to install and to require in the tests: tensorflow, jax, torch. TensorFlow
# alone is enough but for the two commands that test the others.
BACKENDS ?= $(if $(filter test-backends test-all,$(MAKECMDGOALS)),tensorflow jax torch,$\
              tensorflow $(filter-out tensorflow,$(KERAS_BACKEND)))
# One chapter for `refresh` and `full`, such as 03_mnist_pairs; all of them when empty.
CHAPTER  ?=
# The size of `full`; smoke rehearses it, and its records go to _build/smoke.
PROFILE  ?= full
# 1 runs what a record covers already, too.
FORCE    ?=

VENV   := .venv
PY     := $(VENV)/bin/python
PYTEST := $(PY) -m pytest
# Two files at a time: most tests keep one core busy.
TWO    := -n 2 --dist loadfile
# Those in a browser wait for it now and then, and a chapter does not always keep its core busy, so
# a third fits in. The long files come first, and the many short ones fill up the end.
THREE  := -n 3 --dist loadfile --no-loadscope-reorder
LONG_FIRST := tests/site tests/chapters tests/library
# What hangs must not hang the run for ever; nothing that only waits for a busy machine may meet
# these limits.
LIMIT  := $(if $(shell command -v timeout),timeout --foreground -k 30 4h)
NBVAL  := --nbval-lax --nbval-current-env --nbval-cell-timeout=3600 \
          --nbval-kernel-startup-timeout=600

ifneq ($(filter-out tensorflow jax torch,$(BACKENDS)),)
  $(error BACKENDS may name tensorflow, jax and torch; it is "$(BACKENDS)")
endif
empty  :=
space  := $(empty) $(empty)
comma  := ,
OTHERS := $(sort $(filter-out tensorflow,$(BACKENDS)))
EXTRAS := $(subst $(space),$(comma),$(strip lab book test $(OTHERS)))
STAMP  := $(VENV)/.installed-$(subst $(space),-,$(strip tensorflow $(OTHERS)))

# Chapters run in their own folder, so a relative data directory is made absolute here.
ifneq ($(SIAMESE_DATA_DIR),)
  override SIAMESE_DATA_DIR := $(if $(filter /%,$(SIAMESE_DATA_DIR)),,$(CURDIR)/)$(SIAMESE_DATA_DIR)
  export SIAMESE_DATA_DIR
else
  unexport SIAMESE_DATA_DIR
endif
# The libraries' start-up messages would hide the ones that matter.
export TF_CPP_MIN_LOG_LEVEL := 3
export GRPC_VERBOSITY := ERROR
# The tests fail, rather than pass by, where one of these cannot be imported.
export SIAMESE_REQUIRE_BACKENDS := $(BACKENDS)
# A fixed hash seed would hide an order that depends on it.
unexport PYTHONHASHSEED
# Where it is set, as in many containers, each process would compile TensorFlow's code anew, which
# takes longer than to run it.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help setup lab book pdf style check test test-backends test-all refresh full results \
        address bench constraints clean

help:  ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP)  ## create .venv with the tested versions (BACKENDS="tensorflow jax torch" for all)

# Not compiled by pip, which takes half its time over files that are never imported; Python
# compiles the others when it first needs them.
$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || { \
	  echo "error: Python 3.11, 3.12 or 3.13 is needed; name one with: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "error: $(PYTHON) cannot make virtual environments;" \
	       "on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@$(PY) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@$(PY) -m pip install --quiet --disable-pip-version-check --no-compile \
	  -c constraints.txt -e '.[$(EXTRAS)]' || { \
	  echo "error: the packages could not be installed; the reason stands above." \
	       "The first call needs the network and about 3 GB of disk. What is installed" \
	       "already is kept: run the same command again" >&2; exit 1; }
	@touch $(VENV)/.installed-tensorflow $@

lab: setup  ## open the chapters in JupyterLab
	$(PY) -m jupyterlab --LabApp.default_url=/lab/tree/notebooks

# All pages each time: a second build would pass over the warnings of the first.
book: setup  ## build the HTML book into _build/html
	$(VENV)/bin/jupyter-book build . --all -W -n --keep-going

pdf: book  ## print the book as one PDF by an installed Chromium, and pack the pages as a zip file
	$(PY) tools/book_pdf.py

# The stored outputs are TensorFlow's, so that is the backend of these, whatever is installed.
check test test-all refresh results: export KERAS_BACKEND := tensorflow
# The workers share the cores. With a thread for each core in each of them, BLAS mostly waits for
# itself: a cell of chapter 07 took 186 s where it takes 36 with one thread.
check test test-all test-backends: export OPENBLAS_NUM_THREADS := 1
check: style  ## style, types, imports, fast unit tests and freshness of the chapters: two minutes
	$(PYTEST) $(TWO) -m "not slow and not nightly" tests

# All tests in one run, so that the fast ones fill the time in which others wait for a browser. The
# later chapters take longest, so they come first, and no worker ends alone with one of them.
test: style  ## check, the slower tests, the book in a browser, and every chapter: about 20 minutes
	$(LIMIT) $(PYTEST) $(THREE) -m "not nightly" $(LONG_FIRST)
	$(LIMIT) $(PYTEST) $(NBVAL) $(THREE) -p no:cacheprovider $$(ls -r notebooks/*.ipynb)

style: setup
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy siamese_utils
	$(VENV)/bin/lint-imports

test-backends: setup  ## the unit tests on JAX and PyTorch, which it installs
	@test -n "$(OTHERS)" || { \
	  echo "error: BACKENDS names no other backend than TensorFlow, which make test tests" >&2; \
	  exit 1; }
	@for backend in $(OTHERS); do \
	  echo "== unit tests on the $$backend backend"; \
	  KERAS_BACKEND=$$backend $(LIMIT) $(PYTEST) $(TWO) -m "backend and not nightly" tests || exit 1; \
	done

test-all: test test-backends  ## all of that, and what is tested every night: one to two hours
	$(LIMIT) $(PYTEST) $(THREE) -m nightly $(LONG_FIRST)

refresh: setup  ## run the chapters again at the quick profile and store their outputs
	$(PY) tools/run_chapters.py refresh $(CHAPTER)

full: setup  ## run the chapters that lack a record at paper scale into results/full (on a GPU)
	$(PY) tools/run_chapters.py full $(CHAPTER) --profile $(PROFILE) $(if $(FORCE),--force)

results: setup  ## write the pages of records, benchmarks and figures, and the scripts for drawing
	$(PY) tools/results_page.py
	$(PY) tools/performance_page.py
	$(PY) tools/figures_page.py
	$(PY) tools/draw_page.py

address: setup  ## write repository.url of _config.yml into the chapters, for Colab
	$(PY) tools/address.py

# The short ones first. One that misses its bar ends it, so that it is seen.
bench: setup  ## measure the package beside the tutorials' way, and how its cost grows
	$(PY) benchmarks/pairs.py
	$(PY) benchmarks/affine.py
	$(PY) benchmarks/oneshot.py
	$(PY) benchmarks/triplets.py
	$(PY) benchmarks/paper_step.py
	$(PY) benchmarks/vectors.py
	$(PY) benchmarks/workers.py
	$(PY) benchmarks/growth.py
	$(PY) benchmarks/backends.py
	$(PY) benchmarks/time_to_92.py

# Run with the oldest Python supported: its pins work on the later ones too. The CUDA libraries
# that a backend brings along are left to the backend.
constraints: setup  ## pin the newest versions allowed, on all backends, in constraints.txt
	$(PY) -m pip install --quiet --upgrade --upgrade-strategy eager -e '.[lab,book,test,jax,torch,emoji]'
	@{ echo '# The versions that the tests ran with, on all backends. Written by `make constraints`.'; \
	   $(PY) -m pip freeze --all --exclude-editable | grep -vE '^(nvidia|cuda|triton|pip=)' | \
	     sed 's/+[a-z0-9.]*$$//' | LC_ALL=C sort -f; \
	 } > constraints.txt
	@touch $(VENV)/.installed-*

clean:  ## remove what was built; environment, data and the states of long trainings stay
	[ ! -d _build ] || find _build -mindepth 1 -maxdepth 1 ! -name frontier ! -name paper_network -exec rm -rf {} +
	rm -rf .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find siamese_utils tests tools benchmarks notebooks \
	  \( -name __pycache__ -o -name .ipynb_checkpoints \) -prune -exec rm -rf {} +
