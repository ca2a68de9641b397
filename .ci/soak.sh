#!/usr/bin/env bash
# Runs the tests that repeat a fault at random points, with as many rounds as the first argument says, and those of
# many sessions under load for as many minutes as the second says. The latter run without the race detector: it would
# take several times their memory and their share of the processors.
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
rounds=${1:?how many rounds} minutes=${2:?how many minutes}
PAM_SOAK=$rounds PAM_INTEROP=required go test -race -count=1 -timeout=120m -run Soak -v ./... | tee "$results/soak.log"
PAM_SOAK_MINUTES=$minutes go test -count=1 -timeout=$((minutes + 30))m -run '^TestSoak_' -v ./examples/internal/spine | tee -a "$results/soak.log"
# The browser before a desktop that moves, whose heaps must stay flat.
(cd "$web" && PAM_SOAK_MINUTES=$minutes node_modules/.bin/playwright test desk-soak) | tee -a "$results/soak.log"
grep -q '^--- PASS: TestSoak_' "$results/soak.log" || { echo "no soak test ran" >&2; exit 1; }
