#!/bin/bash
# What tessera adds to a run of a command: 2,000 runs of one that only writes a line of metrics, beside the same
# processes started by xargs, in turn. `benches/commands.sh TESSERA FOLDER [RUNS]`; FOLDER is made and deleted.
set -euo pipefail
tessera=$(realpath "$1") runs=${3:-2000}
export TESSERA_RESERVATIONS=
mkdir "$2"
cd "$2"
trap 'rm -rf "$PWD"' EXIT

script='printf "step,loss\n0,1\n" > "$0/metrics.csv"'
cat >trivial.yaml <<END
sweep: trivial
command: sh -c '$script' {run.dir}
metric: {name: loss, goal: min, reduce: last}
grid: {x: {range: [1, $runs]}}
END
cores=$(nproc)
seconds() { # what a command takes: wall, user, system; of itself and all that it waited for
  local TIMEFORMAT='%R %U %S'
  { time "$@" >/dev/null 2>said; } 2>&1 || { cat said; exit 1; }
}
bare() { seq "$runs" | xargs -P "$cores" -I{} sh -c "$script" bare/{}; }

for _ in 1 2 3; do
  rm -rf bare results
  seq -f 'bare/%g' "$runs" | xargs mkdir -p
  alone=$(seconds bare)
  with=$(seconds "$tessera" run trivial.yaml --slots "$cores")
  # The page is drawn after the last run; the sweep itself says how long the runs took.
  swept=$(sed -n 's/^trivial: .* done in \([0-9.]*\) s$/\1/p' said)
  awk -v n="$runs" -v a="$alone" -v w="$with" -v s="$swept" 'BEGIN {
    split(a, x, " "); split(w, y, " ")
    printf "ms a run: alone %.2f (CPU %.2f), tessera %.2f (CPU %.2f, with the page), added %.2f\n",
      1e3*x[1]/n, 1e3*(x[2]+x[3])/n, 1e3*s/n, 1e3*(y[2]+y[3])/n, 1e3*(s-x[1])/n }'
done
