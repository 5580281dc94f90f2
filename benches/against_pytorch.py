"""What hico does and what PyTorch does, on the same machine, in alternation.

    python -m venv venv && venv/bin/pip install torch==2.13.0 torchvision==0.28.0 numpy safetensors pillow
    cargo build --release && cargo bench -p hico-train --bench speed --no-run
    venv/bin/python benches/against_pytorch.py                      # everything, about half an hour on two cores
    venv/bin/python benches/against_pytorch.py step --batch 8 --projector flattened

**step**: ours is the program as people run it, on clips of the phantom, views drawn while it computes; a step's seconds
are those of its journal, waiting for views included. PyTorch computes the same step (ResNet-18, the maps that the
objective reads, nine NT-Xent and label terms, Adam with L2) on random images that are there already:

- `together`: both views in one batch, channels last, Adam fused. Batch norm then sees both views at once, which is
  faster and another computation
- `separate`: the views one after the other, so that batch norm sees one view at a time, as ours
- `bf16`: as `together`, under autocast to bfloat16, with huge pages
- `authors`: each view forwarded twice, P4 and its projector computed and read by nothing, Adam not fused

The first step of every round is left out. Peak memory is that of the steps; writing a checkpoint comes later.

**inference**: pooled features of a ResNet-18 for 16 images; PyTorch in evaluation, channels last.

**views**: grey frames of a data set (or the same, tinted), read from the store and made into normalised views on one core, against torchvision's
pipeline of the same random changes on the same frames, in memory as PIL pictures.
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


# --- PyTorch's side; each runs in a process of its own -------------------------------------------------------------


def torch_step(arguments):
    """Steps in PyTorch; prints seconds and, last, the most memory that was held."""
    import resource

    import torch
    from torch import nn
    from torch.nn import functional as F

    sys.path.insert(0, str(ROOT / "golden"))
    import generate

    kind = arguments.worker
    torch.manual_seed(1)
    torch.set_num_threads(arguments.threads)
    flattened, authors = arguments.projector == "flattened", kind == "authors"
    labels = tuple(clip % 3 for clip in range(arguments.batch))
    case = generate.replace(generate.CASES["authors" if flattened else "paper"], side=arguments.side, labels=labels)
    layout = torch.contiguous_format if authors else torch.channels_last
    model = generate.Hico(case).float()
    if authors:
        inputs = 256 * (arguments.side // 16) ** 2 if flattened else 256
        model.unused = nn.Sequential(nn.Linear(inputs, 256), nn.ReLU(), nn.Linear(256, 256))
    model = model.to(memory_format=layout).train()
    read_levels = set(model.levels.values()) | ({4} if authors else set())
    optimiser = torch.optim.Adam(model.parameters(), 3e-4, weight_decay=1e-4, fused=not authors)
    shape = (2 * arguments.batch, 3, arguments.side, arguments.side)
    images = torch.randn(shape).to(memory_format=layout)
    target = F.one_hot(torch.tensor(labels)).float() * 0.8 + 0.2 / 3

    def pyramid(layers, stages):
        merged = layers.lateral5(stages[3])
        maps = {5: merged}
        for level in (4, 3, 2):
            lateral = getattr(layers, f"lateral{level}")(stages[level - 2])
            merged = lateral + F.interpolate(merged, lateral.shape[2:], mode="bilinear", align_corners=False)
            if level in read_levels:
                maps[level] = getattr(layers, f"smooth{level}")(merged)
        return maps

    def outputs(x):
        stages = model.encoder["backbone"](x)
        maps = pyramid(model.encoder["pyramid"], stages)
        vector = lambda level: maps[level].flatten(1) if flattened else maps[level].mean((2, 3))
        out = {name: getattr(model, name)(vector(level)).float() for name, level in model.levels.items()}
        if authors:
            model.unused(vector(4))
        return out | {"logits": model.soft(stages[3].mean((2, 3))).float()}

    mask = torch.eye(2 * arguments.batch, dtype=torch.bool)
    partner = (torch.arange(2 * arguments.batch) + arguments.batch) % (2 * arguments.batch)

    def pairs(a, b):
        z = F.normalize(torch.cat([a, b]))
        return F.cross_entropy((z @ z.T / 0.5).masked_fill(mask, -1e30), partner)

    def views():
        if kind in ("together", "bf16"):
            both = outputs(images)
            return [{name: value[view * arguments.batch :][: arguments.batch] for name, value in both.items()} for view in (0, 1)]
        return [outputs(images[: arguments.batch]), outputs(images[arguments.batch :])]

    for _ in range(arguments.steps):
        began = time.perf_counter()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=kind == "bf16"):
            a, b = views()
            for_labels = views() if authors else (a, b)
        peer = sum(pairs(a[level], b[level]) for level in ("local", "medium", "global"))
        cross = sum(pairs(x["global"], y[level]) for x, y in ((a, b), (b, a)) for level in ("local", "medium"))
        soft = sum(F.cross_entropy(view["logits"], target) for view in for_labels)
        loss = 0.5 * peer + 0.5 * cross + 0.2 * soft
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        assert loss.isfinite()
        print(time.perf_counter() - began)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6)


def torch_inference(arguments):
    import torch
    from torchvision.models import resnet18

    torch.set_num_threads(arguments.threads)
    model = resnet18(weights=None).eval().to(memory_format=torch.channels_last)
    model.fc = torch.nn.Identity()
    images = torch.randn(16, 3, arguments.side, arguments.side).to(memory_format=torch.channels_last)
    with torch.inference_mode():
        for _ in range(arguments.steps):
            began = time.perf_counter()
            model(images)
            print(time.perf_counter() - began)


def torch_views(arguments):
    """Seconds a view of torchvision's pipeline."""
    import numpy
    import torch
    import torchvision.transforms as T
    from PIL import Image
    from safetensors import safe_open

    torch.set_num_threads(1)
    pictures = []
    for shard in sorted(Path(arguments.data).glob("frames-*.safetensors")):
        with safe_open(shard, "numpy") as file:
            for name in file.keys():
                clip = file.get_tensor(name)
                for frame in clip if clip.shape[-1] == 1 else ():
                    grey = frame[..., 0]
                    three = [grey, grey // 2, 255 - grey] if arguments.colour else [grey] * 3
                    pictures.append(Image.fromarray(numpy.stack(three, -1)))
    side = arguments.side
    pipeline = T.Compose([
        T.Resize((side, side)), T.RandomResizedCrop(side, scale=(0.8, 1.0), ratio=(0.8, 1.25)), T.RandomHorizontalFlip(),
        T.ColorJitter(0.8, 0.8, 0.8, 0.2), T.ToTensor(), T.Normalize([0.5] * 3, [0.25] * 3),
    ])
    for _ in range(arguments.steps):
        began = time.perf_counter()
        for picture in pictures:
            pipeline(picture)
        print((time.perf_counter() - began) / len(pictures))


# --- both sides, in alternation --------------------------------------------------------------------------------------


def torch_round(arguments, worker, **settings):
    command = [sys.executable, __file__, "--worker", worker, "--threads", str(arguments.threads)]
    for name, value in settings.items():
        command += [f"--{name}"] if value is True else [] if value is False else [f"--{name}", str(value)]
    environment = os.environ | ({"THP_MEM_ALLOC_ENABLE": "1"} if worker == "bf16" else {})
    lines = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout.split()
    return [float(line) for line in lines]


def held(process):
    """The most memory that a running process has held, GB."""
    try:
        lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) / 1e6 for line in lines if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        return 0.0


