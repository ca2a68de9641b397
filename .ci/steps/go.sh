#!/usr/bin/env bash
# All Go tests, once: with the race detector, in random order, with real peers required. Interop tests are a part of
# them; the list says which ones must have met a real program.
source "$(dirname "${BASH_SOURCE[0]}")/../env.sh"
PAM_INTEROP=required go test -json -race -shuffle=on -count=1 -timeout=12m ./... |
  tally go -interop .ci/interop.txt -out "$results/go.json"
