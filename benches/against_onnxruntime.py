"""Frames a second of a fine-tuned network in hico and in ONNX Runtime, on the same machine, in alternation.

    cargo build --release && cargo bench -p hico-train --bench speed --no-run
    pip install onnxruntime==1.32.0 numpy
    python benches/against_onnxruntime.py MODEL.safetensors

Both compute the same network: MODEL, written by `hico finetune`, and what `hico export --to onnx` makes of it. Both get the same
number of threads and images of its side that are in memory already. The first batch of every round is left out.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def ours(arguments):
    """Seconds of each batch in hico."""
    bench = max((ROOT / "target/release/deps").glob("speed-*[!d]"), key=lambda path: path.stat().st_mtime)
    numbers = [f"--{name}={getattr(arguments, name)}".split("=") for name in ("batch", "threads", "rounds")]
    command = [bench, "classifier", arguments.model, *(word for pair in numbers for word in pair)]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return [json.loads(line)["seconds"] for line in lines]


def theirs(arguments, graph, side):
    """Seconds of each batch in ONNX Runtime, in a process of its own."""
    command = [sys.executable, __file__, arguments.model, "--worker", graph, "--side", side]
    command += [word for name in ("batch", "threads", "rounds") for word in (f"--{name}", getattr(arguments, name))]
    lines = subprocess.run(map(str, command), check=True, capture_output=True, text=True).stdout.splitlines()
    return [float(line) for line in lines]


def worker(arguments):
    import numpy
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = arguments.threads
    session = onnxruntime.InferenceSession(arguments.worker, options, providers=["CPUExecutionProvider"])
    images = numpy.sin(numpy.arange(arguments.batch * 3 * arguments.side**2, dtype=numpy.float32) * 0.37)
    images = images.reshape(arguments.batch, 3, arguments.side, arguments.side)
    name = session.get_inputs()[0].name
    for _ in range(arguments.rounds):
        began = time.perf_counter()
        session.run(None, {name: images})
        print(time.perf_counter() - began)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=8, help="batches of one turn")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--side", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        return worker(arguments)
    with tempfile.TemporaryDirectory() as folder:
        graph = Path(folder) / "model.onnx"
        hico = ROOT / "target/release/hico"
        export = [hico, "export", arguments.model, "--to", "onnx", "--part", "classifier", "--out", graph, "--quiet", "--json"]
        card = json.loads(subprocess.run(export, check=True, capture_output=True, text=True).stdout)
        side = card["preprocessing"]["image_size"]
        found = {"hico": [], "onnxruntime": []}
        for _ in range(arguments.turns):
            found["hico"].append(statistics.median(ours(arguments)[1:]))
            found["onnxruntime"].append(statistics.median(theirs(arguments, graph, side)[1:]))
    for name, seconds in found.items():
        print(f"{name:<12} {arguments.batch / statistics.median(seconds):7.1f} frames/s at {side} px, batches of {arguments.batch}")
    ratios = [b / a for a, b in zip(found["hico"], found["onnxruntime"])]
    print(f"hico runs at {statistics.median(ratios):.2f}x ({min(ratios):.2f} to {max(ratios):.2f}) of ONNX Runtime's frames a second")


if __name__ == "__main__":
    main()
