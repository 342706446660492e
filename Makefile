# Every target works from a clean clone, with make and any Python from 3.9 on.
PYTHON ?= python3
ARGS ?=
PERSON ?=
BOOTSTRAP = exec $(PYTHON) launcher/bootstrap.py

.PHONY: help run demo manage token address test oracle mutants bench bench-sweep bench-post bench-arrival bench-upgrade bench-rest bench-plans bench-console lint draw format clean
.DEFAULT_GOAL := help

help:
	@echo "make run      run Linli on this machine, with its own PostgreSQL and Valkey; Ctrl-C stops it"
	@echo "              ARGS='--port 8080', ARGS=--help for more; data and logs are in .local"
	@echo "              DATABASE_URL and REDIS_URL in the environment name your own servers"
	@echo "make demo     tell four stories through the API of the server that make run started; ARGS=--help for more"
	@echo "make manage   run a command of manage.py on that server; ARGS='demo_people'"
	@echo "              demo, manage, token and address find the server on any port and home; ARGS='--home DIRECTORY' chooses one of several"
	@echo "make token    print a token of one of the demo's people: make token PERSON=resident"
	@echo "make address  print the address of that server"
	@echo "make test     run every check and the whole test suite; ARGS='-k ladder' goes to pytest"
	@echo "              ARGS=fast runs the quick checks and the quick half of the tests, in a minute and a half"
	@echo "make oracle   compare the working calendar with a minute-by-minute oracle in 1,000,000 random cases, and clocks with a second"
	@echo "              reckoning of questions and extensions in 20,000; some ten minutes; ARGS='--cases 10000 --lives 500' for fewer"
	@echo "make mutants  change the engine's code in one place at a time and see whether a test fails; takes hours, but"
	@echo "              ARGS='--sample 100 tickets/routing.py' gives an impression; ARGS=--help for more"
	@echo "make bench    measure filing, listing and moving over HTTP, about ten minutes; ARGS=--help for more"
	@echo "make bench-sweep   measure how fast deadlines are fired, about five minutes; ARGS=--help for more"
	@echo "make bench-post    measure how fast events become messages, about two minutes; ARGS=--help for more"
	@echo "make bench-arrival compare what receivers got with the database: undisturbed, while processes are killed, while channels"
	@echo "              hang, under a flood; about twenty minutes; ARGS=--help for more"
	@echo "make bench-upgrade   migrate a large database of an older release, and prove its histories afterwards; some ten minutes;"
	@echo "              ARGS='--from REV' names the release"
	@echo "make bench-rest    measure processor time and memory when nothing happens, about two minutes; ARGS=--help for more"
	@echo "make bench-console the pages of the console on 200,000 tickets, polls, and 50 people who look; some eight minutes; ARGS=--help for more"
	@echo "make bench-plans   which pages of the database each statement touches on few tickets and on many, about ten minutes; ARGS=--help"
	@echo "make lint     run only ruff, import-linter and mypy"
	@echo "make draw     write the documents that are drawn from the code: docs/openapi.yaml, moves.md and more"
	@echo "make format   format the code"
	@echo "make clean    remove .local (with the data!) and .venv"

run:
	@$(BOOTSTRAP) launcher.run $(ARGS)

demo:
	@$(BOOTSTRAP) launcher.manage demo $(ARGS)

manage:
	@$(BOOTSTRAP) launcher.manage $(ARGS)

# Nothing but what was asked for: TOKEN=$$(make -s token PERSON=resident)
token:
	@$(BOOTSTRAP) launcher.manage token "$(PERSON)" $(ARGS)

address:
	@$(BOOTSTRAP) launcher.manage address $(ARGS)

test:
	@$(BOOTSTRAP) launcher.check all $(ARGS)

oracle:
	@$(BOOTSTRAP) tests.workflow.oracle $(ARGS)

mutants:
	@$(BOOTSTRAP) bench.mutants $(ARGS)

bench:
	@$(BOOTSTRAP) bench.http $(ARGS)

bench-sweep:
	@$(BOOTSTRAP) bench.sweep $(ARGS)

bench-post:
	@$(BOOTSTRAP) bench.post $(ARGS)

bench-arrival:
	@$(BOOTSTRAP) bench.arrival $(ARGS)

bench-upgrade:
	@$(BOOTSTRAP) bench.upgrade $(ARGS)

bench-rest:
	@$(BOOTSTRAP) bench.rest $(ARGS)

bench-console:
	@$(BOOTSTRAP) bench.console $(ARGS)

bench-plans:
	@$(BOOTSTRAP) bench.plans $(ARGS)

lint:
	@$(BOOTSTRAP) launcher.check lint

draw:
	@$(BOOTSTRAP) launcher.manage draw_states $(ARGS)

format:
	@$(BOOTSTRAP) launcher.check format

clean:
	rm -rf .local .venv
