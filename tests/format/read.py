"""Reads a sweep's journals as docs/format.md specifies them, with nothing but the standard library: each run's status,
newest attempt, parameters and the attempts that its history is made of, as JSON."""

import json
import pathlib
import sys

FIXED = {"finished", "failed", "stopped"}


def facts(folder):
    for path in sorted((folder / "journal").glob("*.jsonl")):
        lines = path.read_bytes().split(b"\n")[:-1]
        header = json.loads(lines[0])
        assert header["journal"] == 1, path
        for line in lines[1:]:
            yield json.loads(line)


def read(folder):
    plans, attempts, void = [], {}, {}
    for fact in facts(folder):
        kind = fact["fact"]
        if kind == "planned":
            plans.append(fact)
        elif kind == "void":
            void[fact["run"]] = max(void.get(fact["run"], 0), fact["attempt"])
        elif kind == "started":
            attempts.setdefault(fact["run"], {}).setdefault(fact["attempt"], {})["started"] = fact
        elif kind in FIXED:
            end = attempts.setdefault(fact["run"], {}).setdefault(fact["attempt"], {})
            if fact.get("failure") == "lost" and "end" in end:
                continue
            end["end"] = fact
    current = max(plans, key=lambda plan: plan["time"])
    found = {}
    for planned in current["runs"]:
        run = planned["run"]
        own = {n: a for n, a in attempts.get(run, {}).items() if n > void.get(run, 0)}
        lineage, number = [], max(own, default=None)
        below = None
        while number is not None:
            lineage.append([number, below])
            resume = own.get(number, {}).get("started", {}).get("resume")
            number = None
            if resume and resume[0] < lineage[-1][0]:
                number, step = resume
                below = step if below is None else min(below, step)
        found[run] = {
            "status": status(own[max(own)]) if own else "planned",
            "attempt": max(own, default=0),
            "seed": planned["seed"],
            "parameters": {**current["common"], **planned.get("parameters", {})},
            "lineage": lineage,
        }
    return found


def status(attempt):
    end = attempt.get("end")
    if end is None:
        return "running"
    if end["fact"] == "finished":
        return "finished" if end["outcome"] == "done" else "diverged"
    return end["fact"]


if __name__ == "__main__":
    json.dump(read(pathlib.Path(sys.argv[1])), sys.stdout)
