#!/usr/bin/env bash
# Every benchmark once, so that none rots; those in the browser with a few frames, those of whole sessions with a second of each load.
source "$(dirname "${BASH_SOURCE[0]}")/../env.sh"
go run ./rdp/rdptest/internal/frames "$root/.cache/frames"
(cd "$web" && FRAMES=4 node_modules/.bin/playwright test -c bench.config.ts)
go test -run '^$' -bench . -benchtime 1x -timeout 5m ./...
[ "$(id -u)" != 0 ] || go run ./examples/internal/rdpbench -runs 1 -seconds 1 -keys 5 -starts 1 -joins 1 -live 1,2 -real ""
