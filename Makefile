# From a clone: `make run`. Everything here makes .venv by itself and needs no server.
PYTHON ?= python3
BOOTSTRAP = $(PYTHON) scripts/bootstrap.py

.PHONY: run demo test check lint format openapi screenshots bench faults

run: ## the product with demonstration data on http://127.0.0.1:8000 (PORT=… for another port)
	@$(BOOTSTRAP) scripts.run

demo: ## the main job from referral to figures, walked through in under a minute
	@$(BOOTSTRAP) scripts.demo

test: ## the whole test suite; says what ran, what was skipped and why
	@$(BOOTSTRAP) --dev scripts.suite

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

bench: ## benchmarks, as ratios measured side by side
	@$(BOOTSTRAP) --dev benchmarks.create

faults: ## sends 5,000 referrals while workers are killed, PostgreSQL restarts and the broker is wiped; needs both servers
	@$(BOOTSTRAP) --dev scripts.faults
