# What can be done here. `make` alone lists it.
.DEFAULT_GOAL := help
.PHONY: help demo test build check unit interop web bench fuzz soak

ADDR ?= 127.0.0.1:8080

# The browser client is built again when its sources are newer than the stamp, or when there is no build.
CLIENT := .cache/client
ifeq ($(wildcard toolbar/dist/*),)
.PHONY: $(CLIENT)
endif
$(CLIENT): $(shell git ls-files toolbar 2>/dev/null)
	go generate ./toolbar
	@mkdir -p $(@D) && touch $@

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-9s %s\n", $$1, $$2}' Makefile

demo: $(CLIENT) ## run the example portal with hosts of its own (ADDR=host:port, DATA=folder)
	go run ./examples/portal -addr "$(ADDR)" $(if $(DATA),-data "$(DATA)")

test: ## everything: installs what it lacks (Debian), builds, checks, tests; ends with a table
	@.ci/test.sh

build: ## build the browser client and the module
	@.ci/steps/build.sh

check: ## read the code: gofumpt, vet for three systems, staticcheck, biome, tsc
	@.ci/steps/check.sh

unit: ## all Go tests with the race detector; a missing real peer skips its tests
	go test -race -shuffle=on -count=1 ./...

interop: ## only the tests that need real programs; a missing one fails
	@.ci/test.sh interop

web: ## unit and browser tests of the client
	@.ci/test.sh build web-unit web-e2e

bench: ## sessions against floors of the same run, a frame in the browser by codec, then benchmarks, six runs each, summed up by benchstat
	@.ci/bench.sh

fuzz: ## every fuzz target for FUZZTIME each (10m)
	@.ci/fuzz.sh $(or $(FUZZTIME),10m)

soak: ## the long tests: crashes and faults, SOAK rounds each (200), and load for SOAKMINUTES (20)
	@.ci/soak.sh $(or $(SOAK),200) $(or $(SOAKMINUTES),20)
