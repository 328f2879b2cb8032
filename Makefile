# Each target sets up what it needs; `make` alone lists those that people call. The pipeline's are in ci.mk.
PYTHON ?= python3
RUN    := .venv/bin/python -m
export PYTHON PORT GITHUB_REPOSITORY REGION ENVIRONMENT LOGIN ON OF PRIVILEGE CLIENT_CIDR_BLOCKS TASKS BASE TERRAFORM YES

# For Terraform and its provider: a fifth less CPU time than with Go's default of 100, for a quarter more memory.
export GOGC ?= 400

.DEFAULT_GOAL := help
.PHONY: always $(shell sed -n 's/^\([a-z-]*\):.*/\1/p' Makefile ci.mk)

help: # List the documented targets
	@echo "usage: make TARGET"
	@awk -F ':.*## ' '/^##@ / { printf "\n%s\n", substr($$0, 5) } /^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' Makefile

setup: .venv/ready # Prepare .venv, as every other target does when it is needed

.venv/rehearsal: scripts/setup requirements/service.txt requirements/rehearsal.txt requirements/postgresql-17.txt
	@scripts/setup && touch $@

.venv/ready: .venv/rehearsal requirements/development.txt
	@scripts/setup development && touch $@

##@ Rehearse the deployment

up: .venv/rehearsal $(if $(filter container,$(TASKS)),engine) ## Deploy to a local AWS and leave it running; again: apply changes (PORT=8080; TASKS=container: run the image)
	@$(RUN) rehearsal up

demo: .venv/rehearsal ## Show on the running rehearsal, in a minute: a manual GRANT reverted, passwords rotated, bad releases rolled back
	@$(RUN) rehearsal demo

rotate: .venv/rehearsal ## Rotate each login of the running rehearsal under load (LOGIN=beers_app: only that one; LOGIN=master: RDS's own)
	@$(RUN) rehearsal rotate $(if $(LOGIN),--login "$(LOGIN)")

token: .venv/rehearsal ## Print the write token of the rehearsed catalogue
	@$(RUN) rehearsal token

down: .venv/rehearsal ## Destroy the rehearsal, check that nothing is left, and clean up
	@$(RUN) rehearsal down

##@ Develop

run: .venv/rehearsal ## Serve the application alone (PORT=8000), with a temporary PostgreSQL unless DATABASE_URL is set
	@$(RUN) devtools run

format: .venv/ready ## Rewrite Python and Terraform files in the project's style
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .
	@$(RUN) devtools.terraform fmt -recursive terraform

docs: .venv/ready ## Generate the derived parts of the documentation: inputs of terraform/modules/database_access, a list of docs/rehearsal.md, the keys of docs/access.md
	@$(RUN) scripts.terraform_tables
	@$(RUN) scripts.aws_behaviours
	@$(RUN) scripts.access_document

