#!/usr/bin/env bash
# Only the tests that talk to real programs, by .ci/interop.txt.
source "$(dirname "${BASH_SOURCE[0]}")/../env.sh"
status=0
: >"$results/interop.events"
packages=$(sed 's/#.*//' .ci/interop.txt | awk 'NF {print $1}' | sort -u)
for package in $packages; do
  tests=$(sed 's/#.*//' .ci/interop.txt | awk -v p="$package" '$1 == p {print $2}' | paste -sd'|')
  PAM_INTEROP=required go test -json -race -count=1 -timeout=12m -run "^($tests)\$" "$package" >>"$results/interop.events" || status=$?
done
tally go -interop .ci/interop.txt -only -out "$results/interop.json" <"$results/interop.events"
exit "$status"
