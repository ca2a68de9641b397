#!/usr/bin/env bash
# Measures what a session costs against floors of the same run (desktops need root), and what a full frame of a desktop costs the browser by codec, then runs every benchmark six times and sums up with
# benchstat. The raw lines stay in .cache/bench.txt, to compare:
# go tool -modfile=.ci/tools/go.mod benchstat old.txt .cache/bench.txt
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
out=$root/.cache/bench.txt
say "sessions"
go run ./examples/internal/sshbench -runs "${SSHRUNS:-3}" | tee "$root/.cache/sshbench.txt"
say "desktops"
[ "$(id -u)" != 0 ] || go run ./examples/internal/rdpbench -runs "${RDPRUNS:-3}" | tee "$root/.cache/rdpbench.txt"
say "pictures in the browser"
go run ./rdp/rdptest/internal/frames "$root/.cache/frames"
[ -f toolbar/dist/manifest.json ] || go generate ./toolbar
(cd "$web" && FRAMES="${FRAMES:-40}" node_modules/.bin/playwright test -c bench.config.ts) | tee "$root/.cache/screenbench.txt"
say "benchmarks"
go test -run '^$' -bench . -benchmem -count "${BENCHCOUNT:-6}" -timeout 60m ./... | tee "$out"
say "benchstat"
tool benchstat "$out"
