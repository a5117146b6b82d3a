"""Reads a finished sweep by docs/format.md alone, with nothing but Python: `reader.py results/SWEEP`.

Prints one JSON object: the runs with their status, and the spans of rows that count. Whatever the page does not allow
ends the program.
"""

import json
import re
import struct
import sys
from pathlib import Path

# BLAKE3, as far as the page needs it: unkeyed, 32 bytes.
IV = [0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19]
ORDER = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8]
MIXES = [(0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15), (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)]
START, END, PARENT, ROOT = 1, 2, 4, 8
MASK = 0xFFFFFFFF


def compress(chain, words, counter, length, flags):
    s = chain + IV[:4] + [counter & MASK, counter >> 32, length, flags]
    for _ in range(7):
        for i, (a, b, c, d) in enumerate(MIXES):
            for word, right in ((words[2 * i], (16, 12)), (words[2 * i + 1], (8, 7))):
                s[a] = (s[a] + s[b] + word) & MASK
                s[d] ^= s[a]
                s[d] = (s[d] >> right[0] | s[d] << 32 - right[0]) & MASK
                s[c] = (s[c] + s[d]) & MASK
                s[b] ^= s[c]
                s[b] = (s[b] >> right[1] | s[b] << 32 - right[1]) & MASK
        words = [words[i] for i in ORDER]
    return [s[i] ^ s[i + 8] for i in range(8)]


