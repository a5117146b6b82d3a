"""Asks a generated store the questions of a week, and DuckDB and pandas the same ones; prints seconds and memory.

usage: store.py TESSERA GENERATOR FOLDER RUNS ROWS [METRICS]

DuckDB and pandas (with pyarrow) must be installed for this Python; pandas gets only the columns of the question.
A folder that is there already is asked as it is and stays; else it is made, and deleted at the end.
"""

import os
import shutil
import subprocess
import sys
import threading
import time


def timed(name, command):
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    cores = (usage.ru_utime + usage.ru_stime) / seconds
    verdict = "" if status == 0 else "   FAILED"
    print(f"{name:<58}{seconds:8.2f} s {cores:5.1f} cores {usage.ru_maxrss / 1024:8.0f} MiB{verdict}", flush=True)


def gib(folder):
    return sum(os.path.getsize(os.path.join(d, f)) for d, _, fs in os.walk(folder) for f in fs) / 2**30


def largest_while(folder, work):
    """Does the work, and prints how large the folder was at most meanwhile."""
    done = threading.Event()
    largest = [0.0]

    def watch():
        while not done.wait(1):
            try:
                largest[0] = max(largest[0], gib(folder))
            except FileNotFoundError:
                pass  # A segment that was taken in between the listing and the look at its size.

    watcher = threading.Thread(target=watch)
    watcher.start()
    work()
    done.set()
    watcher.join()
    print(f"largest on disk meanwhile: {largest[0]:.2f} GiB", flush=True)


def main():
    tessera, generator, folder, runs, rows = sys.argv[1:6]
    metrics = sys.argv[6] if len(sys.argv) > 6 else "15"
    print(f"{runs} runs x {rows} rows x {metrics} metrics on {os.cpu_count()} cores")
    if os.path.isdir(folder):
        return ask(tessera, folder)
    os.makedirs(folder)
    try:
        timed("generate (through the writer)", [generator, folder, runs, rows, metrics])
        print(f"segments: {len(os.listdir(os.path.join(folder, 'bench', 'segments')))}")
        compact = [tessera, "compact", "bench", "--results", folder]
        largest_while(folder, lambda: timed("tessera compact, the whole store", compact))
        ask(tessera, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def ask(tessera, folder):
    at = ["--results", folder]
    print(f"on disk: {gib(folder):.2f} GiB")
    axes = ["--rows", "method", "--cols", "fr_learning_rate", "--format", "csv"]
    table = [tessera, "table", "bench", *axes, *at]
    timed("tessera table (summaries known)", table)
    timed("tessera table --reduce max (reads every row)", [*table, "--reduce", "max"])
    timed("tessera table of the mean of the last 10%", [*table, "--reduce", "mean_last 10%"])
    ask_one = [tessera, "query", "SELECT run FROM runs LIMIT 1", "--format", "csv", *at]
    one = subprocess.run(ask_one, capture_output=True, text=True, check=True).stdout.split()[1]
    curve = f"SELECT step, kl FROM history WHERE run = '{one}' ORDER BY step"
    both = "SELECT avg(kl) AS a, max(metric_1) AS b FROM history WHERE step > 2"
    timed("tessera query: one run's curve", [tessera, "query", curve, "--out", f"{folder}/answer.parquet", *at])
    timed("tessera query: two columns of all rows", [tessera, "query", both, *at])
    history = "SELECT run, step, kl FROM history"
    timed("tessera query: three columns as Parquet into a pipe", [tessera, "query", history, "--format", "parquet", *at])
    files = f"'{folder}/bench/history/*.parquet'"
    duck = "import duckdb, sys; duckdb.execute('SET threads=2'); print(len(duckdb.sql(sys.argv[1]).fetchnumpy()))"
    pivot = (
        f"SELECT r.method, r.fr_learning_rate, avg(m) FROM (SELECT run, max(kl) AS m FROM {files} GROUP BY run) h "
        f"JOIN '{folder}/bench/runs.parquet' r USING (run) GROUP BY ALL"
    )
    timed("DuckDB: the table with max", [sys.executable, "-c", duck, pivot])
    timed("DuckDB: one run's curve", [sys.executable, "-c", duck, curve.replace("history", files)])
    timed("DuckDB: two columns of all rows", [sys.executable, "-c", duck, both.replace("history", files)])

    def pandas(name, arguments, answer):
        glob = f"sorted(__import__('glob').glob({files}))"
        code = f"import pandas as p; h = p.read_parquet({glob}, {arguments}); print({answer})"
        timed(name, [sys.executable, "-c", code])

    pandas("pandas: the table with max", "columns=['run', 'kl']", "h.groupby('run').kl.max().mean()")
    pandas("pandas: one run's curve", f"columns=['step', 'kl'], filters=[('run', '==', '{one}')]", "len(h)")
    last = "(h.kl[h.step > 2].mean(), h.metric_1[h.step > 2].max())"
    pandas("pandas: two columns of all rows", "columns=['step', 'kl', 'metric_1']", last)


main()
