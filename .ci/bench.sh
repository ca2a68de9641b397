#!/usr/bin/env bash
# Measures what a session costs against floors of the same run, then runs every benchmark six times and sums up with
# benchstat. The raw lines stay in .cache/bench.txt, to compare:
# go tool -modfile=.ci/tools/go.mod benchstat old.txt .cache/bench.txt
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
out=$root/.cache/bench.txt
say "sessions"
go run ./examples/internal/sshbench -runs "${SSHRUNS:-3}" | tee "$root/.cache/sshbench.txt"
say "benchmarks"
go test -run '^$' -bench . -benchmem -count "${BENCHCOUNT:-6}" -timeout 60m ./... | tee "$out"
say "benchstat"
tool benchstat "$out"
