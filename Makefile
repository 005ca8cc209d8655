# Every target sets up what it needs; a repeat costs nothing.
UV_VERSION := 0.13.9
PYTHON ?= python3
WORKERS ?= 5
UV := .venv/bin/uv

.PHONY: setup run test soak check types style bench toolchain

# where it is set, each program that a test starts would compile all its modules again
unexport PYTHONDONTWRITEBYTECODE

# bytecode is compiled here: where PYTHONDONTWRITEBYTECODE is set, every start would compile it again
setup: $(UV)
	@$(UV) sync --all-packages --inexact --quiet --compile-bytecode
	@.venv/bin/python -m compileall -q xo_cowork_core plugins

$(UV):
	@$(PYTHON) -m venv .venv
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

run: setup
	@exec .venv/bin/xo-cowork serve

test: setup
	@.venv/bin/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

# the seeded faults, many rounds of them; minutes become an hour
soak: setup
	@.venv/bin/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m fault --fault-rounds 40 $(ARGS)

check: setup
	@$(MAKE) --no-print-directory --jobs 2 --output-sync types style

# a larger young generation saves a tenth of its time
types:
	@NODE_OPTIONS=--max-semi-space-size=128 .venv/bin/pyright

style:
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/lint-imports setup.cfg
	@.venv/bin/python tests/check_caps.py
	@.venv/bin/python tests/check_names.py

bench: setup
	@.venv/bin/python -m bench $(ARGS)

toolchain: setup
	@sh tests/real/install_toolchain.sh
