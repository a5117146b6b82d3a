# Recipes of the project. `./just RECIPE` also installs what a recipe needs.

# One build for demo, tests and benchmarks: polars and torch-sys are compiled once.
flags := "--release --locked --features torch"
bin := env("CARGO_TARGET_DIR", "target") / "release"

# The trainer's version: the commit that last changed its sources, `-dirty` where the tree has others; nothing without git.
export TESSERA_GIT := `commit=$(git log -1 --abbrev=12 --format=%h -- src/lab src/record 2>/dev/null); git diff --quiet HEAD -- src/lab src/record 2>/dev/null || commit=${commit:+$commit-dirty}; echo "$commit"`

# List the recipes
default:
    @just --list --unsorted

# Build both binaries
build:
    cargo build {{flags}} --bins

# Run sweeps/demo.yaml: a grid on synthetic scenes, its figures and its page. `./just demo --set data.source=kyoto --set data.path=DIR` for real images
demo *arguments: build
    {{bin}}/tessera run sweeps/demo.yaml {{arguments}}

# Everything that must hold: formatting, lints, tests
test: lint
    cargo test {{flags}}

# The tests once more as other machines would run them: other instructions, threads, locales, users, paths, limits. `./just torture list` names the settings
torture *settings:
    tests/torture.sh {{settings}}

# Formatting and lints, warnings denied
lint:
    cargo fmt --check
    cargo clippy {{flags}} --all-targets -- --deny warnings

# Time training steps by each way to the log-determinants. `./just bench --threads 1 --only fused`
bench *arguments: build
    OMP_WAIT_POLICY=passive {{bin}}/tessera-lab bench {{arguments}}

# Time questions to a store of RUNS × ROWS × 15 metrics beside DuckDB and pandas (in FOLDER, deleted after). `./just bench-store python3 /tmp/bench 1000 100000`
bench-store python folder runs rows: build
    cargo bench --profile release --locked --features torch --bench store --no-run
    {{python}} benches/store.py {{bin}}/tessera "$(ls -t {{bin}}/deps/store-* | grep -v '[.]d$' | head -n 1)" {{folder}} {{runs}} {{rows}}

# What tessera adds to a run of a command, beside the same processes started by xargs (in FOLDER, made and deleted)
bench-commands folder: build
    benches/commands.sh {{bin}}/tessera {{folder}}

# How often the 95% interval of a mean holds the true mean, for normal and skewed data
bench-coverage:
    cargo bench --profile release --locked --features torch --bench coverage

# Write docs/cli.md and the man pages in docs/man from the commands
docs: build
    {{bin}}/tessera docs docs

# See Tessera on a GPU: correctness, times beside the lab's step in PyTorch, sharing, failures (docs/gpu.md). `./just gpu --python PYTHON --device cpu` tries the script
gpu *arguments: build
    benches/gpu.sh --bin {{bin}} {{arguments}}

# Format the sources
format:
    cargo fmt

# Install what the recipes need, and nothing else
setup:
    @echo "ready: $(cargo --version), libtorch in ${LIBTORCH:-your own PyTorch}"

# Which changes of a stage (`plan`, `spec`, …) no test notices: cargo-mutants changes a copy of the sources, one place at a time. `./just mutants plan --shard 0/4` tries a quarter
mutants stage *arguments:
    tests/mutants.sh {{stage}} {{arguments}}

# Which dependencies no source names, by cargo-machete (`cargo install cargo-machete`)
dependencies:
    cargo machete
