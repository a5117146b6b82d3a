#!/bin/bash
# Everything of Tessera that needs a GPU, seen on one, in at most eight minutes: `./just gpu`, or on a bare machine
#   benches/gpu.sh [--device cuda|cpu] [--bin DIR] [--python PYTHON] [--kyoto DIR] [--out DIR] [--limit SECONDS] [--only PART]...
# DIR of --bin has tessera and tessera-lab, or both packed (.xz); PYTHON has PyTorch 2.11. Needs beside itself: benches/*.py, sweeps, tests/golden.
# Each part writes its file below --out at once, and a line in table.txt; after a failure the next part goes on.
# `--device cpu` tries the script itself: small models on cores, and where only the driver matters a GPU that is faked
# (benches/fake_nvml.c, needs cc). Its times say nothing of a GPU.
set -uo pipefail
here=$(realpath "$(dirname "$0")/..")
device=cuda bin=$here/target/release python=python3 kyoto= out=$PWD/gpu-results limit=480 only=()
while (($#)); do
  case $1 in
    --device) device=$2 ;; --bin) bin=$2 ;; --python) python=$2 ;; --kyoto) kyoto=$2 ;; --out) out=$2 ;;
    --limit) limit=$2 ;; --only) only+=("$2") ;;
    *) sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
  esac
  shift 2 || { echo "error: $1 needs a value" >&2; exit 2; }
done
case $device in cuda | cpu) ;; *) echo "error: --device $device: cuda or cpu" >&2; exit 2 ;; esac
for program in "$bin/tessera" "$bin/tessera-lab"; do
  # On a bare machine they come packed, and xz need not be there.
  if [ ! -e "$program" ] && [ -e "$program.xz" ]; then
    "$python" -c 'import lzma, shutil, sys; shutil.copyfileobj(lzma.open(sys.argv[1]), open(sys.argv[2], "wb"))' "$program.xz" "$program" &&
      chmod +x "$program"
  fi
  [ -x "$program" ] || { echo "error: $program is not there; \`./just build\` builds it, --bin DIR says where it is" >&2; exit 2; }
done
torch=$("$python" -c 'import torch, pathlib; print(pathlib.Path(torch.__file__).parent)') ||
  { echo "error: $python has no PyTorch; --python PYTHON names one that has" >&2; exit 2; }
bin=$(realpath "$bin"); kyoto=${kyoto:+$(realpath "$kyoto")}
export LD_LIBRARY_PATH=$torch/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} PATH=$bin:$PATH
mkdir -p "$out" && out=$(realpath "$out") && work=$(mktemp -d) && cd "$work" || exit 2
end() { local jobs; jobs=$(jobs -p); [ -z "$jobs" ] || kill $jobs 2>/dev/null; cd /; rm -rf "$work"; }
trap end EXIT
export TESSERA_RESULTS=$work/results
began=$SECONDS failed=0
hold="$python $here/benches/gpu_hold.py --device $device"
: >"$out/table.txt"

on_cpu() { [ "$device" = cpu ]; }
# Others may hold this machine's cores; a try of the script shares them.
on_cpu && export TESSERA_RESERVATIONS=
left() { echo $((limit - SECONDS + began)); }
say() { printf '%-12s %-5s %4d s  %s\n' "$@" | tee -a "$out/table.txt"; }

