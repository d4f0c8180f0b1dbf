# From a clone: `make run`. Everything here makes .venv by itself and needs no server.
PYTHON ?= python3
BOOTSTRAP = $(PYTHON) scripts/bootstrap.py

.PHONY: run demo test eyes check lint format openapi screenshots bench faults

run: ## the product with demonstration data on http://127.0.0.1:8000 (PORT=… for another port)
	@$(BOOTSTRAP) scripts.run

demo: ## the main job from referral to figures, walked through in under a minute
	@$(BOOTSTRAP) scripts.demo

test: ## the whole test suite; says what ran, what was skipped and why
	@$(BOOTSTRAP) --dev scripts.suite

eyes: ## other people's FHIR checkers over every body of the tests, and their clients against a live server
	@$(BOOTSTRAP) --dev scripts.eyes

check: ## everything that CI runs: lint, then test
	@$(BOOTSTRAP) --dev scripts.check
	@$(BOOTSTRAP) --dev scripts.suite

lint: ## format, rules, types, import contracts, migrations, OpenAPI drift
	@$(BOOTSTRAP) --dev scripts.check

format: ## put the code into shape
	@$(BOOTSTRAP) --dev ruff check --fix-only --quiet .
	@$(BOOTSTRAP) --dev ruff format .

openapi: ## write openapi.yaml anew
	@$(BOOTSTRAP) --dev scripts.check --write-openapi

screenshots: ## every page at 360 and 1280 pixels into var/screenshots, and the pictures of the README
	@$(BOOTSTRAP) --dev scripts.screenshots

bench: ## creates, transactions, reads and searches on PostgreSQL beside a naive control; takes twenty minutes
	@$(BOOTSTRAP) --dev benchmarks.surface

faults: ## sends 5,000 referrals while workers are killed, PostgreSQL restarts and the broker is wiped; needs both servers
	@$(BOOTSTRAP) --dev scripts.faults
