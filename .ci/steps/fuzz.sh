#!/usr/bin/env bash
# Every fuzz target for a fixed number of executions: runs by time end at random with "context deadline exceeded".
exec "$(dirname "${BASH_SOURCE[0]}")/../fuzz.sh" "${FUZZCOUNT:-3000x}"
