# All commands of the project; `make` lists them. It needs Python 3.11 to 3.13 and make, nothing else.
.DEFAULT_GOAL := help
.PHONY: help run reset test quick test-deploy soak bench deploy check rollback status logs ssh lint lock readme screenshot clean

# HOST from the environment is ignored: some shells set it to the machine's name, which would open the wallet to the network.
ifeq ($(origin HOST),environment)
HOST :=
endif
# Python always stores its compiled files, even if the shell sets this variable: without them a start takes three times as long.
unexport PYTHONDONTWRITEBYTECODE
ifneq ($(filter-out 0 1,$(DEMO)),)
$(error DEMO is 0 or 1)
endif

# Quotes a value for the shell, also if it contains an apostrophe.
quoted = '$(subst ','\'',$(1))'
local := .venv/bin/python -m app.local $(if $(DATA),--data $(call quoted,$(DATA)))

# A program that is started by `stoppable` does not get the terminal's Ctrl-C: this shell sends it SIGTERM and prints "Stopped.". So no
# traceback of Python is shown, not even during its start. The signal is sent twice: a shell before its exec loses the first one.
# Source: POSIX, "Signals and Error Handling" of asynchronous lists.
define watch :=
child=; asked=; \
stopped() { printf '\nStopped.\n'; exit 130; }; \
ask_once() { kill -TERM "-$$child" || kill -TERM "$$child"; }; \
ask() { { ask_once; (sleep 1; ask_once) & } >/dev/null 2>&1; }; \
stop() { asked=1; case "$$child" in '') stopped;; starting) ;; *) ask;; esac; }; \
trap stop INT TERM HUP; \
stoppable() { \
  child=starting; "$$@" & child=$$!; test -z "$$asked" || ask; \
  while wait "$$child" 2>/dev/null; code=$$?; test -n "$$asked" && kill -0 "$$child" 2>/dev/null; do :; done; \
  child=; test -z "$$asked" || test "$$code" -le 128 || stopped; return "$$code"; }
endef
# A virtual environment with Python's bundled pip, unpacked from its wheel. Compiling pip would take most of the time of `venv`.
# Source: PEP 427, "Installing a wheel"; ensurepip's folder of wheels.
environment := -c 'import ensurepip, pathlib, sysconfig, venv, zipfile; \
  venv.create(".venv", symlinks=True); \
  wheels = pathlib.Path(sysconfig.get_config_var("WHEEL_PKG_DIR") or pathlib.Path(ensurepip.__file__).parent / "_bundled"); \
  packages = sysconfig.get_path("purelib", "venv", {"base": ".venv", "installed_base": ".venv"}); \
  zipfile.ZipFile(next(wheels.glob("pip-*.whl"))).extractall(packages)'
# Runs in its own process group, so that its children are ended with it.
group := -c 'import os, sys; os.setpgrp(); os.execv(sys.executable, [sys.executable, *sys.argv[1:]])'

# Ansible finds its own programs by PATH.
ansible := cd ansible && PATH="$(CURDIR)/.venv/bin:$$PATH"
# Each set of hosts has its own inventory: make deploy INVENTORY=trial.ini
INVENTORY := inventory.ini
playbook = $(ansible) ansible-playbook --inventory '$(abspath $(INVENTORY))'
connect = $(ansible) python connect.py '$(abspath $(INVENTORY))' $(TO)
# The hosts of the inventory, and the release that each one serves, which is asked from the host itself.
meant = $(ansible) python outcome.py hosts '$(abspath $(INVENTORY))' $(ARGS)
serving = $(ansible) python outcome.py serving '$(abspath $(INVENTORY))' $(ARGS)

help: ## List these targets
	@sed -nE 's/^VERSION.*"(.+)"$$/Wave \1/p' app/version.py
	@sed -nE 's/^([a-z][a-z-]*):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

run: .venv/installed ## Start the wallet here. HOST=127.0.0.1 PORT=5000, DATA=a folder for the database, DEMO=0 without demo people
	@$(watch); stoppable $(local) $(if $(HOST),--host $(call quoted,$(HOST))) $(if $(PORT),--port $(call quoted,$(PORT))) $(if $(DEMO),$(if $(filter 0,$(DEMO)),--no-demo,--demo))

reset: .venv/installed ## Forget the database that `make run` made. DATA=its folder
	@exec $(local) --reset

test: .venv/tools .venv/browser ## Run all tests, on a real PostgreSQL and, as root, on hosts with systemd; what was left out is told at the end
	@.venv/bin/python -m pytest

quick: .venv/tools ## Run the tests that need no host, browser or load
	@.venv/bin/python -m pytest --no-cov -m 'not hosts and not load' --ignore tests/browser --ignore tests/faults

test-deploy: .venv/tools ## Of these, only those that deploy to hosts and break them
	@.venv/bin/python -m pytest -n 0 --no-cov -m hosts tests/infra

soak: .venv/tools ## Break PostgreSQL, gunicorn, network, disk and clock, and change releases, under load ten times as often as the tests do
	@WAVE_TIMES=10 .venv/bin/python -m pytest -n 2 --no-cov tests/faults \
	  'tests/infra/test_release.py::test_releases_go_back_and_forth_under_load_and_no_request_fails'

bench: .venv/tools ## Measure it against what its PostgreSQL can do. SHORT=1 in 3 minutes, not 25; ONLY=part of a subject's name
	@exec .venv/bin/python -m tests.load $(if $(SHORT),--short) $(if $(ONLY),--only '$(ONLY)')