# part NAME SECONDS: runs the function of that name in a shell of its own, no longer than that or than is left. What it prints
# is its file; what it writes to descriptor 3 is its line of the table.
part() {
  local name=$1 most=$2 since=$SECONDS code
  [ ${#only[@]} = 0 ] || [[ " ${only[*]} " == *" $name "* ]] || return 0
  (($(left) < most)) && most=$(left)
  if ((most < 5)); then say "$name" skip 0 "no time was left"; failed=1; return; fi
  ("$name") >"$out/$name.txt" 2>&1 3>"$work/line" &
  local pid=$! watch
  (sleep "$most" && touch "$work/late" && tree "$pid" | xargs -r kill) 2>/dev/null & watch=$!
  wait "$pid"; code=$?
  tree "$watch" | xargs -r kill 2>/dev/null; wait "$watch" 2>/dev/null
  if [ -e "$work/late" ]; then rm "$work/late"; code=124; echo "longer than $most s" >>"$work/line"; fi
  ((code == 0)) || failed=1
  say "$name" "$([ $code = 0 ] && echo ok || echo FAIL)" $((SECONDS - since)) "$(paste -sd ';' "$work/line" | sed 's/;/; /g')"
}
tree() { local child; for child in $(cat /proc/"$1"/task/*/children 2>/dev/null); do tree "$child"; done; echo "$1"; }
line() { echo "$*" | tee -a /dev/fd/3; }
fault() { line "FAULT: $*"; exit 1; }
# until_ SECONDS COMMAND...: whether it succeeds within that time.
until_() { local last=$((SECONDS + $1)); shift; until "$@"; do ((SECONDS < last)) || return 1; sleep 0.2; done; }

# The driver's view: MiB in use. Without a GPU, a fake one.
with_driver() {
  on_cpu || return 0
  mkdir -p "$work/nvml" "$work/held"
  [ -e "$work/nvml/libnvidia-ml.so.1" ] ||
    cc -shared -fPIC -o "$work/nvml/libnvidia-ml.so.1" "$here/benches/fake_nvml.c" || fault "cc cannot compile fake_nvml.c"
  export FAKE_GPU=$work/held LD_LIBRARY_PATH=$work/nvml:$LD_LIBRARY_PATH
}
used() {
  if on_cpu; then
    local sum=0 file
    for file in "$FAKE_GPU"/*; do [ -d "/proc/${file##*/}" ] && sum=$((sum + $(cat "$file"))); done
    echo $((sum >> 20))
  else nvidia-smi --query-gpu=memory.used --format=csv,noheader,nounits | head -n 1; fi
}
total() { on_cpu && echo 81920 || nvidia-smi --query-gpu=memory.total --format=csv,noheader,nounits | head -n 1; }
is_above() { (($(used) > $1)); }
is_below() { (($(used) < $1)); }
sql() { tessera query "$1" --format csv | tail -n +2; }

doctor() {
  with_driver
  tessera doctor || true
  on_cpu || nvidia-smi
  local gpu uuid
  gpu=$(tessera doctor | grep -m 1 -w gpu) || fault "tessera doctor sees no GPU"
  uuid=$(grep -o 'GPU-[0-9a-f-]*' <<<"$gpu")
  line "$(sed 's/^ok gpu *//' <<<"$gpu")"
  command_sweep visible 'gpu: 1' 'mib: [1], seconds: [0]'
  for visible in 0 "$uuid"; do
    CUDA_VISIBLE_DEVICES=$visible tessera run visible.yaml || fault "CUDA_VISIBLE_DEVICES=$visible: the run failed"
    [ "$(sql "SELECT device FROM runs WHERE sweep = 'visible'")" = "$uuid" ] || fault "CUDA_VISIBLE_DEVICES=$visible: not on $uuid"
    tessera remove visible --yes 2>/dev/null || rm -rf "$TESSERA_RESULTS/visible"
  done
  line "CUDA_VISIBLE_DEVICES by index and by UUID: the run is on that GPU"
}

# command_sweep NAME RESOURCES ZIP: runs that take memory for some seconds.
command_sweep() {
  cat >"$1.yaml" <<END
sweep: $1
command: $hold --dir {run.dir} {args}
metric: {name: held, goal: max, reduce: last}
resources: {$2}
on_failure: {oom: retry_alone}
zip: [{$3}]
END
}

# lab_sweep NAME STEPS RESOURCES REST...: the lab's size on a GPU, a small one on cores.
lab_sweep() {
  local name=$1 steps=$2 resources=$3 size='neurons: 300, colors: 3, kernel_size: 18' samples=20000
  shift 3
  on_cpu && size='neurons: 16, colors: 1, kernel_size: 8' samples=2000
  cat >"$name.yaml" <<END
sweep: $name
trainer: retina
metric: {name: kl, goal: max, reduce: mean_last 5%}
base: {$size, iterations: $steps, data.covariance_samples: $samples, checkpoint.every: 0, record.every: 10}
resources: {$resources}
$(printf '%s\n' "$@")
END
}

golden() {
  tessera-lab check --device "$device" "$here/tests/golden"; local code=$?
  "$python" "$here/benches/reference_step.py" --device "$device" --check "$here/tests/golden" || fault "the reference is not the lab's step"
  [ $code = 0 ] || fault "golden numbers differ: see golden.txt"
  line "all golden files agree in double and single precision; so does the reference"
}

step() {
  local way rounds=30; on_cpu && rounds=1
  "$python" "$here/benches/reference_step.py" --device "$device" --steps "$rounds" | tee reference.txt
  for way in autograd_cholesky fused lu eigen; do
    local n=$rounds; [ "$way" = eigen ] && ! on_cpu && n=2
    timeout 60 tessera-lab bench --device "$device" --rounds "$n" --only "$way" >"$way.txt" 2>&1 &
    local pid=$! peak=0 now
    while kill -0 "$pid" 2>/dev/null; do
      on_cpu || { now=$(used); ((now > peak)) && peak=$now; }
      sleep 0.3
    done
    wait "$pid" || echo "$way: no result (60 s, or a fault)"
    cat "$way.txt"
    on_cpu || echo "$way: at most $peak MiB of the GPU in use (driver, all processes, context included)"
  done
  local neurons
  for neurons in 100 300; do
    local reference fused
    reference=$(awk -v n=$neurons '$1 == n {print $5}' reference.txt)
    fused=$(awk -v n=$neurons '$1 == n {print $5}' fused.txt)
    [ -n "$reference" ] && [ -n "$fused" ] || fault "J=$neurons: no time of fused or of the reference"
    line "J=$neurons: reference $reference ms, fused $fused ms a step, $(awk "BEGIN{printf \"%.1f\", $reference / $fused}") times"
  done
}

# Steps a second of all runs together, while all of them train; runs are stopped after.
packed() {
  on_cpu || with_driver
  local n base= rate
  for n in 1 2 4 8; do
    on_cpu && ((n > 2)) && continue
    ((n == 8)) && (($(left) < 240)) && { line "8 runs: no time"; continue; }
    local share; share=$(awk "BEGIN{print 1 / $n}")
    lab_sweep "packed_$n" 100000000 "gpu: $share" "seeds: $n"
    tessera run "packed_$n.yaml" --slots "$n" & local pid=$!
    local wait=60; on_cpu && wait=30
    until_ $wait training "packed_$n" "$n" || line "$n runs: not all train after $wait s"
    sleep 8
    kill -INT "$pid"; wait "$pid"
    tessera query "SELECT h.run AS run, h.step AS step, h.elapsed AS elapsed, r.started AS started FROM history h JOIN runs r ON h.run = r.run AND h.sweep = r.sweep WHERE h.sweep = 'packed_$n'" --format csv >packed.csv
    rate=$("$python" - packed.csv "$n" <<'END'
import csv, datetime, sys
runs = {}
for row in csv.DictReader(open(sys.argv[1])):
    started = row["started"].replace("Z", "+00:00").replace(" UTC", "+00:00")
    at = datetime.datetime.fromisoformat(started).timestamp() + float(row["elapsed"])
    runs.setdefault(row["run"], []).append((at, int(row["step"])))
if len(runs) != int(sys.argv[2]):
    sys.exit(f"{len(runs)} of {sys.argv[2]} runs have numbers")
for rows in runs.values():
    rows.sort()
begin, end = max(rows[0][0] for rows in runs.values()), min(rows[-1][0] for rows in runs.values())
inside = [[row for row in rows if begin <= row[0] <= end] for rows in runs.values()]
if end - begin < 2 or any(len(rows) < 2 for rows in inside):
    sys.exit("the runs did not train at the same time for two seconds")
print(f"{sum((rows[-1][1] - rows[0][1]) / (rows[-1][0] - rows[0][0]) for rows in inside):.1f}")
END
    ) || { line "$n runs: no rate ($rate)"; continue; }
    base=${base:-$rate}
    line "$n at once: $rate steps/s together ($(awk "BEGIN{printf \"%.2f\", $rate / $base}")), $(awk "BEGIN{printf \"%.1f\", $rate * 3600 / 100000}") runs of 100,000 steps an hour"
  done
  [ -n "$base" ] || fault "no rate at all"
}
# training SWEEP N: whether so many of its runs have numbers.
training() { [ "$(sql "SELECT count(*) AS n FROM (SELECT DISTINCT run FROM history WHERE sweep = '$1') AS t" 2>/dev/null)" = "$2" ]; }

# A worker takes runs of its own memory class alone: two sizes on one slot are two workers.
replaced() {
  with_driver
  lab_sweep replaced 50 'gpu: 1' 'grid: {batch_size: [32, 64]}' 'seeds: 2'
  # The toy computes on no GPU, so it runs on one that is faked.
  on_cpu && printf '%s\n' 'sweep: replaced' 'trainer: toy' 'metric: {name: arrived, goal: max, reduce: last}' 'resources: {gpu: 1}' \
    'grid: {x1: [0, 1], iterations: [100, 200]}' >replaced.yaml
  tessera run replaced.yaml --slots 1 || fault "the sweep failed"
  local workers; workers=$(cat "$TESSERA_RESULTS"/replaced/journal/*.jsonl | grep '"started"' | grep -o '"pid":[0-9]*' | sort -u | wc -l)
  [ "$workers" = 2 ] || fault "4 runs of two memory classes on $workers workers, not on 2"
  line "4 runs of two memory classes on one slot: 2 workers"
}

settling() {
  with_driver
  local part=$(($(total) / 10))
  command_sweep settling 'gpu: 0.5' "mib: [$part, $((part + 1))], seconds: [12, 2]"
  tessera run settling.yaml || fault "the sweep failed"
  local waited; waited=$(journal settling started | awk 'NR == 1 {a = $1} NR == 2 {printf "%.1f", $1 - a}')
  awk "BEGIN{exit !($waited >= 2)}" || fault "the second start waited $waited s only: memory cannot have settled"
  line "the second start waited ${waited} s for the first one's memory"
}
# journal SWEEP FACT: unix times.
journal() { cat "$TESSERA_RESULTS/$1"/journal/*.jsonl | grep "\"fact\":\"$2\"" | grep -o '"time":[0-9.]*' | cut -d: -f2 | sort -n; }

foreign() {
  with_driver
  $hold --mib 20480 --seconds 100 & local other=$!
  until_ 30 is_above 20000 || fault "the foreign process took no memory"
  command_sweep foreign 'gpu: 1' 'mib: [100], seconds: [1]'
  tessera run foreign.yaml & local pid=$!
  sleep 6
  local run why; run=$(tessera query "SELECT run FROM runs WHERE sweep = 'foreign'" --format csv | tail -n 1)
  why=$(tessera status foreign --why "$run") || true
  [ -z "$(journal foreign started)" ] || fault "a run was started beside the foreign process"
  grep -q 'somebody else works on it' <<<"$why" || fault "it does not say why it waits: $why"
  kill "$other"; wait "$other" 2>/dev/null
  local gone=$EPOCHREALTIME
  wait "$pid" || fault "the run failed after the GPU was free"
  line "left alone ($(grep -o '[0-9]* MiB of [^;(]*([^)]*)' <<<"$why" | head -n 1)); taken $(awk "BEGIN{printf \"%.1f\", $(journal foreign started | head -n 1) - $gone}") s after it was free"
}

memory() {
  with_driver
  local total; total=$(total)
  command_sweep memory 'gpu: 0.5' "mib: [$((total * 60 / 100)), $((total * 55 / 100))], seconds: [25, 1]"
  tessera run memory.yaml
  local failures; failures=$(cat "$TESSERA_RESULTS"/memory/journal/*.jsonl | grep '"failed"' | grep -o '"failure":"[a-z]*"' | sort | uniq -c | xargs)
  [ "$(sql "SELECT count(*) AS n FROM runs WHERE sweep = 'memory' AND status = 'finished'")" = 2 ] || fault "not both runs finished: $failures"
  grep -q oom <<<"$failures" || fault "no run was out of memory"
  line "out of memory ($failures), retried alone, both finished"
}

killed() {
  with_driver
  local before; before=$(used)
  command_sweep killed 'gpu: 1' 'mib: [2048], seconds: [100]'
  tessera run killed.yaml & local pid=$!
  until_ 30 is_above $((before + 2000)) || fault "the run took no memory"
  kill -9 "$pid"; wait "$pid" 2>/dev/null
  tessera doctor | grep 'left behind'
  until_ 10 is_below $((before + 500)) || fault "$(used) MiB are in use after the agent was killed ($before before)"
  line "a command: $(used) MiB in use after kill -9 and doctor, $before before"
  on_cpu || killed_lab "$before"
}
killed_lab() {
  lab_sweep killed_lab 100000000 'gpu: 1'
  tessera run killed_lab.yaml & local pid=$!
  until_ 60 training killed_lab 1 || fault "the lab's run does not train"
  kill -9 "$pid"; wait "$pid" 2>/dev/null
  until_ 20 is_below $(($1 + 300)) || fault "the lab's worker is still there: $(used) MiB in use"
  line "tessera-lab: $(used) MiB in use after kill -9, without doctor"
}

sweep() {
  local steps=300 since=$EPOCHREALTIME; on_cpu && steps=60
  local data=(); [ -z "$kyoto" ] || data=(--set data.source=kyoto --set "data.path=$kyoto")
  lab_sweep quick "$steps" 'gpu: 0.25' 'grid: {method: [lagrange, two_losses], fr_learning_rate: [1x, 0.1x]}' \
    'figures: [{kind: curve, y: kl, color: method, facet: fr_learning_rate}]'
  tessera run quick.yaml "${data[@]}" || fault "the sweep failed"
  local figures; figures=$(find "$TESSERA_RESULTS/quick/figures" -name '*.svg' | wc -l)
  ((figures > 0)) || fault "no figures"
  cp -r "$TESSERA_RESULTS/quick/figures" "$out/"
  line "4 cells of $steps steps, $figures figure: $(awk "BEGIN{printf \"%.1f\", $EPOCHREALTIME - $since}") s"
  tessera table quick --rows method --cols fr_learning_rate
}

part doctor 30
part golden 90
part step 150
part packed 200
part replaced 60
part settling 60
part foreign 60
part memory 90
part killed 100
part sweep 120
echo "$((SECONDS - began)) s on $device; results in $out"
exit $failed