# The same files serve each platform of tool.uv.environments (Linux with glibc), and every Python from 3.11 on but for
# free-threaded builds. No source is accepted where one wheel serves all. Packages of rehearsal, development and
# bench-service are installed together with service.txt, which has those that they share with the service, and those of
# development with rehearsal.txt too. A package is one line.
lock: .venv/ready ## Lock the newest versions that pyproject.toml allows, with hashes, into requirements/
	@rm -rf build/lock && mkdir -p build/lock
	@sed -E '/^(postgresql-.*|terraform|mermaid) = /d' pyproject.toml > build/lock/pyproject.toml
	.venv/bin/uv lock --quiet --directory build/lock
	@sed -E -e '/manylinux/!{/musllinux/d;}' -e '/-cp[0-9]+t-/d' -e '/-(ios|pyemscripten)_/d' build/lock/uv.lock | \
	  awk 'BEGIN { RS = ""; ORS = "\n\n" } /-none-any\.whl/ { gsub(/sdist = [^\n]*\n/, "") } \
	    /-macosx_[0-9_]*_arm64\.whl/ { gsub(/[^\n]*-macosx_[0-9_]*_universal2\.whl[^\n]*\n/, "") } { print }' > build/lock/kept && mv build/lock/kept build/lock/uv.lock
	for group in service function rehearsal development bench-access bench-service; do \
	  .venv/bin/uv export --quiet --frozen --directory build/lock --no-header --no-annotate --only-group $$group --output-file $$group.txt \
	    $$(case $$group in (rehearsal|bench-service) set -- service;; (development) set -- service rehearsal;; (*) false;; esac && \
	      for other do sed -n 's/^\([^ =]*\)==.*/--no-emit-package \1/p' requirements/$$other.txt; done) && \
	  sed -E -e "s/ ; platform_machine == 'arm64' .* 'linux' / /" -e 's/ and \(\(platform_machine [^\\]*/ /' build/lock/$$group.txt > requirements/$$group.txt || exit 1; \
	done
	for group in postgresql-14 postgresql-15 postgresql-16 postgresql-17 postgresql-18 terraform mermaid; do \
	  .venv/bin/uv pip compile --no-config --quiet --universal --generate-hashes --no-header --no-annotate --no-deps --upgrade --python-version 3.12 \
	    --group pyproject.toml:$$group --output-file requirements/$$group.txt || exit 1; \
	done
	for file in requirements/*.txt; do \
	  awk '{ goes_on = sub(/ \\$$/, ""); sub(/^ +/, " "); printf "%s%s", $$0, goes_on ? "" : "\n" }' $$file > build/lock/joined && mv build/lock/joined $$file || exit 1; \
	done

rename: ## Rename the project in all its files (NAME=brewery)
	@$(PYTHON) scripts/rename.py "$(NAME)"

prune: .venv/ready # Delete the tests of what you have deleted, and fit the linters' settings (docs/make-it-yours.md)
	@$(RUN) scripts.prune_tests

clean: ## Remove build/ and .venv, but no running rehearsal
	rm -rf build .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis

##@ Check

SHELL_SCRIPTS = $(shell git grep --untracked -nE '^\#!.*[/ ](ba)?sh$$' | sed -n 's/:1:.*//p')
lint: .venv/ready trivy ## Check style, types, imports, dead code, Terraform, shell, Dockerfiles, workflows, and for secrets
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports --no-logo
	.venv/bin/vulture
	PATH="$(CURDIR)/.venv/bin:$$PATH" shellcheck $(SHELL_SCRIPTS) # on Linux on ARM: apt-get install shellcheck
	$(if $(wildcard Dockerfile),.venv/bin/hadolint Dockerfile)
	.venv/bin/actionlint
	.venv/bin/zizmor --offline --quiet --persona=auditor .github
	@$(RUN) devtools.terraform fmt -check -recursive terraform

# The servers that tests run on, in addition to the one that setup fetches. A failed one is tried again the next time.
SERVER := .venv/postgresql-%/ready
$(SERVER): requirements/postgresql-%.txt | .venv/ready
	@$(RUN) devtools postgresql $* && touch $@ || echo "Continuing without it; if this machine has none, tests on it are skipped."

# Where PYTHONDONTWRITEBYTECODE is set, as in many containers, each process of the tests would compile all modules again.
unexport PYTHONDONTWRITEBYTECODE
# $(call tests,STAGE,MARKERS): run pytest, and leave the times in build/ for `make stats`.
tests = @$(RUN) pytest --durations=10 --junitxml=build/$(1).xml -m "$(2)"
# More processes than cores, because many tests wait.
SPREAD := --numprocesses 4 --dist worksteal
# tests/conftest.py says what stays together and starts first. By the number of tests, the longest would start last.
LANES := --dist loadscope --no-loadscope-reorder
MAJORS := 14 15 16 17 18

test: .venv/ready browser engine $(patsubst %,$(SERVER),15) ## Run all tests except the nightly ones
	$(call tests,test,not nightly) --numprocesses 5 $(LANES)