deploy: $(INVENTORY) .venv/tools ## Bring the hosts of inventory.ini, or INVENTORY=another, to this checkout: from bare to serving, or to the next release
	@hosts=$$($(meant)) || exit 1; \
	echo "Deploying this checkout to $$hosts. Each host goes on serving what it serves until the new release is proved there."; \
	began=$$(date +%s); ( $(playbook) site.yml $(ARGS) ) && echo "Deployed in $$(( $$(date +%s) - began )) s." \
	  || { $(serving) --word='Not deployed: the cause stands above.' --next='Mend it, then `make deploy` again.'; exit 1; }

check: $(INVENTORY) .venv/tools ## Tell what `make deploy` would change, and change nothing
	@hosts=$$($(meant)) || exit 1; echo "Rehearsing a deploy to $$hosts. Nothing is changed."
	@$(playbook) site.yml --check --diff $(ARGS)

rollback: $(INVENTORY) .venv/tools ## Have the hosts serve the release before, without dropping a request
	@hosts=$$($(meant)) || exit 1; echo "Going back to the release before on $$hosts."; \
	began=$$(date +%s); ( $(playbook) rollback.yml $(ARGS) ) && echo "Rolled back in $$(( $$(date +%s) - began )) s." \
	  || { $(serving) --word='Not rolled back: the cause stands above.'; exit 1; }

status: $(INVENTORY) .venv/tools ## Show each host's release, version, health, books, disk, certificate, exposure and drift
	@$(playbook) status.yml $(ARGS)

logs: $(INVENTORY) .venv/tools ## Follow the wallet's log on a host. TO=its name, where there are several
	@$(connect) --run 'journalctl --follow --lines=100 --output=cat --unit=payment-system'

ssh: $(INVENTORY) .venv/tools ## Open a shell on a host. TO=its name, where there are several
	@$(connect)

$(INVENTORY):
	@echo 'There is no $@ yet: `cp inventory.example.ini $@`, write your host into it, then this again.' >&2; exit 1

lint: .venv/tools ## Check style, types and the directions of imports
	@.venv/bin/ruff check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports

lock: .venv/tools ## Pin what requirements*.in name, with hashes; delete requirements*.txt before for the newest versions
	@.venv/bin/uv pip compile $(compile) requirements.in -o requirements.txt
	@.venv/bin/uv pip compile $(compile) requirements-run.in -o requirements-run.txt
	@.venv/bin/uv pip compile $(compile) requirements.in requirements-run.in requirements-dev.in -o requirements-dev.txt

readme: .venv/tools ## Bring the tables in docs and in the READMEs of the roles up to date
	@.venv/bin/python -m tests.contracts.readme

screenshot: .venv/tools .venv/browser ## Take the picture in README.md again
	@.venv/bin/python -m tests.browser.screenshot

compile := --quiet --universal --no-strip-extras --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --custom-compile-command "make lock"

clean: ## Remove caches and .venv; the database stays
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage*
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# What `make run` needs.
.venv/installed: requirements.txt requirements-run.txt
	@$(call install,Setting up .venv. This happens once.,-r requirements.txt -r requirements-run.txt)

# What all other targets need in addition: the tools for tests, deployments and checks.
.venv/tools: requirements-dev.txt .venv/installed
	@$(call install,Adding the tools to .venv. This happens once and takes about a minute.,-r requirements-dev.txt)

# The stamp is written last. An interrupted installation leaves .venv/unfinished and is started again: pip takes a partial package for a
# complete one. The lock files are complete, so --no-deps is safe. Python compiles only imported files, a fifth of all.
define install =
$(watch); \
python=$$(for each in $(PYTHON) python3 python3.13 python3.12 python3.11; do \
  $$each -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $$each && break; done); \
test -n "$$python" || { echo 'Wave needs Python 3.11, 3.12 or 3.13: install one, or name it with PYTHON=/path/to/python3.' >&2; exit 1; }; \
$$python -c 'import ensurepip, venv' 2>/dev/null \
  || { echo "$$python cannot make virtual environments: on Debian or Ubuntu run 'apt-get install python3-venv' as root, then this again." >&2; exit 1; }; \
echo '$(1)'; \
if test -e .venv/unfinished || ! .venv/bin/python -c '' 2>/dev/null; then \
  rm -rf .venv && mkdir .venv && touch .venv/unfinished && stoppable $$python $(group) $(environment) || exit; \
fi; \
touch .venv/unfinished; \
stoppable .venv/bin/python $(group) -m pip install --quiet --disable-pip-version-check --no-input --no-deps --no-compile --require-hashes $(2) || exit; \
test -z "$$asked" || stopped; \
rm .venv/unfinished; touch .venv/installed $@
endef

# Tests open the pages in Chromium. As root it is installed; otherwise a message says which tests are skipped.
.venv/browser: .venv/tools
	@if ! command -v chromium >/dev/null; then \
	  if test "$$(id -u)" = 0 && command -v apt-get >/dev/null; then \
	    echo 'Installing Chromium for the tests of the pages. This happens once.'; \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null; \
	  else \
	    echo 'Without Chromium the tests of the pages in a browser are left out: install it, on Debian with `apt-get install chromium`.' >&2; \
	  fi; \
	fi
	@if command -v chromium >/dev/null; then touch .venv/browser; fi
