#!/usr/bin/env bash
# Prints the tests that met a real program in a `go test -json` stream, in the form of .ci/interop.txt.
set -euo pipefail
grep -F '"Output":' | grep -F 'met interop peer ' |
  sed -E 's/.*"Package":"([^"]+)".*"Test":"([^"\/]+).*/\1 \2/' | sort -u
