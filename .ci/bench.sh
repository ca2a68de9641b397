#!/usr/bin/env bash
# Runs every benchmark six times and sums up with benchstat. The raw lines stay in .cache/bench.txt, to compare:
# go tool -modfile=.ci/tools/go.mod benchstat old.txt .cache/bench.txt
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
out=$root/.cache/bench.txt
go test -run '^$' -bench . -benchmem -count "${BENCHCOUNT:-6}" -timeout 60m ./... | tee "$out"
say "benchstat"
tool benchstat "$out"
