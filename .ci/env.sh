# Sourced by the scripts beside it: where things are, and the tools.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD
results=$root/.cache/test
bin=$root/.cache/bin
web=$root/toolbar/web
export NO_COLOR=1
mkdir -p "$results" "$bin"

# say prints a heading.
say() { printf '\n=== %s\n' "$*"; }

# tally runs the counter of test results.
tally() {
  go build -C "$root/.ci/tools" -o "$bin/tally" ./tally
  "$bin/tally" "$@"
}

# tool runs a pinned tool of .ci/tools on this module.
tool() { go tool -modfile="$root/.ci/tools/go.mod" "$@"; }
