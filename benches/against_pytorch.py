"""The training step of `hico pretrain` and of PyTorch on the same machine, in alternation.

    python -m venv venv && venv/bin/pip install torch==2.13.0 numpy safetensors
    cargo build --release
    venv/bin/python benches/against_pytorch.py --side 224 --batch 8 --projector flattened

Ours is the program as people run it, on clips of the phantom, views drawn while it computes; a step's seconds are those
of its journal, waiting for views included. PyTorch computes the same step (ResNet-18, the maps that the objective
reads, nine NT-Xent and label terms, Adam with L2) on random images that are there already, in 32 bits, channels last,
Adam fused: with the views one after the other, as ours, so that batch norm sees one view at a time, and with both in
one batch, which is faster and another computation. The first step of every round is left out.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PEERS = ("separate", "together")


def worker(arguments):
    """Steps in PyTorch; prints seconds and, last, the most memory that was held."""
    import resource

    import torch
    from torch.nn import functional as F

    sys.path.insert(0, str(ROOT / "golden"))
    import generate

    torch.manual_seed(1)
    torch.set_num_threads(arguments.threads)
    flattened = arguments.projector == "flattened"
    case = generate.CASES["authors" if flattened else "paper"]
    labels = tuple(clip % 3 for clip in range(arguments.batch))
    case = generate.replace(case, side=arguments.side, labels=labels)
    model = generate.Hico(case).float().to(memory_format=torch.channels_last).train()
    model.encoder["pyramid"].forward = lambda stages: pyramid(model.encoder["pyramid"], stages, model.levels.values())
    optimiser = torch.optim.Adam(model.parameters(), 3e-4, weight_decay=1e-4, fused=True)
    shape = (2 * arguments.batch, 3, arguments.side, arguments.side)
    images = torch.randn(shape).to(memory_format=torch.channels_last)
    target = F.one_hot(torch.tensor(labels)).float() * 0.8 + 0.2 / 3

    def pyramid(layers, stages, read):
        merged = layers.lateral5(stages[3])
        maps = {5: merged}
        for level in (4, 3, 2):
            lateral = getattr(layers, f"lateral{level}")(stages[level - 2])
            merged = lateral + F.interpolate(merged, lateral.shape[2:], mode="bilinear", align_corners=False)
            if level in read:
                maps[level] = getattr(layers, f"smooth{level}")(merged)
        return maps

    def outputs(x):
        stages = model.encoder["backbone"](x)
        maps = model.encoder["pyramid"](stages)
        read = {name: maps[level].flatten(1) if flattened else maps[level].mean((2, 3)) for name, level in model.levels.items()}
        out = {name: getattr(model, name)(value) for name, value in read.items()}
        return out | {"logits": model.soft(stages[3].mean((2, 3)))}

    mask = torch.eye(2 * arguments.batch, dtype=torch.bool)
    partner = (torch.arange(2 * arguments.batch) + arguments.batch) % (2 * arguments.batch)

    def pairs(a, b):
        z = F.normalize(torch.cat([a, b]))
        return F.cross_entropy((z @ z.T / 0.5).masked_fill(mask, -1e30), partner)

    for _ in range(arguments.steps):
        began = time.perf_counter()
        if arguments.worker == "together":
            both = outputs(images)
            a, b = ({name: value[view * arguments.batch :][: arguments.batch] for name, value in both.items()} for view in (0, 1))
        else:
            a, b = outputs(images[: arguments.batch]), outputs(images[arguments.batch :])
        peer = sum(pairs(a[level], b[level]) for level in ("local", "medium", "global"))
        cross = sum(pairs(x["global"], y[level]) for x, y in ((a, b), (b, a)) for level in ("local", "medium"))
        soft = sum(F.cross_entropy(view["logits"], target) for view in (a, b))
        loss = 0.5 * peer + 0.5 * cross + 0.2 * soft
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        assert loss.isfinite()
        print(time.perf_counter() - began)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6)


def torch_round(arguments, peer):
    command = [sys.executable, __file__, "--worker", peer]
    for name in ("side", "batch", "projector", "steps", "threads"):
        command += [f"--{name}", str(getattr(arguments, name))]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return [float(line) for line in lines[1:-1]], float(lines[-1])


def hico_round(arguments, data, recipe, folder):
    run = Path(folder) / "run"
    command = [arguments.hico, "pretrain", data, "--recipe", recipe, "--out", run, "--quiet", "--device", "cpu"]
    command += ["--threads", str(arguments.threads)]
    child = subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    assert status == 0, f"hico ended with {status}"
    entries = [json.loads(line) for line in (run / "journal.jsonl").read_text().splitlines()]
    subprocess.run(["rm", "-r", str(run)], check=True)
    return [entry["seconds"] for entry in entries if entry["event"] == "step"][1:], usage.ru_maxrss / 1e6


def prepare(arguments, folder):
    """Clips of the phantom, and a recipe whose run has the steps asked for."""
    run = lambda *words: subprocess.run([arguments.hico, *map(str, words)], check=True, capture_output=True)
    clips, data, recipe = (Path(folder) / name for name in ("clips", "data", "recipe.toml"))
    patients = max(9, 2 * arguments.batch)
    run("phantom", "--out", clips, "--patients", patients, "--frames", 3, "--side", arguments.side, "--seed", 1)
    run("ingest", clips, "--labels", clips / "labels.csv", "--out", data, "--side", 0)
    count = len((data / "clips.csv").read_text().splitlines()) - 1
    epochs = -(-arguments.steps // (count // arguments.batch))
    authors = '\nmedium_from = "p3"\nprojector = "flattened"' if arguments.projector == "flattened" else ""
    recipe.write_text(
        f"[model]{authors}\n[view]\nside = {arguments.side}\n"
        f"[train]\nbatch = {arguments.batch}\nepochs = {epochs}\nwarmup_epochs = 0\nwatch_fraction = 0.0\n"
    )
    return data, recipe


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--hico", default=str(ROOT / "target/release/hico"), help="the program")
    parser.add_argument("--side", type=int, default=224)
    parser.add_argument("--batch", type=int, default=8, help="clips a step, two views of each")
    parser.add_argument("--projector", choices=("pooled", "flattened"), default="pooled")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=6, help="steps a round, at least")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--worker", choices=PEERS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        return worker(arguments)
    seconds, memory = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        data, recipe = prepare(arguments, folder)
        for number in range(arguments.rounds):
            for name in ("hico", *PEERS):
                ours = name == "hico"
                steps, peak = hico_round(arguments, data, recipe, folder) if ours else torch_round(arguments, name)
                seconds.setdefault(name, []).append(statistics.median(steps))
                memory[name] = max(memory.get(name, 0), peak)
                print(f"round {number + 1}: {name}: {seconds[name][-1]:.3f} s", file=sys.stderr)
    best = statistics.median(seconds["hico"])
    print(f"side {arguments.side}, {arguments.batch} pairs, {arguments.projector} projectors, {arguments.threads} threads")
    print(f"{'':<28}{'s a step':>10}{'hico / it':>11}{'peak GB':>9}")
    for name, label in (("hico", "hico"), ("separate", "PyTorch, views separate"), ("together", "PyTorch, views together")):
        median = statistics.median(seconds[name])
        print(f"{label:<28}{median:>10.3f}{best / median:>11.2f}{memory[name]:>9.2f}")


if __name__ == "__main__":
    main()