def hico_step(arguments, data, recipe, folder, precision, steps):
    run = Path(folder) / "run"
    command = [arguments.hico, "pretrain", data, "--recipe", recipe, "--out", run, "--quiet", "--device", "cpu"]
    command += ["--threads", arguments.threads, "--precision", precision]
    child = subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL)
    journal, peak = run / "journal.jsonl", 0.0
    while child.poll() is None:
        # The last look before the last step is written sees them all and no checkpoint.
        most = held(child)
        if not journal.exists() or journal.read_text().count('"event":"step"') < steps:
            peak = max(peak, most)
        time.sleep(0.02)
    assert child.returncode == 0, f"hico ended with {child.returncode}"
    entries = [json.loads(line) for line in journal.read_text().splitlines()]
    subprocess.run(["rm", "-r", str(run)], check=True)
    return [entry["seconds"] for entry in entries if entry["event"] == "step"][1:], peak


def prepare(arguments, folder, side, batch, steps, projector):
    """Clips of the phantom, and a recipe whose single epoch has the steps asked for."""
    run = lambda *words: subprocess.run([arguments.hico, *map(str, words)], check=True, capture_output=True)
    clips, data, recipe = (Path(folder) / name for name in ("clips", "data", "recipe.toml"))
    run("phantom", "--out", clips, "--patients", max(9, batch * steps), "--frames", 3, "--image-size", side, "--seed", 1)
    run("ingest", clips, "--labels", clips / "labels.csv", "--out", data, "--image-size", 0)
    authors = 'medium_from = "p3"\nprojector = "flattened"\n' if projector == "flattened" else ""
    count = len((data / "clips.csv").read_text().splitlines()) - 1
    recipe.write_text(
        f"[model]\n{authors}[view]\nside = {side}\n[train]\nbatch = {batch}\nepochs = 1\nwarmup_epochs = 0\n"
        f"val_fraction = 0.0\nclip_fraction = {min(1.0, (batch * steps + 0.5) / count)}\n"
    )
    return data, recipe


