#!/usr/bin/env bash
# Unit tests of the browser client.
source "$(dirname "${BASH_SOURCE[0]}")/../env.sh"
cd "$web"
status=0
node_modules/.bin/vitest run --reporter=default --reporter=json --outputFile.json="$results/vitest.report" || status=$?
cd "$root"
tally vitest -in "$results/vitest.report" -out "$results/web-unit.json"
exit "$status"
