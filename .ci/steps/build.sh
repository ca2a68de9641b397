#!/usr/bin/env bash
# Builds the browser client, and the module as its users do: without cgo, for the systems it promises.
source "$(dirname "${BASH_SOURCE[0]}")/../env.sh"
go generate ./toolbar
CGO_ENABLED=0 go build ./...
