# Two commands on a fresh machine (Python >= 3.11 with venv, git, make):
#   make demo   the main job, end to end      make test   every test
PYTHON ?= python3
CORE := .venv
DEV := .venv-dev

FLOORS := .venv-floors

.PHONY: help demo test check floors format clean

help:
	@echo "make demo    install the core and run the main job: a clip, its AU table, video and timeline in au-demo/"
	@echo "make test    install with every extra and run all tests"
	@echo "make check   style, types and the import contract"
	@echo "make floors  run the main job with the oldest versions that pyproject.toml allows"
	@echo "make format  format the code"
	@echo "make clean   remove the virtual environments and the demo's output"

demo: $(CORE)/installed
	$(CORE)/bin/au demo --out au-demo

test: $(DEV)/installed
	OMP_NUM_THREADS=1 $(DEV)/bin/python -m pytest -n 2 --dist loadfile

check: $(DEV)/installed
	$(DEV)/bin/ruff check .
	$(DEV)/bin/ruff format --check .
	$(DEV)/bin/mypy
	$(DEV)/bin/lint-imports

# (Python 3.11 or 3.12: the oldest versions have no wheels for later ones)
floors:
	rm -rf $(FLOORS)
	$(PYTHON) -m venv $(FLOORS)
	$(FLOORS)/bin/python -m pip install --quiet --disable-pip-version-check uv
	$(FLOORS)/bin/uv pip install --quiet --python $(FLOORS)/bin/python --resolution lowest-direct .
	$(FLOORS)/bin/au demo --out $(FLOORS)/demo
	$(FLOORS)/bin/au detect $(FLOORS)/demo/astronaut.mp4 --out $(FLOORS)/out --table parquet --video --report --elan --sides

format: $(DEV)/installed
	$(DEV)/bin/ruff check --fix .
	$(DEV)/bin/ruff format .

clean:
	rm -rf $(CORE) $(DEV) $(FLOORS) au-demo

$(CORE)/installed: pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(None if v >= (3, 11) else "actionunits needs Python 3.11 or newer, this is %d.%d: make demo PYTHON=python3.11" % v[:2])'
	$(PYTHON) -m venv $(CORE)
	$(CORE)/bin/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(DEV)/installed: pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(None if v >= (3, 11) else "actionunits needs Python 3.11 or newer, this is %d.%d: make test PYTHON=python3.11" % v[:2])'
	$(PYTHON) -m venv $(DEV)
	$(DEV)/bin/python -m pip install --quiet --disable-pip-version-check -e ".[dev,train]"
	@touch $@
