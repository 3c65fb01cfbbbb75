# `make demo` and `make test` do all the set-up themselves, on a machine with only Python 3.11 to 3.13 and make.
# Everything is installed into .venv (Tidepool and its tests), .venv-sam (aws-sam-cli, which pins another boto3),
# .venv-policies (checkov, which pins one more) and, for deploy-local alone, .venv-rig.

ARCHITECTURE ?= arm64
SEEDS ?= 1000
# What runs the functions when they are built for this machine: sam build names architectures as Lambda does.
HERE := $(if $(filter arm64 aarch64,$(shell uname -m)),arm64,x86_64)
BIN := .venv/bin
SAM := .venv-sam/bin/sam

export SAM_CLI_TELEMETRY := 0
# sam validate and the translator want a region, and ask no account.
export AWS_DEFAULT_REGION ?= us-east-1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help

help:  ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /	/' | expand -t 20

demo: .venv/.stamp  ## The main job: one simulated day of a fleet, with a table and report.html
	$(BIN)/tidepool demo

test: .venv/.stamp  ## Every test but the slow ones, about 7 minutes on 2 cores
	$(BIN)/pytest -n 2 -m "not slow"

test-slow: .venv/.stamp  ## The slow tests: whole days, and ../shared where it is
	$(BIN)/pytest -n 2 -m slow --ignore tests/deploy

soak-moves: .venv/.stamp  ## Moves with faults, every request followed: nothing may be lost (SEEDS=10000)
	$(BIN)/python -m tidepool_lab.soak --seeds $(SEEDS)

lint: .venv/.stamp  ## Style and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/.stamp  ## mypy --strict over everything that is imported
	$(BIN)/mypy

contracts: .venv/.stamp  ## The architecture, as import contracts
	$(BIN)/lint-imports

validate: .venv-sam/.stamp  ## sam validate --lint of every template
	for template in template.yaml hub/*.yaml; do $(SAM) validate --lint --template-file $$template || exit 1; done

lint-translated: .venv/.stamp .venv-sam/.stamp  ## Lint what CloudFormation gets, not what we write
	mkdir -p .aws-sam
	$(BIN)/python .ci/translate.py template.yaml .aws-sam/translated.json
	.venv-sam/bin/cfn-lint .aws-sam/translated.json

policies: .venv/.stamp .venv-policies/.stamp  ## checkov and parliament on the translated template, and on broken copies of it
	$(BIN)/pytest -n 0 tests/policies

build: .venv-sam/.stamp  ## sam build for Lambda, and the sizes (ARCHITECTURE=x86_64 for the other one)
	@set -eu; found=$$(sh .ci/find-build-python); runtime=$${found%% *}; folder=$${found#* }; \
	echo "sam build for $$runtime on $(ARCHITECTURE), with $$folder/$$runtime"; \
	PATH="$$folder:$$PATH" $(SAM) build \
	  --parameter-overrides Runtime=$$runtime Architecture=$(ARCHITECTURE); \
	sh .ci/sizes .aws-sam/build; \
	.venv-sam/bin/python .ci/pin_built.py .aws-sam/build/template.yaml Runtime=$$runtime Architecture=$(ARCHITECTURE)

try-layers: .venv-sam/.stamp  ## Build for this machine and import every handler from what was built, and nothing else
	@mkdir -p .aws-sam
	@set -eu; found=$$(sh .ci/find-build-python); runtime=$${found%% *}; folder=$${found#* }; \
	PATH="$$folder:$$PATH" $(SAM) build --build-dir .aws-sam/here \
	  --parameter-overrides Runtime=$$runtime Architecture=$(HERE) > .aws-sam/here.log 2>&1 \
	  || { cat .aws-sam/here.log; exit 1; }; \
	"$$folder/$$runtime" .ci/try_layers.py .aws-sam/here "$$folder/$$runtime"

deploy-local: .venv/.stamp .venv-sam/.stamp .venv-rig/.stamp  ## sam build and sam deploy without AWS, and every scenario on what was deployed
	$(BIN)/pytest -n 0 -p no:cacheprovider -rA --no-header --tb=short --show-capture=no tests/deploy

prove-permissions: .venv/.stamp .venv-sam/.stamp .venv-rig/.stamp  ## Take each permission out of the deployed stack, and see who misses it
	@$(BIN)/python -m tidepool_lab.deploy.prove $(ONLY)

template-checks: .venv/.stamp  ## Permissions, patterns, schedules and alarms of the translated template; house rules
	$(BIN)/pytest tests/template tests/tidy

permissions: .venv/.stamp  ## Write docs/permissions.md from the template
	$(BIN)/python -m tidepool_lab.deploy.permissions template.yaml > docs/permissions.md

lock: .venv/.stamp  ## Resolve the layer's wheels anew, for every Python and architecture
	$(BIN)/python layers/dependencies/lock.py .ci/constraints.txt

format: .venv/.stamp  ## Put imports and lines in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:  ## Everything that was made here is gone, the environments too
	rm -rf .venv .venv-sam .venv-policies .venv-rig .aws-sam .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The environments: made anew when what they hold changes. An existing one is kept and brought up to date.
.venv/.stamp: pyproject.toml .ci/constraints.txt .ci/find-python
	test -x $(BIN)/python || $$(sh .ci/find-python $(PYTHON)) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint .ci/constraints.txt --editable '.[dev]'
	touch $@

.venv-sam/.stamp: .ci/constraints-sam.txt .ci/find-python
	test -x .venv-sam/bin/python || $$(sh .ci/find-python $(PYTHON)) -m venv .venv-sam
	.venv-sam/bin/python -m pip install --quiet --constraint .ci/constraints-sam.txt aws-sam-cli cfn-lint
	touch $@

# parliament reads its list of actions through pkg_resources, which left setuptools with version 81.
.venv-policies/.stamp: .ci/constraints-policies.txt .ci/find-python
	test -x .venv-policies/bin/python || $$(sh .ci/find-python $(PYTHON)) -m venv .venv-policies
	.venv-policies/bin/python -m pip install --quiet --constraint .ci/constraints-policies.txt checkov parliament setuptools
	touch $@

# The local rig: ministack pins another botocore. It has the Python that sam builds for, and in ric the runtime client
# alone, which the functions' processes see.
.venv-rig/.stamp: .ci/constraints-rig.txt .ci/find-build-python
	test -x .venv-rig/bin/python || $$(sh .ci/find-build-python | sed 's,\(.*\) \(.*\),\2/\1,') -m venv .venv-rig
	.venv-rig/bin/python -m pip install --quiet --constraint .ci/constraints-rig.txt \
	  ministack aws-sam-translator cbor2 libfaketime numpy pydantic PyYAML tzdata
	rm -rf .venv-rig/ric
	.venv-rig/bin/python -m pip install --quiet --constraint .ci/constraints-rig.txt --target .venv-rig/ric awslambdaric
	touch $@

.PHONY: help demo test test-slow soak-moves lint types contracts validate lint-translated policies build try-layers deploy-local \
  prove-permissions template-checks permissions lock format clean
