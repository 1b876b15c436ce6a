# `make demo` finds rings in a made log, `make test` runs every check. Each sets up what it needs of .venv first, with the exact
# versions of constraints.txt: the demo all but the network and the lab, which bring 5 GB on Linux. `make all` brings them, too.
# They need Python 3.11 or newer.

VENV := .venv
BIN := $(VENV)/bin
NEEDED := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))

KERNELS := CMakeLists.txt $(wildcard graphdet/kernels/*) $(wildcard build_backend/*.py)

.PHONY: docs demo all test kernels clean

demo: $(VENV)/ready-to-show
	rm -rf demo
	$(BIN)/graphdet demo --out demo
	@echo "  . $(VENV)/bin/activate    lets this shell find graphdet"

all: $(VENV)/ready-to-run

test: $(VENV)/ready-to-test
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/pytest -n auto --maxprocesses 4

docs: $(VENV)/ready-to-test
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "build/site/index.html"

clean:
	rm -rf $(VENV) demo build graphdet.egg-info graphdet/*.so .mypy_cache .pytest_cache .ruff_cache .hypothesis

# A virtual environment whose Python still runs is kept; anything else there is made anew.
$(VENV)/ready: Makefile
	@$(BIN)/python -c "$(NEEDED)" 2>/dev/null || { \
		for python in python3 python3.13 python3.12 python3.11 python3.14 python; do \
			if $$python -c "$(NEEDED)" >/dev/null 2>&1; then \
				echo "Setting up $(VENV) with $$($$python --version) ..."; \
				$$python -m venv --clear $(VENV) && exit 0 || exit 1; \
			fi; \
		done; \
		echo "graphdet needs Python 3.11 or newer with venv, and found none (on Debian or Ubuntu: apt install python3-venv)." >&2; \
		exit 1; }
	@touch $@

# The compiled module alone, in seconds, while working on graphdet/kernels.
kernels: $(VENV)/ready-to-test
	@cmake -S . -B build/kernels -G Ninja -DPython_EXECUTABLE=$(abspath $(BIN)/python) -DCMAKE_UNITY_BUILD=OFF -DCMAKE_INSTALL_PREFIX=. >/dev/null
	@cmake --build build/kernels && cmake --install build/kernels >/dev/null

NEEDS := $(VENV)/ready pyproject.toml constraints.txt $(wildcard locks/*.txt) $(KERNELS)

$(VENV)/ready-to-show: $(NEEDS)
	@$(BIN)/python locks/install.py light
	@touch $@

$(VENV)/ready-to-run: $(NEEDS)
	@$(BIN)/python locks/install.py all
	@touch $@ $(VENV)/ready-to-show

$(VENV)/ready-to-test: $(NEEDS)
	@$(BIN)/python locks/install.py development
	@touch $@ $(VENV)/ready-to-run $(VENV)/ready-to-show

.PHONY: lock licences sbom soak

# Locks with hashes for every platform, and digests of the server's jars; needs uv, and jars that `graphdet db up` fetched.
lock:
	$(BIN)/python locks/supply_chain.py lock
	$(BIN)/python locks/supply_chain.py jars

licences: $(VENV)/ready-to-test
	$(BIN)/python locks/supply_chain.py licences

sbom: $(VENV)/ready-to-test
	@$(BIN)/python locks/supply_chain.py sbom

# 10,000 drawn inputs of each kind and 200 kills instead of the short part of `make test`; hours. docs/reliability.md is made of what comes of it.
soak: $(VENV)/ready-to-test
	rm -f tests/fuzz/tally.jsonl
	GRAPHDET_FUZZ=10000 GRAPHDET_FUZZ_TALLY=$(abspath tests/fuzz/tally.jsonl) $(BIN)/pytest tests/fuzz tests/test_sanitized.py tests/test_pages_counted.py $(wildcard tests/test_store_*.py) --timeout 0
	$(BIN)/python tests/fuzz/reliability.py
