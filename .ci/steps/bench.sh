#!/usr/bin/env bash
# Every benchmark once, so that none rots.
source "$(dirname "${BASH_SOURCE[0]}")/../env.sh"
go test -run '^$' -bench . -benchtime 1x -timeout 5m ./...
