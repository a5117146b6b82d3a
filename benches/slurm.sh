#!/bin/bash
# What a run costs on Slurm beside its own work: 5,000 runs of the toy in packed tasks, and a few tens of runs with a
# task each, on the loopback cluster. `benches/slurm.sh TESSERA FOLDER`; FOLDER is made, and its cluster taken down.
set -euo pipefail
tessera=$(realpath "$1") folder=$2 here=$(realpath "$(dirname "$0")/..")
mkdir -p "$folder"
folder=$(realpath "$folder")
cd "$folder"
export SLURM_LB_CPUS=${SLURM_LB_CPUS:-2} SLURM_LB_GPUS=0
eval "$("$here/tests/slurm/loopback.sh" up "$folder/lb")"
trap '"$here/tests/slurm/loopback.sh" down "$folder/lb"' EXIT

sweep() { # NAME X1 X2 SLURM
  cat >"$1.yaml" <<EOF
sweep: $1
trainer: toy
metric: {name: arrived, goal: max, reduce: last}
base: {iterations: 1000, record.every: 500}
grid:
  x1: {linear: [-3, 4], n: $2}
  x2: {linear: [-1, 4], n: $3}
slurm: {$4}
EOF
}

measure() { # NAME RUNS
  local began ended
  began=$EPOCHREALTIME
  "$tessera" run "$1.yaml" --on slurm 2>"$1.log" || { tail "$1.log"; exit 1; }
  # Until the last result, not until the page is drawn.
  ended=$(cat results/"$1"/journal/*.jsonl | sed -n 's/.*"fact":"finished","time":\([0-9.]*\).*/\1/p' | sort -n | tail -n 1)
  local done_; done_=$(cat results/"$1"/journal/*.jsonl | grep -c '"fact":"finished"')
  local tasks; tasks=$(squeue --noheader --all --array --states=all --format %j | grep -c "^$1-" || true)
  awk -v n="$2" -v d="$done_" -v t="$tasks" -v s="$(awk "BEGIN{print $ended-$began}")" -v name="$1" -v slots="$SLURM_LB_CPUS" \
    'BEGIN{printf "%-10s %5d runs, %5d results, %3d tasks: %7.1f s, %8.2f ms a run\n", name, n, d, t, s, 1000*s/n}'
}

sweep packed 50 100 ""
sweep two 50 100 "runs_per_task: 2500"
sweep single 6 5 "runs_per_task: 1"
measure packed 5000
measure two 5000
measure single 30