def show(title, ours, rows):
    """`rows`: label, seconds of each round, and GB or None."""
    print(f"\n{title}")
    print(f"{'':<34}{'seconds':>10}{'ours / it':>11}{'peak GB':>9}")
    for label, seconds, memory in rows:
        ratio = statistics.median(ours) / statistics.median(seconds)
        print(f"{label:<34}{statistics.median(seconds):>10.4f}{ratio:>11.2f}" + (f"{memory:>9.2f}" if memory else ""))
    sys.stdout.flush()


def compare_steps(arguments, batch, projector):
    kinds = {
        "hico f32": ("hico", "f32"), "hico bf16": ("hico", "bf16"),
        "PyTorch f32, views together": ("torch", "together"), "PyTorch f32, views separate": ("torch", "separate"),
        "PyTorch bf16, huge pages": ("torch", "bf16"), "PyTorch, the authors' way": ("torch", "authors"),
    }
    if batch > 8 or projector == "pooled":
        kinds.pop("PyTorch, the authors' way")
    seconds, memory = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        data, recipe = prepare(arguments, folder, arguments.side, batch, arguments.steps, projector)
        for _ in range(arguments.rounds):
            for label, (who, kind) in kinds.items():
                if who == "hico":
                    steps, peak = hico_step(arguments, data, recipe, folder, kind, arguments.steps)
                else:
                    settings = {"side": arguments.side, "batch": batch, "projector": projector, "steps": arguments.steps}
                    *steps, peak = torch_round(arguments, kind, **settings)
                    steps = steps[1:]
                seconds.setdefault(label, []).append(statistics.median(steps))
                memory[label] = max(memory.get(label, 0), peak)
    for ours in ("hico f32", "hico bf16"):
        rows = [(label, seconds[label], memory[label]) for label in kinds if label == ours or not label.startswith("hico")]
        show(f"step: {arguments.side} px, {batch} pairs, {projector}; ours is {ours}", seconds[ours], rows)


def speed(arguments, *words):
    """Lines of the bench `speed`."""
    command = ["cargo", "bench", "--quiet", "-p", "hico", "--bench", "speed", "--", *map(str, words)]
    out = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout
    return [json.loads(line) for line in out.splitlines() if line.startswith("{")]


def compare_inference(arguments):
    ours, theirs = [], []
    for _ in range(arguments.rounds):
        lines = speed(arguments, "inference", "--side", arguments.side, "--threads", arguments.threads)
        ours.append(statistics.median(line["seconds"] for line in lines[1:]))
        theirs.append(statistics.median(torch_round(arguments, "inference", side=arguments.side, steps=8)[1:]))
    rows = [("hico f32, norms folded", ours, None), ("PyTorch f32, channels last", theirs, None)]
    show(f"inference: ResNet-18, {arguments.side} px, 16 images", ours, rows)


def compare_views(arguments):
    with tempfile.TemporaryDirectory() as folder:
        data, _ = prepare(arguments, folder, 256, 8, 4, "pooled")
        for colour in (False, True):
            ours, theirs = [], []
            for _ in range(arguments.rounds):
                words = ["views", data, "--side", arguments.side, "--rounds", 40] + (["--colour"] if colour else [])
                ours.append(min(line["seconds"] / line["views"] for line in speed(arguments, *words)))
                theirs.append(min(torch_round(arguments, "views", data=data, side=arguments.side, colour=colour, steps=3)))
            rows = [("hico, one core", ours, None), ("torchvision, one core", theirs, None)]
            show(f"views: {'colour' if colour else 'grey'} frames of 256 px, {arguments.side} px; seconds a view", ours, rows)
            print(f"hico: {1 / statistics.median(ours):.0f} views a second and core")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", nargs="?", choices=("all", "step", "inference", "views"), default="all")
    parser.add_argument("--hico", default=str(ROOT / "target/release/hico"), help="the program")
    parser.add_argument("--side", type=int, default=224)
    parser.add_argument("--batch", type=int, help="clips a step, two views of each; without it 8 and 32")
    parser.add_argument("--projector", choices=("pooled", "flattened"), help="without it both")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=5, help="steps a round; the first is left out")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    for name in ("worker", "data"):
        parser.add_argument(f"--{name}", help=argparse.SUPPRESS)
    parser.add_argument("--colour", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        return {"inference": torch_inference, "views": torch_views}.get(arguments.worker, torch_step)(arguments)
    if arguments.what in ("all", "step"):
        for batch in [arguments.batch] if arguments.batch else [8, 32]:
            for projector in [arguments.projector] if arguments.projector else ["flattened", "pooled"]:
                compare_steps(arguments, batch, projector)
    if arguments.what in ("all", "inference"):
        compare_inference(arguments)
    if arguments.what in ("all", "views"):
        compare_views(arguments)


if __name__ == "__main__":
    main()