test-fast: export POSTGRESQL_MAJORS = 17
test-fast: .venv/ready browser ## Run the tests that need no load, rehearsal, image, `terraform test` or other PostgreSQL version
	$(call tests,test-fast,not rehearsal and not image and not load and not terraform and not nightly) $(SPREAD)

test-load: .venv/ready # The tests under load
	$(call tests,test-load,load and not nightly) $(SPREAD)

test-terraform: .venv/ready # `terraform validate` and `terraform test` of each root module, and a plan of each environment
	$(call tests,test-terraform,terraform and not nightly) $(SPREAD)

test-postgresql: export POSTGRESQL_MAJORS = $(MAJORS)
test-postgresql: .venv/ready $(patsubst %,$(SERVER),$(filter-out 17,$(MAJORS))) # The tests that depend on PostgreSQL's version, on 14 to 18
	$(call tests,test-postgresql,each_major and not nightly) $(SPREAD)

test-rehearsal: .venv/ready ## Run the tests that rehearse deployments
	$(call tests,test-rehearsal,rehearsal and not nightly) --numprocesses 3 $(LANES)

test-nightly: export POSTGRESQL_MAJORS = $(MAJORS)
test-nightly: .venv/ready $(patsubst %,$(SERVER),$(filter-out 17,$(MAJORS))) ## Run the exhaustive tests: thousands of examples on PostgreSQL 14 to 18, long loads, each failure (hours)
	$(call tests,test-nightly,nightly or each_major) --hypothesis-profile=nightly --timeout=3600 --numprocesses 3 $(LANES)

image-test: .venv/ready engine ## Build the image, run it as in production, print its size and content
	$(call tests,test-image,image)

stats: # Print lines per package, dependencies, and how long the last runs of the tests took
	@$(PYTHON) scripts/stats.py

browser: .venv/mermaid/ready # for the tests that open pages and diagrams
	@scripts/setup-browser

.venv/mermaid/ready: requirements/mermaid.txt | .venv/ready
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --upgrade --target .venv/mermaid --requirement requirements/mermaid.txt
	@touch $@

engine: # To build and run images
	@scripts/setup-containers

scan: $(or $(SCAN),trivy vulnerabilities tflint) ## Scan configuration and packages (SCAN=trivy: only this of trivy, vulnerabilities, tflint; SCAN=image-scan: the image)

# The wheel in .venv is for Linux on x86-64; on other machines a trivy on the PATH is used.
TRIVY = @trivy=$$(PATH="$(CURDIR)/.venv/bin:$$PATH" command -v trivy) \
  || { echo "SKIPPED $@: no Trivy for this machine. Install it (https://trivy.dev) or rely on the pipeline." >&2; exit 0; }; \
  "$$trivy" --quiet

trivy: .venv/ready # Trivy's rules for terraform/ and Dockerfiles, and for secrets in any file; without internet, part of lint
	$(TRIVY) filesystem --exit-code 1 --skip-version-check --table-mode detailed --scanners misconfig,secret --skip-check-update \
	  --skip-dirs .venv,build,.hypothesis,'.*_cache,.rehearsal*' --tf-vars terraform/environment/prod.tfvars .

vulnerabilities: .venv/ready # Known vulnerabilities of every locked Python package; needs internet
	$(TRIVY) filesystem --exit-code 1 --skip-version-check --scanners vuln --file-patterns 'pip:requirements/.+\.txt' requirements

tflint: # tflint's rules for terraform/; needs Go
	@mkdir -p .venv/go
	@GOBIN="$(CURDIR)/.venv/go" go install github.com/terraform-linters/tflint@v0.61.0
	@.venv/go/tflint --chdir=terraform --recursive --config="$(CURDIR)/.tflint.hcl"

image-scan: .venv/ready # Known vulnerabilities of the image that `make image` built; needs internet
	$(TRIVY) image --exit-code 1 --skip-version-check --scanners vuln --severity HIGH,CRITICAL --ignore-unfixed taproom

bench: .venv/ready $(if $(filter access service,$(SUITE)),.venv/bench-$(SUITE)/ready) $(if $(filter access,$(SUITE)),$(patsubst %,$(SERVER),15)) ## Measure db_bootstrap or the service (SUITE=access or service; ARGS=--write: into docs/benchmarks.md)
	@$(if $(filter access service,$(SUITE)),$(RUN) bench.$(SUITE) $(ARGS),echo "Name one of access, service: make bench SUITE=access" >&2; exit 1)

.venv/bench-%/ready: scripts/setup-bench-% requirements/bench-%.txt | .venv/ready
	@$<

##@ Build and deploy

image: .venv/ready build/rds-ca.pem ## Build the image with docker, podman or buildah (BASE=...: on another base; RDS_CA_FILE=...: without internet)
	@$(RUN) devtools image

pin-base: # Pin the image's base by its newest digest; needs docker and its registry. Dependabot reads no ARG
	@digest=$$(docker buildx imagetools inspect python:3.13-slim --format '{{.Manifest.Digest}}') && \
	  sed "s|^ARG BASE_TAG=.*|ARG BASE_TAG=\$${PYTHON_VERSION}-slim@$$digest|" Dockerfile > build/pinned && cat build/pinned > Dockerfile

package: .venv/ready build/rds-ca.pem ## Build the function's zip, build/db_bootstrap.zip (RDS_CA_FILE=...: without internet)
	@$(RUN) scripts.package_function --ca-file build/rds-ca.pem --output build/db_bootstrap.zip

wheel: .venv/ready # Build the wheel of db_bootstrap, build/wheel/; the same commit gives the same bytes
	.venv/bin/uv build --quiet --wheel --offline --clear --out-dir build/wheel

release-files: wheel package # Build what a release offers: the wheel, the function's zip, and the module with the zip in it
	@$(RUN) scripts.package_module build/db_bootstrap.zip build/database_access.zip

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

dist: # Pack the last commit's files into build/taproom.zip; the same commit gives the same bytes
	@mkdir -p build
	git archive --format=zip --prefix=taproom/ --output=build/taproom.zip HEAD

psql: .venv/ready build/rds-ca.pem ## Open psql as an IAM login, through a task that lives for the session (ENVIRONMENT=dev, LOGIN=beers_report)
	@$(RUN) scripts.psql

access: .venv/ready ## Print who has access to ON, what OF can do, why, or without both an audit (ENVIRONMENT=dev, ON=beers.beers, OF=beers_report)
	@$(RUN) scripts.access

prove: .venv/ready $(if $(filter rehearsal,$(ENVIRONMENT)),,| terraform) ## Prove a temporary deployment by its own APIs, and write build/prove/ (ENVIRONMENT=dev, or rehearsal while it runs; IN_PLACE=1: that one)
	@$(RUN) scripts.prove

account: .venv/ready | terraform ## Apply terraform/account, once per AWS account (GITHUB_REPOSITORY=OWNER/REPOSITORY, REGION=us-east-1)
	@$(RUN) scripts.account

github: .venv/ready | terraform ## Apply .github/settings.yml to GitHub, with an administrator's login of gh (YES=1: without asking)
	@$(RUN) scripts.github.settings

github-check: .venv/ready | terraform ## Compare GitHub's settings with .github/settings.yml
	@$(RUN) scripts.github.settings --check

deploy: .venv/ready | terraform ## Build and push the image, package the function, apply (ENVIRONMENT=dev, CLIENT_CIDR_BLOCKS=mine)
	@$(RUN) scripts.deployment.deploy

# AWS is changed by the program only, never by the library that rehearsals can use.
terraform:
	@command -v terraform >/dev/null || { echo "AWS needs Terraform 1.11 or later on the PATH: https://developer.hashicorp.com/terraform/install" >&2; exit 1; }

include ci.mk
