#!/usr/bin/env python3
"""A worker that speaks the protocol of built-in trainers and misbehaves on request: what it does with a run is in the
run's parameter `act`; `steps` and `pause` (seconds a step) say how long it takes."""

import json
import os
import queue
import signal
import struct
import sys
import threading
import time

requests = queue.Queue()


def read():
    for line in sys.stdin:
        requests.put(json.loads(line))
    requests.put(None)


def say(**answer):
    print(json.dumps(answer), flush=True)


def arrays(path):
    header = json.dumps({"gain": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).encode()
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(header)) + header + struct.pack("<2f", 1.0, 2.0))


def train(job, stop):
    run, parameters = job["run"], job["parameters"]
    act = parameters.get("act", "finish")
    steps, pause = int(parameters.get("steps", 1)), float(parameters.get("pause", 0))
    say(event="started", run=run)
    print(f"this is run {run}", file=sys.stderr, flush=True)
    first = job["resume"]["step"] if job.get("resume") else 0
    if act == "die" or (act == "die once" and job["attempt"] == 1):
        print("about to die", file=sys.stderr, flush=True)
        os._exit(7)
    if act == "leave":
        os._exit(0)
    if act == "segfault":
        os.kill(os.getpid(), signal.SIGSEGV)
    if act == "freeze":
        os.kill(os.getpid(), signal.SIGSTOP)
    if act == "out of memory" or (act == "out of memory once" and job["attempt"] == 1):
        say(event="failed", run=run, failure="oom", message="out of memory")
        return
    if act == "garbage":
        print("this is no JSON", flush=True)
        time.sleep(60)
    if act == "steal":
        say(event="arrays", run=run, step=0, file="../../../secret")
        time.sleep(60)
    block = bytearray(200 << 20) if act == "memory" else b""
    while act == "hang":
        time.sleep(0.01)
    for step in range(first, steps):
        stopped = stop()
        if stopped and act != "ignore stop":
            os.makedirs(job["checkpoints"], exist_ok=True)
            open(os.path.join(job["checkpoints"], f"step-{step}.safetensors"), "w").close()
            say(event="checkpoint", run=run, step=step, file=f"step-{step}.safetensors")
            say(event="stopped", run=run, step=step)
            return
        time.sleep(pause)
        metrics = {"other" if act == "no metric" else "kl": [float(step)]}
        say(event="history", run=run, step=[step + 1], elapsed=[step * pause], metrics=metrics)
    if act == "arrays":
        arrays(os.path.join(job["dir"], "a.safetensors"))
        say(event="arrays", run=run, step=steps, file="a.safetensors")
    del block
    if act == "diverge":
        say(event="finished", run=run, outcome="diverged", step=steps, quantity="kl")
    else:
        say(event="finished", run=run, outcome="done")


def main():
    if "refuse" in sys.argv[0]:
        sys.exit("no libtorch here")
    say(event="ready", protocol=99 if "old" in sys.argv[0] else 1, trainer="fake", version="v1", libtorch="", device="cpu")
    threading.Thread(target=read, daemon=True).start()
    dropped = False

    def stop():
        nonlocal dropped
        if not requests.empty() and (request := requests.queue[0]) is not None and request["do"] == "stop":
            requests.get()
            dropped = True
        return dropped

    while (request := requests.get()) is not None:
        dropped = False
        for job in request.get("runs", []):
            if not dropped:
                train(job, stop)


main()
