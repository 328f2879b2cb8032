# Every target sets up what it needs; `make` alone lists them.
PYTHON ?= python3
RUN    := .venv/bin/python -m
export PYTHON PORT GITHUB_REPOSITORY ENVIRONMENT

.DEFAULT_GOAL := help
.PHONY: account audit deploy docs help setup up rotate down rehearse run test test-fast bench-rotation lint format package lock dist rename clean always

help: ## List the targets
	@echo "usage: make TARGET"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' Makefile | expand -t 14

setup: .venv/ready ## Prepare .venv (done by every other target when it is needed)

.venv/ready: scripts/setup requirements/development.txt requirements/postgresql.txt
	@scripts/setup

up: .venv/ready ## Rehearse the deployment on this machine and leave it running (PORT=8080); again: apply changes
	@$(RUN) rehearsal up

rotate: .venv/ready ## Rotate every login of the running rehearsal under load (LOGIN=beers_app: that one; LOGIN=master: RDS's own)
	@$(RUN) rehearsal rotate $(if $(LOGIN),--login "$(LOGIN)")

down: .venv/ready ## Destroy the rehearsal, check that nothing is left, clean up
	@$(RUN) rehearsal down

rehearse: .venv/ready ## Rehearse, check and destroy in one go
	@$(RUN) rehearsal rehearse

run: .venv/ready ## Serve the application alone (PORT=8000), with a PostgreSQL of its own unless DATABASE_URL is set
	@$(RUN) rehearsal serve

test: .venv/ready ## Run everything that proves the project, the rehearsal too (some minutes)
	@$(RUN) pytest

test-fast: .venv/ready ## Run all tests but the rehearsal
	@$(RUN) pytest -m "not rehearsal"

bench-rotation: .venv/ready ## Measure what rotations cost, by design (two minutes; docs/benchmarks.md)
	@$(RUN) bench.rotation

lint: .venv/ready ## Check style, types, Terraform's format, shell, Dockerfile and workflows
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/shellcheck scripts/account scripts/deploy scripts/setup .ci/run
	.venv/bin/hadolint Dockerfile
	.venv/bin/actionlint
	.venv/bin/zizmor --offline --quiet .github
	terraform fmt -check -recursive terraform

audit: .venv/audit/ready ## Hold terraform/, the Dockerfile and the workflows against Checkov's rules
	@.venv/audit/bin/checkov --config-file .checkov.yaml

# Checkov brings a hundred packages that nothing else needs, and pins many: it has an environment of its own.
.venv/audit/ready: .venv/ready requirements/audit.txt
	@echo "Preparing Checkov in .venv/audit, about half a minute ..."
	@$(PYTHON) -m venv .venv/audit
	@.venv/audit/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/audit.txt
	@touch $@

docs: .venv/ready ## Write the tables of inputs and outputs into the READMEs below terraform/
	@$(RUN) scripts.terraform_tables

format: .venv/ready ## Rewrite Python and Terraform files in the project's style
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .
	terraform fmt -recursive terraform

package: .venv/ready build/rds-ca.pem ## Build the function's zip, build/db_bootstrap.zip (RDS_CA_FILE=... without internet)
	@$(RUN) db_bootstrap.package --ca-file build/rds-ca.pem --output build/db_bootstrap.zip

account: ## Apply terraform/account, once per AWS account (GITHUB_REPOSITORY=OWNER/REPOSITORY)
	@scripts/account

deploy: .venv/ready ## Build and push the image, package the function, apply (ENVIRONMENT=dev)
	@scripts/deploy

# The certificates that RDS's are signed by; the image and the function's zip carry them.
build/rds-ca.pem: $(if $(RDS_CA_FILE),always)
	@mkdir -p build
ifdef RDS_CA_FILE
	@cp "$(RDS_CA_FILE)" $@
else
	@echo "Fetching the certificates of RDS from AWS ..."
	@curl --fail --silent --show-error --proto '=https' --output $@.part \
	  https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem \
	  || { echo "AWS's trust store cannot be reached. Name the bundle instead: make package RDS_CA_FILE=/path/to/global-bundle.pem" >&2; exit 1; }
	@grep -q 'BEGIN CERTIFICATE' $@.part
	@mv $@.part $@
endif

# Universal locks: the same files serve every platform and Python from 3.11 on.
LOCK := .venv/bin/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate pyproject.toml
lock: .venv/ready ## Lock the newest versions that pyproject.toml allows, with hashes, into requirements/
	$(LOCK) --upgrade --python-version 3.11 --group development -o requirements/development.txt
	for group in service function rehearsal; do \
	  $(LOCK) --python-version 3.11 --group $$group -c requirements/development.txt -o requirements/$$group.txt || exit 1; \
	done
	$(LOCK) --python-version 3.12 --group postgresql -o requirements/postgresql.txt
	$(LOCK) --python-version 3.11 --group audit -o requirements/audit.txt

dist: ## Pack the last commit's files into build/taproom.zip; the same commit gives the same bytes
	@mkdir -p build
	git archive --format=zip --prefix=taproom/ --output=build/taproom.zip HEAD

rename: ## Give the project another name, in all its files: make rename NAME=brewery
	@$(PYTHON) scripts/rename.py "$(NAME)"

clean: ## Remove what was built; .venv too. A running rehearsal is left alone
	rm -rf build .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis
