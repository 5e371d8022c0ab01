# Everything a person or a machine does with this checkout. `make help` lists it.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PREPARE := python3 -m tools.prepare
RUN := python3 -m tools.prepare.run
PYTHON := .venv/bin/python
TOX := .venv/bin/tox
REPORTS := .alexandrite/reports

# No reaper image exists here: leftovers of killed runs are found by the project's label and removed by `sweep`.
export TESTCONTAINERS_RYUK_DISABLED := true
export TESTCONTAINERS_HOST_OVERRIDE := 127.0.0.1
export PYTHONUNBUFFERED := 1
export PYTHONDONTWRITEBYTECODE := 1

.PHONY: help prepare up down show logs test ship quick perf prove figures bench-board bench-mesh bench-cluster bench-broker bench-calm nightly weekly pages contracts steps gallery words lock doctor browser clean backup restore-drill restore faults

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

prepare: ## virtual environment, Docker engine, images, secrets: whatever is missing; seconds when nothing is
	@$(PREPARE)

up: prepare ## start the whole system, drive one order through it, leave it running; CLUSTER=1 with three broker nodes
	@$(RUN) up $(if $(CLUSTER),--cluster)
	@$(PYTHON) -m step_defs.tour
	@$(RUN) show

show: ## addresses and logins of the running system
	@$(RUN) show

down: ## remove the system with its data; KEEP=1 keeps the data
	@$(RUN) down $(if $(KEEP),--keep)

logs: ## the system's last log lines; SERVICE=name for one service
	@$(RUN) logs $(SERVICE)

test: prepare browser ## every check; the last line counts them
	@$(RUN) sweep
	@rm -rf $(REPORTS) && mkdir -p $(REPORTS)
	@status=0; $(TOX) || status=$$?; $(RUN) sweep; $(PYTHON) -m tools.count --status $$status

quick: prepare browser ## static checks, unit tests and the scenarios that changed, on a system kept warm: minutes
	@$(PYTHON) -m release quick

ship: prepare browser ## take the checked-out commit through every gate to production; FIRST=name vouches for the first release
	@$(PYTHON) -m release ship $(if $(FIRST),--first-release-by $(FIRST))
	@$(PYTHON) -m release pages

pages: prepare ## the pipeline's pages: candidates, environments, figures, the board of complaints
	@$(PYTHON) -m release pages

perf: prepare ## people of every role on the running system; PROFILE=steady|growth|partner-burst|spike MODELS=1k|100k|1m BASE=image
	@$(PYTHON) -m perf.run --profile $(or $(PROFILE),steady) --models $(or $(MODELS),1k) --base $(or $(BASE),none)

prove: prepare ## take each guard away in turn and show which test notices
	@$(PYTHON) -m tools.prove

faults: prepare ## every fault, five seeds each, on a system of its own: nothing lost, nothing doubled; SEED=n FAULT=name for one
	@$(PYTHON) -m perf.faults $(if $(SEED),--seed $(SEED)) $(if $(FAULT),--fault $(FAULT))

figures: prepare ## measure the system that `make up` started: claims, delivery, losses under kills
	@for command in claims delivery losses; do $(PYTHON) -m perf.$$command; done

bench-cluster: prepare ## 2,000 orders on the system that `make up CLUSTER=1` started, while each broker node is killed, paused and cut off
	@$(PYTHON) -m perf.cluster

bench-broker: prepare ## the whole broker away for ten minutes at five orders a second, on the system that `make up` started
	@$(PYTHON) -m perf.broker_away

bench-calm: prepare ## half an hour of everyday load on the system that `make up` started: which alerts fired for nothing
	@$(PYTHON) -m perf.calm

bench-board: prepare ## the operators' board with a million orders behind it and 200 boards open; PART=growth|phone|replaced|search|redis|open|beside
	@$(PYTHON) -m perf.board $(if $(PART),--part $(PART))

bench-mesh: prepare ## a model measured beside trimesh, meshlib and vtk, 10 k to 5 M triangles; ARGS="--sizes 10k,1m --rounds 5"
	@test -x .alexandrite/bench/bin/python || .venv/bin/uv venv -q --python .venv/bin/python .alexandrite/bench
	@.venv/bin/uv pip sync -q --python .alexandrite/bench/bin/python --require-hashes requirements/bench.txt
	@$(PYTHON) -m perf.mesh $(ARGS)

backup: ## a full backup of the running system's databases, now
	@$(PYTHON) -m tools.backups now

restore-drill: ## restore the newest backup beside the running system, check it, throw it away; TIME=2026-11-29T14:30:00+03:00
	@$(PYTHON) -m tools.backups drill $(if $(TIME),--time $(TIME))

restore: ## put the running system back to a moment, TIME=...; says what would be lost, and does it only with YES=1
	@$(PYTHON) -m tools.backups restore $(if $(TIME),--time $(TIME)) $(if $(YES),--yes)

nightly: test prove up figures bench-calm bench-broker down ## everything, the long measurements too: hours
	@$(PYTHON) -m pytest system fixtures release/tests -m "long and not live"
	@$(PYTHON) -m step_defs.assembly run $(PYTHON) -m pytest features -m "long and exclusive" --then $(PYTHON) -m pytest features -m "long and pages" --through pages
	@$(PYTHON) -m perf.power
	@$(PYTHON) -m perf.drills
	@$(PYTHON) -m perf.faults
	@$(PYTHON) -m tools.workflow_drill
	@$(PYTHON) -m perf.board

weekly: prepare ## every bad and harmless commit through the gates: most of a day
	@$(PYTHON) -m release.commits

contracts: prepare ## freeze the schemas of messages as the code has them now
	@$(PYTHON) -m contracts.freeze

steps: prepare ## the catalogue of phrases for scenarios, Russian and English
	@$(PYTHON) -m step_defs.kit steps

lock: ## lock every requirements/*.in by version and hash
	@requirements/compile.sh

doctor: ## what is missing or unwell on this machine, and the remedy for each
	@$(PREPARE) doctor

gallery: prepare browser ## every page as pictures, phone and desktop, light and dark, both languages; look at each
	@$(PYTHON) -m step_defs.gallery

words: prepare ## bring the pages' catalogues up to what templates say, and list what is not translated
	@$(PYTHON) -m tools.words

browser: ## a Chromium for the page scenarios, when this machine has none
	@$(PREPARE) browser

clean: down ## remove the system, its data, our images and the stamps; secrets stay
	@$(RUN) clean
