# Two commands: `make report` and `make test`. The first run makes .venv; a second one sets nothing up.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# uv where it is on the path, else pip: same packages, same constraints.
UV := $(shell command -v uv 2>/dev/null)
INSTALL = $(if $(UV),uv pip install --quiet --python $(BIN)/python,$(BIN)/python -m pip install --quiet --disable-pip-version-check)
SETUP := pyproject.toml constraints.txt

.PHONY: report test clean oracles docs lint bench

report: $(VENV)/.installed
	@$(BIN)/cohortstats report data/raw/sakai2018 -o reports/sakai2018 --quiet >/dev/null
	@$(BIN)/cohortstats reproduce data/raw/sakai2018
	@echo "reports/sakai2018/report.html"

test: $(VENV)/.installed-dev lint
	$(BIN)/python -m pytest -n auto --dist loadfile

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

oracles: $(VENV)/.installed-dev
	for script in tests/oracles/make_*.py; do $(BIN)/python $$script || exit 1; done
	for script in tests/oracles/make_*.R; do Rscript $$script || exit 1; done

# The peers have an environment of their own; R, survival and coin are used where they are installed.
BENCH := benchmarks/.venv

bench: $(BENCH)/.installed
	$(BENCH)/bin/python benchmarks/run.py
	@echo "benchmarks/RESULTS.md"

docs: $(VENV)/.installed-docs
	$(BIN)/python -c "from cohortstats.study.reference import study_reference; print(study_reference(), end='')" > docs/study-file.md
	$(BIN)/python docs/examples.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet
	@echo "site/index.html"

$(VENV)/bin/python:
	$(if $(UV),uv venv --quiet --python $(PYTHON) $(VENV),$(PYTHON) -m venv $(VENV))

$(VENV)/.installed: $(SETUP) | $(VENV)/bin/python
	$(INSTALL) -c constraints.txt -e .
	@touch $@

$(VENV)/.installed-dev: $(SETUP) | $(VENV)/bin/python
	$(INSTALL) -c constraints.txt -e '.[dev]'
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-docs: $(VENV)/.installed-dev
	$(INSTALL) -c constraints.txt -e '.[docs]'
	@touch $@

$(BENCH)/.installed: $(SETUP) benchmarks/peers.txt
	$(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e . -r benchmarks/peers.txt
	@touch $@

clean:
	rm -rf $(VENV) $(BENCH)
