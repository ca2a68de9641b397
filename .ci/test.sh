#!/usr/bin/env bash
# Runs every check and every test, in order of cost, goes on after a failure so that one run shows all of them, and
# ends with a table and "N passed, N failed". Names of steps as arguments run only these.
# shellcheck source=env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
steps=("$@")
if [ ${#steps[@]} = 0 ]; then
  steps=(install build check go fuzz bench web-unit web-e2e)
fi
rm -rf "$results"
mkdir -p "$results"
for step in "${steps[@]}"; do
  say "$step"
  start=$SECONDS
  status=0
  .ci/steps/"$step".sh || status=$?
  printf '%s\t%d\t%d\n' "$step" "$status" "$((SECONDS - start))" >>"$results/steps"
  if [ "$status" != 0 ]; then
    say "$step FAILED (status $status)"
    if [ "$step" = install ] || [ "$step" = build ]; then
      break # what comes next would fail for want of this
    fi
  fi
done
tally sum "$results"
