# Every target sets up .venv by itself; it is done again only when pyproject.toml or constraints.txt change.
.PHONY: demo serve test check docs web shots bench soak
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.installed
# one more than the cores of a small machine: some tests wait for servers and browsers
WORKERS ?= 3
# many tests start servers; each would compile all of the product again
unexport PYTHONDONTWRITEBYTECODE

demo: $(READY)
	$(BIN)/attune demo

serve: $(READY)
	$(BIN)/attune serve

test: $(READY)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup -m "not soak"

soak: $(READY)
	$(BIN)/python -m pytest -m soak --timeout 0

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python .ci/vocabulary.py
	$(BIN)/python .ci/web.py
	@scratch=$$(mktemp -d) && trap 'rm -rf "$$scratch"' EXIT \
		&& export ATTUNE_DATABASE_URL="sqlite:///$$scratch/check.db" \
		&& $(BIN)/attune migrate && $(BIN)/alembic check
	$(MAKE) docs

# the site, in var/site; it needs no network
docs: $(READY)
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

# the browser code, in api/web/static; it needs Node.js
web: $(READY)
	$(BIN)/python .ci/web.py build

# screenshots of every page and state, in var/shots; it needs Chromium
shots: $(READY)
	$(BIN)/python .ci/shots.py

bench: $(READY)
	@for file in $(filter-out benchmarks/__init__.py,$(wildcard benchmarks/*.py)); do \
		name=$$(basename "$$file" .py); printf '\n%s\n' "$$name"; \
		$(BIN)/python -m "benchmarks.$$name" || exit 1; \
	done

$(READY): pyproject.toml constraints.txt
	@python=$$(for each in $(PYTHON) python3 python3.13 python3.12 python3.11; do \
		"$$each" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$each" && break; done); \
	test -n "$$python" || { \
		echo "Attune needs CPython 3.11 or newer: install it, or name one with 'make PYTHON=/path/to/python'." >&2; \
		exit 1; }; \
	"$$python" -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$$python has no venv module: on Debian and Ubuntu 'apt-get install python3-venv'." >&2; exit 1; }; \
	"$$python" -c 'import ctypes, sys; sys.platform == "linux" and ctypes.CDLL("libgomp.so.1")' 2>/dev/null || { \
		echo "LightGBM needs libgomp1: on Debian and Ubuntu 'apt-get install libgomp1'." >&2; exit 1; }; \
	test -x $(BIN)/python || "$$python" -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[cpu,postgres,plot,dev]'
	@touch $@
