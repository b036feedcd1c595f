# make            set up, build the exercises, grade the sample class, write its report, and say where it is
# make test       what must hold: style, fresh exercises, the tests (in three processes: some of them grade, and
#                 mostly wait). Of what goes row by row, such as wrong answers, a share that the commit draws, and
#                 what is about uncommitted changes; `make test ROWS=all` runs every row, as CI does
# make check      while you work, within a minute: style, fresh exercises, and of the tests those about what changed
#                 since main, by what they import (tests/project/selecting.py); the long ones are left to `make test`
# make book       the course as web pages, in build/book
# make site       both editions of them as one folder, build/site: what is published
# make wheel      the package that learners install, in build/wheel
# make picture    the README's picture, from the book's own page; after `make book`
# make exercises  rewrite exercises/ from solutions/
# make bench      how long things take, and how sure the lines are: sweeps, nulls, grading beside nbgrader (long)
# make mutants    every solution changed in every place: do the checks refuse each change? (long)
# make axe        every page of both editions read by axe-core, light and dark (make test reads one of each kind)
# make models     train all small models again (about 40 minutes each; it goes on where it was interrupted)

PYTHON ?= python3
ROWS ?= drawn
BIN := .venv/bin
READY := .venv/ready
export TOKENIZERS_PARALLELISM := false
export PYTHONDONTWRITEBYTECODE :=
export JUPYTER_PLATFORM_DIRS := 1

.PHONY: all test check book site wheel picture exercises bench mutants axe models clean
.DELETE_ON_ERROR:

all: $(READY)
	$(BIN)/python -m patchbook.authoring
	$(BIN)/patchbook grade examples/submissions --out build/grades
	$(BIN)/patchbook report build/grades

test: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m patchbook.authoring --check
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 3 --rows=$(ROWS)

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m patchbook.authoring --check
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --touched --rows=drawn

book: $(READY)
	$(BIN)/python book/build.py

site: book
	$(BIN)/python book/build.py --edition class
	rm -rf build/site
	cp -r build/book/_build/html build/site
	cp -r build/book-class/_build/html build/site/class

wheel: $(READY)
	rm -rf build/wheel build/lib
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir build/wheel .

picture: $(READY)
	$(BIN)/python book/picture.py

exercises: $(READY)
	$(BIN)/python -m patchbook.authoring

bench: $(READY)
	$(BIN)/python benchmarks/sweeps.py
	$(BIN)/python benchmarks/null_rates.py
	$(BIN)/python benchmarks/grading.py
	$(BIN)/python benchmarks/first_check.py
	$(BIN)/python -m benchmarks.clusters --write

mutants: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.project.mutation --jobs 2

axe: $(READY)
	PATCHBOOK_AXE=all $(BIN)/python -m pytest -n 0 tests/project/test_book_in_a_browser.py -k fault

models: $(READY)
	$(BIN)/python -m patchbook.training
	$(BIN)/python -m patchbook.training.seeds
	$(BIN)/python -m patchbook.training.redraws

.venv: $(READY)

$(READY): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(not (3, 11) <= v <= (3, 13))' || \
	  { echo "Patchbook needs Python 3.11, 3.12 or 3.13. Say which one: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || \
	  { echo "Python cannot make virtual environments here. As root: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	$(BIN)/jupyter kernelspec install --log-level=ERROR --sys-prefix patchbook/grading/kernels/spec/patchbook
	@touch $@

clean:
	rm -rf .venv build book/_build
