#!/usr/bin/env bash
# Runs the tests that repeat a fault at random points, with as many rounds as the argument says.
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
PAM_SOAK=${1:?how many rounds} PAM_INTEROP=required go test -race -count=1 -timeout=120m -run Soak -v ./... | tee "$results/soak.log"
grep -q '^--- PASS: Test.*Soak' "$results/soak.log" || { echo "no soak test ran" >&2; exit 1; }
