#!/usr/bin/env bash
# Mutation tests of one stage: cargo-mutants changes a copy of the sources, one place at a time, and the tests of that stage
# are run on each. What is missed or timed out is listed at the end and in mutants.out/. Not a part of CI: a mutant takes
# ten seconds or more. The package alone is built without optimisation; its dependencies are those of every other recipe.
set -euo pipefail
cd "$(dirname "$0")/.."

stage=${1:?a stage: record, spec, plan, schedule, presence, pickup, analyse}
shift
# The tests of a stage: those in its files, and those below tests/ that are about it.
case $stage in
    record) tests="record:: format:: foreign_bytes:: release::" ;;
    spec) tests="spec:: sweeps:: command:: plan:: foreign_bytes::" ;;
    plan) tests="plan:: sweeps:: spec::" ;;
    schedule) tests="schedule:: run::" ;;
    presence) tests="presence:: run:: killed::" ;;
    pickup) tests="pickup:: run_command:: import:: foreign_bytes::" ;;
    analyse) tests="analyse:: query:: account:: values::" ;;
    *) tests="" ;;
esac
command -v cargo-mutants >/dev/null || cargo install --locked cargo-mutants

export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target} CARGO_INCREMENTAL=1
# shellcheck disable=SC2086 # words of $tests are arguments of their own
exec cargo mutants --profile release --features torch --no-shuffle --timeout 300 --colors never \
    --cargo-arg=--locked --cargo-arg=--config=profile.release.package.tessera.opt-level=0 \
    --file "src/$stage/**" "$@" -- --lib --test tests -- $tests
