# What a person types here. Everything is made inside .convscope/ and target/;
# CONVSCOPE_DIR=/elsewhere puts the set-up where several clones can share it.

SHELL = bash
export CONVSCOPE_DIR ?= $(CURDIR)/.convscope
# Everything runs in the environment of the set-up.
PYTHON = . scripts/env.sh && "$$CONVSCOPE_PYTHON"
NOTEBOOK ?= notebooks/00_tour.ipynb

.PHONY: help setup test-setup tour lab check test test-all fuzz notebooks pictures oracles coverage golden bench gpu-check fmt doctor clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

setup: ## everything a notebook needs, into .convscope/ (about 8 min the first time, then 1 s; WITH="ndarray=0.16" other crates too)
	@WITH="$(WITH)" scripts/setup

test-setup:
	@scripts/setup test

tour: setup ## run the tour from start to end, and keep it as a notebook and as a web page
	@$(PYTHON) scripts/notebooks.py execute notebooks/00_tour.ipynb --out target/tour --html

lab: setup ## JupyterLab with the tour open (LAB_ARGS="--no-browser" and the like)
	@$(PYTHON) -m jupyter lab --ServerApp.root_dir="$(CURDIR)" \
		--LabApp.default_url=/lab/tree/$(NOTEBOOK) $(LAB_ARGS)

check: ## format, lints, unit tests: what one runs before each commit
	@scripts/setup build && scripts/test check

test: test-setup ## what must be green: format, lints, Rust and kernel tests, all notebooks, the browser
	@scripts/test

test-all: test-setup ## that with real weights, both themes, the oracles anew, documentation, packages, a short benchmark
	@$(PYTHON) -m pip install --quiet --requirement scripts/requirements-bench.txt
	@scripts/test all

fuzz: setup ## an hour of damaged and hostile files, all kinds at once; SECONDS=60, CASE=onnx:17 for one again
	@. scripts/env.sh && cargo run --locked --example fuzz -- $(if $(CASE),--case $(CASE),\
		$(TARGETS) --jobs 4 --seconds $(or $(SECONDS),3600) --first $(or $(FIRST),$$(date +%s)000))

notebooks: setup ## run every notebook and store its outputs in notebooks/
	@$(PYTHON) scripts/notebooks.py execute notebooks/*.ipynb --inplace

pictures: setup ## draw README's pictures anew: look at the differences before you commit them
	@$(PYTHON) scripts/notebooks.py execute README.md --out target/tour
	@$(PYTHON) scripts/readme_pictures.py target/tour/README.ipynb

oracles: test-setup ## compute anew what the Python packages say, and compare it with what was kept
	@. scripts/env.sh && CONVSCOPE_ORACLES=recompute OMP_NUM_THREADS=1 cargo test --locked --test library

coverage: test-setup ## which ONNX files open, and what works on them; hours for all, ONLY=timm SECONDS=600 for a part
	@$(PYTHON) -m pip install --quiet --requirement scripts/requirements-coverage.txt
	@. scripts/env.sh && cargo build --locked --example coverage && \
		"$$CONVSCOPE_PYTHON" scripts/coverage.py target/debug/examples/coverage \
		$(if $(ONLY),--only $(ONLY)) $(if $(SETS),--sets $(SETS)) $(if $(NAMES),--names $(NAMES)) \
		$(if $(EXPORTERS),--exporters $(EXPORTERS)) \
		$(if $(FOLDER),--only files --folder $(FOLDER)) $(if $(SECONDS),--seconds $(SECONDS))

golden: setup ## draw the pictures in tests/golden/ anew: look at the differences before you commit them
	@. scripts/env.sh && UPDATE_GOLDEN=1 OMP_NUM_THREADS=1 cargo test --locked --test library golden

bench: test-setup ## how fast it is: beside PyTorch, how long the kernel takes to start, how often a page answers
	@$(PYTHON) -m pip install --quiet --requirement scripts/requirements-bench.txt
	@. scripts/env.sh && cargo bench --locked --bench speed
	@$(PYTHON) benches/kernel_start.py
	@$(PYTHON) benches/dep.py
	@$(PYTHON) benches/alive.py
	@. scripts/env.sh && $(PYTHON) -m pytest -q -s tests/kernel/test_latency.py

gpu-check: setup ## does the GPU give what the CPU gives, and how much faster? (skips where there is none)
	@. scripts/env.sh && cargo run --locked --example gpu_check

fmt: ## format the Rust
	@cargo fmt --all

# Not after `setup`, which would mend what the doctor is asked to find.
doctor: ## is everything in place, do the versions match, and what would mend it?
	@. scripts/env.sh && test -x "$$CONVSCOPE_BIN" || { echo "nothing is set up yet: make setup"; exit 1; }
	@. scripts/env.sh && "$$CONVSCOPE_BIN" doctor --prefix "$$CONVSCOPE_DIR/venv" --state "$$CONVSCOPE_DIR/kernel"

clean: ## remove target/ (the set-up stays: rm -r .convscope for that)
	@rm -rf target
