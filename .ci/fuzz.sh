#!/usr/bin/env bash
# Runs every fuzz target for the time, or the number of executions ("3000x"), given as argument. Finds go to
# testdata/fuzz beside the target: commit them, plain `go test` replays them from then on.
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
time=${1:?how long per target}
ran=0
while IFS=: read -r file target; do
  package=./$(dirname "$file")
  limit=$time
  # One that makes a whole world of policy for each execution takes as long as all others together.
  if [ "$target" = FuzzEngine_S10_World ] && [[ $time == *x ]]; then
    limit=$((${time%x} / 10))x
  fi
  say "$package $target, $limit"
  if ! go test -run '^$' -fuzz "^$target\$" -fuzztime "$limit" "$package" 2>&1 | tee "$results/fuzz.out"; then
    echo "$package $target: $(grep -vE '^(fuzz: elapsed|FAIL|exit status|$)' "$results/fuzz.out" | tail -n 8 | tr '\n' ' ')" >>"$results/fuzz.faults"
    exit 1
  fi
  ran=$((ran + 1))
done < <(git grep --untracked -oE '^func Fuzz\w+' -- '*_test.go' | sed 's/:func /:/')
echo "$ran fuzz targets"
[ "$ran" -gt 0 ]
