#!/usr/bin/env bash
# Everything that reads code without running it.
source "$(dirname "${BASH_SOURCE[0]}")/../env.sh"
failed=0
check() {
  local name=$1
  echo "--- $1"
  shift
  if ! "$@" 2>&1 | tee "$results/check.out"; then
    failed=1
    echo "$name: $(tail -n 3 "$results/check.out" | tr '\n' ' ')" >>"$results/check.faults"
  fi
}

unformatted() {
  local files
  files=$(git ls-files --cached --others --exclude-standard '*.go' | xargs -r go tool -modfile=.ci/tools/go.mod gofumpt -l) || return 1
  [ -z "$files" ] || { echo "gofumpt would change:"; echo "$files"; return 1; }
}

vet() { GOOS=$1 CGO_ENABLED=0 go vet ./...; }

shell_syntax() {
  local file
  for file in .ci/run .ci/*.sh .ci/steps/*.sh; do
    bash -n "$file" || return 1
    [ "$file" = .ci/env.sh ] || [ -x "$file" ] || { echo "$file is not executable"; return 1; }
  done
}

cd "$root"
check "shell scripts" shell_syntax
check "gofumpt" unformatted
check "go mod verify" go mod verify
check "go mod tidy" go mod tidy -diff
for os in linux darwin windows; do
  check "go vet, $os" vet "$os"
done
check "staticcheck" tool staticcheck ./...
check "go vet, tools" go vet -C .ci/tools ./...
check "tests of the tools" go test -C .ci/tools ./...
check "biome and tsc" npm --prefix "$web" run check
exit "$failed"
