# Everything a contributor does, from a fresh clone; `make help` lists it. Python packages go to .venv,
# build trees to build/. The stamps below make repeated calls quick.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
JOBS ?= $(shell getconf _NPROCESSORS_ONLN)
VENV := .venv
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export CMAKE_BUILD_PARALLEL_LEVEL ?= $(JOBS)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

PACKAGE := $(shell find csrc python -type f -not -name '*.pyc') pyproject.toml CMakeLists.txt README.md
CPP := $(shell find csrc tests/cpp bench -name '*.h' -o -name '*.cpp')
INSTALL := python -m pip install --quiet --no-build-isolation

.PHONY: help
help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

.PHONY: demo
demo: $(VENV)/.demo ## colour transfer three ways on two photographs: a picture and a table
	python examples/color_transfer.py --output build/color_transfer.png

.PHONY: test
test: test-cpp test-python ## C++ and Python tests

.PHONY: test-cpp
test-cpp: $(VENV)/.tools gtest
	cmake --preset dev
	cmake --build --preset dev
	ctest --preset dev

.PHONY: test-python
test-python: $(VENV)/.package
	python -m pytest -n auto

.PHONY: bench
bench: $(VENV)/.package benchmark ## C++ benchmarks, then side by side with other libraries
	cmake --preset bench
	cmake --build --preset bench
	for binary in build/bench/bench/bench_*; do [ ! -x "$$binary" ] || "$$binary"; done
	python bench/peers.py exact entropic minibatch oned pyramid sliced torch

.PHONY: lint
lint: $(VENV)/.tools gtest ## ruff, mypy, clang-format, clang-tidy: complain only
	ruff check
	ruff format --check
	mypy
	clang-format --dry-run -Werror $(CPP)
	cmake --preset lint -Dpybind11_DIR="$$(python -m pybind11 --cmakedir)" -DPython_ROOT_DIR=$(VENV)
	run-clang-tidy.py -quiet -p build/lint -j $(JOBS) 'csrc/.*\.cpp$$'

.PHONY: format
format: $(VENV)/.tools ## ruff and clang-format: repair
	ruff check --fix
	ruff format
	clang-format -i $(CPP)

.PHONY: asan
asan: $(VENV)/.tools gtest ## C++ tests under the address and undefined-behaviour sanitizers
	cmake --preset asan
	cmake --build --preset asan
	ctest --preset asan

.PHONY: tsan
tsan: $(VENV)/.tools gtest ## C++ tests under the thread sanitizer
	cmake --preset tsan
	cmake --build --preset tsan
	ctest --preset tsan

.PHONY: arm
arm: $(VENV)/.tools cross ## C++ tests for 64-bit Arm, cross-compiled, under qemu
	cmake --preset arm
	cmake --build --preset arm
	ctest --preset arm

.PHONY: clean
clean: ## remove build trees and the virtual environment
	rm -rf build dist $(VENV)

# ---- Python packages

# With what a build needs: pip's isolated builds would fetch it again every time and start afresh.
$(VENV)/.made:
	$(PYTHON) -m venv $(VENV)
	python -m pip install --quiet 'scikit-build-core>=1.0' 'pybind11>=3' cmake ninja
	touch $@

# What the demo needs and no more.
$(VENV)/.demo: $(PACKAGE) | $(VENV)/.made
	$(INSTALL) '.[cli,plot]'
	touch $@

# What tests, benchmarks and linters need.
$(VENV)/.tools: pyproject.toml | $(VENV)/.made
	$(INSTALL) '.[test,bench,dev]'
	touch $@

$(VENV)/.package: $(PACKAGE) $(VENV)/.tools
	$(INSTALL) --no-deps .
	touch $@

# ---- Debian packages, installed when missing and this user may

# $(call debian,file that shows it is there,packages)
debian = @[ -e $(1) ] || { \
	  echo "missing: $(2)"; \
	  if [ "$$(id -u)" = 0 ]; then sudo=; else sudo='sudo -n'; fi; \
	  $$sudo apt-get update -qq && $$sudo apt-get install -y -qq $(2); \
	} || { echo "install them by hand: apt-get install $(2)" >&2; exit 1; }

.PHONY: gtest benchmark cross
gtest:
	$(call debian,/usr/include/gtest/gtest.h,libgtest-dev)
benchmark:
	$(call debian,/usr/include/benchmark/benchmark.h,libbenchmark-dev)
cross:
	$(call debian,/usr/bin/aarch64-linux-gnu-g++,g++-aarch64-linux-gnu)
	$(call debian,/usr/bin/qemu-aarch64,qemu-user)
	$(call debian,/usr/src/googletest/CMakeLists.txt,libgtest-dev)
