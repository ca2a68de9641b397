#!/usr/bin/env bash
# All Go tests, once: with the race detector, in random order, with real peers required. Interop tests are a part of
# them; the list says which ones must have met a real program. The loop over every bit of a recording is thinned out
# under the race detector, which makes a signature check cost a millisecond, and so are the 100 MB through a real
# terminal: they run in full without it.
source "$(dirname "${BASH_SOURCE[0]}")/../env.sh"
tests() {
  local status=0
  PAM_INTEROP=required go test -json -race -shuffle=on -count=1 -timeout=12m ./... || status=$?
  PAM_INTEROP=required go test -json -count=1 -timeout=3m -run '^(TestVerify_R5_S24_FlipEveryBit|TestOpenSSH_HundredMegabytesAreExact)$' ./recorder ./sshx || status=$?
  return "$status"
}
tests | tally go -interop .ci/interop.txt -out "$results/go.json"