def tree(data, first, flags):
    if len(data) <= 1024:
        chain = IV
        blocks = max(1, -(-len(data) // 64))
        for i in range(blocks):
            block = data[64 * i : 64 * i + 64]
            own = (START if i == 0 else 0) | (END | flags if i == blocks - 1 else 0)
            chain = compress(chain, list(struct.unpack("<16I", block.ljust(64, b"\0"))), first, len(block), own)
        return chain
    chunks = 1 << ((len(data) - 1) // 1024).bit_length() - 1
    left, right = tree(data[: chunks * 1024], first, 0), tree(data[chunks * 1024 :], first + chunks, 0)
    return compress(IV, left + right, 0, 64, PARENT | flags)


def blake3(data):
    return struct.pack("<8I", *tree(data, 0, ROOT))


# Journals.


def facts(path):
    *lines, _ = path.read_bytes().split(b"\n")
    objects = []
    for number, line in enumerate(lines, 1):
        if summed := re.fullmatch(rb'(.*),"sum":"([0-9a-f]{8})"}', line, re.DOTALL):
            assert blake3(summed[1]).hex()[:8] == summed[2].decode(), f"{path}:{number}: its sum differs"
        objects.append(json.loads(line))
    header, *rest = objects
    assert header["journal"] == 1 and header["agent"] == path.stem, f"{path}: {header}"
    return rest


ENDS = ("finished", "failed", "stopped")
KNOWN = {"planned", "started", "checkpoint", "kept", "read", "void", "probe", *ENDS}


class Run:
    def __init__(self):
        self.started, self.ends, self.first, self.checkpoints, self.kept = {}, {}, {}, [], []
        self.void, self.attempts = 0, set()

    def take(self, fact):
        kind, attempt = fact["fact"], fact["attempt"]
        if kind == "void":
            self.void = max(self.void, attempt)
        elif kind == "checkpoint":
            self.checkpoints.append(fact)
        elif kind == "kept":
            self.kept.append(fact)
        else:
            self.attempts.add(attempt)
            if kind == "started":
                self.started[attempt] = fact
            elif kind == "read":
                self.first[attempt] = fact.get("first")
            elif not (fact.get("failure") == "lost" and attempt in self.ends):
                self.ends[attempt] = fact

    def newest(self):
        return max((attempt for attempt in self.attempts if attempt > self.void), default=0)

    def status(self):
        newest = self.newest()
        if newest == 0:
            return ("failed", "lost") if self.void else ("planned", None)
        end = self.ends.get(newest)
        if end is None:
            return "running", None
        return end["outcome"].replace("done", "finished") if end["fact"] == "finished" else end["fact"], end.get("failure")

    def lineage(self, smallest):
        """Each attempt with the step below which its rows count; `smallest` tells an attempt's smallest step."""
        attempt, limit, counts = self.newest(), float("inf"), {}
        while attempt:
            counts[attempt] = limit
            first = self.first.get(attempt)
            first = smallest(attempt) if first is None else first
            limit = min(limit, float("inf") if first is None else first)
            ancestor, step = self.started.get(attempt, {}).get("resume") or (0, 0)
            if not 0 < ancestor < attempt or ancestor <= self.void:
                break
            guessed = any((c["attempt"], c["step"], c.get("guessed")) == (ancestor, step, True) for c in self.checkpoints)
            attempt, limit = ancestor, limit if guessed else min(limit, step)
        return counts


# Parquet's footer: Thrift's compact protocol.


class Thrift:
    def __init__(self, data):
        self.data, self.at = data, 0

    def byte(self):
        self.at += 1
        return self.data[self.at - 1]

    def varint(self):
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    def zigzag(self):
        value = self.varint()
        return value >> 1 ^ -(value & 1)

    def value(self, kind):
        if kind in (1, 2):
            return kind == 1
        if kind == 3:
            return self.byte()
        if kind in (4, 5, 6):
            return self.zigzag()
        if kind == 7:
            self.at += 8
            return struct.unpack("<d", self.data[self.at - 8 : self.at])[0]
        if kind == 8:
            length = self.varint()
            self.at += length
            return self.data[self.at - length : self.at]
        if kind in (9, 10):
            head = self.byte()
            length = head >> 4 if head >> 4 < 15 else self.varint()
            return [self.byte() == 1 if head & 15 in (1, 2) else self.value(head & 15) for _ in range(length)]
        assert kind == 12, kind
        fields, number = {}, 0
        while head := self.byte():
            number = number + (head >> 4) if head >> 4 else self.zigzag()
            fields[number] = self.value(head & 15)
        return fields


def table(path):
    """Columns, rows and tessera's footer of a file, whose sums are held against its bytes."""
    data = path.read_bytes()
    assert data[-4:] == b"PAR1", path
    footer = len(data) - 8 - struct.unpack("<I", data[-8:-4])[0]
    fields = Thrift(data[footer:-8]).value(12)
    pairs = {pair[1].decode(): pair.get(2, b"").decode() for pair in fields[5]}
    own = json.loads(pairs["tessera"])
    summed = data[footer - 8 : footer] == b"tsr-sum1"
    assert summed >= own.get("sums", False), f"{path}: its sums are gone"
    if summed:
        of_all, of_footer = data[footer - 24 : footer - 8], data[footer - 40 : footer - 24]
        (length,) = struct.unpack("<Q", data[footer - 48 : footer - 40])
        blocks = data[length : footer - 48]
        assert of_footer == blake3(data[footer:])[:16] and of_all == blake3(data[length : footer - 24])[:16], path
        starts = range(0, length, 16384)
        expected = b"".join(blake3(data[start : min(start + 16384, length)])[:8] for start in starts)
        assert blocks == expected, f"{path}: its sums differ"
    names = [element[4].decode() for element in fields[2]]
    return names, fields[3], own, data


def spans(root, name):
    segments = sorted((root / "segments").glob(f"*.{name}.parquet"))
    found, taken = [], set()
    for part in sorted((root / name).glob("part-*.parquet")):
        columns, rows, own, data = table(part)
        hash, of = (part.parent / f".{part.stem}.b3").read_text().split()
        assert of == part.name and hash == blake3(data).hex(), f"{part}: its checksum differs"
        taken.update(own["takes"])
        found.append((part.name, columns, rows, own))
    for segment in segments:
        if segment.name not in taken:
            columns, rows, own, _ = table(segment)
            assert "takes" not in own, segment
            found.append((segment.name, columns, rows, own))
    rows_of = []
    fixed = ["sweep", "run", "attempt", "step"] + (["elapsed"] if name == "history" else ["name", "shape"])
    for file, columns, rows, own in found:
        assert (own["format"], own["table"], own["sweep"]) == (1, name, root.name), file
        assert columns[1 : 1 + len(fixed)] == fixed, f"{file}: {columns}"
        assert sum(span[2] for span in own["spans"]) == rows, file
        assert [span[:2] for span in own["spans"]] == sorted(span[:2] for span in own["spans"]), file
        rows_of += [(file, *span) for span in own["spans"]]
    return rows_of, taken | {file for file, *_ in found}


def main(root):
    everything = [fact for path in sorted((root / "journal").glob("*.jsonl")) for fact in facts(path)]
    plans = sorted((fact for fact in everything if fact["fact"] == "planned"), key=lambda fact: fact["time"])
    for plan in plans:
        spec = root / f"spec-{plan['spec']}.yaml"
        assert not spec.exists() or blake3(spec.read_bytes()).hex()[:16] == plan["spec"], spec
    runs, asked = {}, {}
    for fact in everything:
        assert fact["fact"] in KNOWN, f"a newer Tessera wrote `{fact['fact']}`"
        if fact["fact"] not in ("planned", "probe"):
            runs.setdefault(fact["run"], Run()).take(fact)
    for plan in plans:
        for run in plan["runs"]:
            parameters = plan["common"] | run.get("parameters", {})
            asked[run["run"]] = {"current": plan is plans[-1], "seed": run["seed"], "parameters": parameters}
    answer = {run: about | {"history": [], "arrays": []} for run, about in asked.items()}
    for run, about in answer.items():
        about["attempt"] = max(runs.setdefault(run, Run()).newest(), runs[run].void)
        about["status"], about["failure"] = runs[run].status()
    for name in ("history", "arrays"):
        found, there = spans(root, name)
        for run, about in answer.items():
            own = [span for span in found if span[1] == run]
            firsts = lambda attempt: min((span[4] for span in own if span[2] == attempt), default=None)
            counts = runs[run].lineage(firsts)
            for kept in (kept for kept in runs[run].kept if kept["attempt"] in counts):
                for start, to in kept.get(name, []):
                    for number in range(start, to + 1):
                        segment = f"{kept['agent']}-{number}.{name}.parquet"
                        assert segment in there, f"{segment} is lost: run {run} has no numbers"
            for _, _, attempt, rows, first, last in own:
                if first < counts.get(attempt, 0):
                    limit = counts[attempt]
                    about[name].append([attempt, rows, first, last, limit if limit < float("inf") else None])
    if (root / "runs.parquet").exists():
        columns, rows, own, _ = table(root / "runs.parquet")
        assert rows <= len(answer) and own["format"] in (1, 2) and columns[1:3] == ["sweep", "run"]
    return answer


assert blake3(b"").hex().startswith("af1349b9f5f9a1a6a0404dea36dcc949")
print(json.dumps(main(Path(sys.argv[1]))))
