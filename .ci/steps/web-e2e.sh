#!/usr/bin/env bash
# The browser client in Chromium against the whole example host and a real sshd.
source "$(dirname "${BASH_SOURCE[0]}")/../env.sh"
cd "$web"
status=0
CI=1 PLAYWRIGHT_JSON_OUTPUT_NAME="$results/playwright.report" \
  node_modules/.bin/playwright test --reporter=list,json || status=$?
cd "$root"
tally playwright -in "$results/playwright.report" -out "$results/web-e2e.json"
exit "$status"
