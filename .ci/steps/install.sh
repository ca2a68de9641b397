#!/usr/bin/env bash
# Installs what the tests need.
source "$(dirname "${BASH_SOURCE[0]}")/../env.sh"
for program in go node npm; do
  command -v "$program" >/dev/null || { echo "$program is missing: install Go (see go.mod for the version) and Node 20 or later first" >&2; exit 1; }
done
.ci/install.sh
