#!/usr/bin/env bash
# Runs every fuzz target for the time, or the number of executions ("3000x"), given as argument.
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
time=${1:?how long per target}
ran=0
for package in $(go list ./...); do
  targets=$(go test -list '^Fuzz' "$package" | awk '/^Fuzz/')
  for target in $targets; do
    say "$package $target"
    go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" "$package"
    ran=$((ran + 1))
  done
done
echo "$ran fuzz targets"
[ "$ran" -gt 0 ]
