"""Makes the trees beside this file: event files of programs that were started again (files, tags, steps, `purge_step`), and
`expected.json`, what TensorBoard's own reader gives for them, by folder and by file.

    python make.py FOLDER TREES            needs tensorboard; deletes FOLDER before it writes
"""
import json, os, random, shutil, sys, struct
from tensorboard.summary.writer.event_file_writer import EventFileWriter
from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.backend.event_processing import event_accumulator as ea
root, n = sys.argv[1], int(sys.argv[2]); shutil.rmtree(root, ignore_errors=True); os.makedirs(root)
rng = random.Random(18); out = {}
def acc(path):
    a = ea.EventAccumulator(path, size_guidance={"scalars": 0}); a.Reload()
    return {t: [[e.step, e.value] for e in a.Scalars(t)] for t in a.Tags()["scalars"]}
for k in range(n):
    d = os.path.join(root, str(k)); os.makedirs(d); at = 0; purges = []
    for f in range(rng.randint(1, 4)):
        tmp = os.path.join(d, "w"); w = EventFileWriter(tmp); t = 1.8e9 + 1000 * f
        begin = 0 if f == 0 else max(0, at + rng.choice([0, 1, -rng.randint(0, 12), rng.randint(0, 5), -at]))
        purge = begin if f and rng.random() < .4 else None
        if purge is not None: w.add_event(Event(wall_time=t, step=purge, session_log=SessionLog(status=SessionLog.START)))
        purges.append(purge)
        tags = rng.sample(["loss", "val", "lr", "acc/top"], rng.randint(1, 4)); firsts = {x: begin + rng.choice([0, 0, 0, 3, -begin]) for x in tags}
        length, strides = rng.randint(1, 20), {x: rng.choice([1, 1, 2, 5]) for x in tags}
        for s in range(0, begin + length):
            for x in tags:
                if s >= firsts[x] and (s - firsts[x]) % strides[x] == 0 and (s >= begin or s == firsts[x]):
                    w.add_event(Event(wall_time=t + s + 1, step=s, summary=Summary(value=[Summary.Value(tag=x, simple_value=rng.random())])))
        at = begin + length; w.close()
        (name,) = os.listdir(tmp); os.rename(os.path.join(tmp, name), os.path.join(d, f"events.out.tfevents.{f}")); os.rmdir(tmp)
    out[k] = {"folder": acc(d), "files": [acc(os.path.join(d, f"events.out.tfevents.{f}")) for f in range(len(purges))], "purges": purges}
json.dump(out, open(os.path.join(root, "expected.json"), "w"))
