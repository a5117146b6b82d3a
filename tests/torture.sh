#!/usr/bin/env bash
# `./just torture [SETTING ...]`: the tests once more in settings that other machines have: other vector instructions, other threads,
# locales, time zones, users, paths, limits. A line a setting; what this machine cannot do is skipped, and says so.
# What fails leaves its output in a file that the line names; `SETTING` runs the named ones alone, `list` names them.
set -u
cd "$(dirname "$0")/.."
flags=(--release --locked --features torch)
out=$(mktemp -d)
passed=0 failed=0 skipped=0

built=$(cargo test "${flags[@]}" --no-run 2>&1) || { echo "$built"; exit 1; }
executables() { sed -n 's/^ *Executable .*(\(.*\))$/\1/p' <<<"$built"; }
absolute() { case $1 in /*) echo "$1" ;; *) echo "$PWD/$1" ;; esac; }
all=() numbers=()
while read -r file; do
  file=$(absolute "$file")
  all+=("$file")
  case $file in */tessera_lab-*) numbers+=("$file") ;; esac
done < <(executables)

wanted=("$@")
want() { [ ${#wanted[@]} = 0 ] && return 0; local w; for w in "${wanted[@]}"; do [ "$w" = "$1" ] && return 0; done; return 1; }
list=; [ "${1:-}" = list ] && list=1

# setting NAME WHAT COMMAND...: runs each test binary of WHAT (`numbers`: the lab's own, `all`) through COMMAND.
setting() {
  local name=$1 what=$2 file log binaries; shift 2
  if [ -n "$list" ]; then echo "$name"; return; fi
  want "$name" || return 0
  if [ "$what" = numbers ]; then binaries=("${numbers[@]}"); else binaries=("${all[@]}"); fi
  log="$out/$name.log"
  for file in "${binaries[@]}"; do
    if ! "$@" "$file" --quiet >>"$log" 2>&1 </dev/null; then
      failed=$((failed + 1)); echo "FAILED   $name: $log"; grep -E '^test .*FAILED|^    [a-z_:]+$' "$log" | head -n 8; return
    fi
  done
  passed=$((passed + 1)); echo "passed   $name"
}
skip() { if [ -n "$list" ]; then echo "$1"; elif want "$1"; then skipped=$((skipped + 1)); echo "skipped  $1: $2"; fi; }
has() { command -v "$1" >/dev/null; }

for threads in 1 2; do
  setting "threads-$threads" numbers env RAYON_NUM_THREADS=$threads OMP_NUM_THREADS=$threads MKL_NUM_THREADS=$threads
  setting "test-threads-$threads" numbers env RUST_TEST_THREADS=$threads
done
for instructions in default avx2 avx512; do setting "aten-$instructions" numbers env ATEN_CPU_CAPABILITY=$instructions; done
for instructions in SSE4_2 AVX2 AVX512; do setting "mkl-$instructions" numbers env MKL_ENABLE_INSTRUCTIONS=$instructions; done
for branch in COMPATIBLE AVX2 AVX512; do setting "mkl-cbwr-$branch" numbers env MKL_CBWR=$branch; done
# Emulated processors are slow: what is judged by rank, and the golden files.
if has qemu-x86_64; then
  for processor in Nehalem Haswell; do
    setting "qemu-$processor" numbers sh -c 'exec qemu-x86_64 -cpu "$0" "$@" what_is_wrong_with_data rank golden' "$processor"
  done
else
  for processor in Nehalem Haswell; do skip "qemu-$processor" "qemu-x86_64 is not installed (package qemu-user)"; done
fi

setting locale all env LC_ALL=tr_TR.UTF-8 LANG=tr_TR.UTF-8
setting time-zone all env TZ=Pacific/Apia
setting umask all sh -c 'umask 077; exec "$@"' sh
setting no-home all env -u HOME
# Browsers and Slurm's own daemons need more files than that.
setting open-files all sh -c 'ulimit -n 64; exec "$@" --skip browser:: --skip slurm_' sh
if [ -w /dev/shm ]; then
  mkdir -p "/dev/shm/tessera-$$"
  setting tmpfs all env TMPDIR="/dev/shm/tessera-$$"
  rm -rf "/dev/shm/tessera-$$"
else skip tmpfs "/dev/shm cannot be written"; fi
if [ "$(id -u)" = 0 ] && has setpriv; then
  mkdir -p "$out/of-another" && chmod 0777 "$out/of-another" && chmod 0755 "$out"
  # It may read what root built, and write nothing of root's.
  setting another-user all env TMPDIR="$out/of-another" HOME="$out/of-another" setpriv --reuid=65534 --regid=65534 --clear-groups \
    --inh-caps=-all,+dac_read_search --ambient-caps=-all,+dac_read_search
elif [ "$(id -u)" = 0 ]; then skip another-user "setpriv is not installed"
else setting another-user all env; fi
if [ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null; then
  setting read-only-tree all unshare -m sh -c 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && cd "$0" && exec "$@"' "$PWD"
else skip read-only-tree "only root can mount the tree read-only"; fi
if has stress-ng; then
  setting stress all sh -c 'stress-ng --quiet --cpu 2 & beside=$!; "$@"; code=$?; kill $beside; exit $code' sh
else skip stress "stress-ng is not installed"; fi
# The paths that tests know are those of their build: a clone in another place builds the package again.
if [ -n "$list" ]; then echo path; elif want path; then
  clone="$out/ein Pfad mit Lücken é"
  git clone --quiet . "$clone" && if (cd "$clone" && cargo test "${flags[@]}" --quiet >"$out/path.log" 2>&1 </dev/null); then
    passed=$((passed + 1)); echo "passed   path"
  else failed=$((failed + 1)); echo "FAILED   path: $out/path.log"; fi
fi

[ -n "$list" ] && exit 0
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && rm -rf "$out"
[ "$failed" = 0 ]
