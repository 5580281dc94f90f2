"""How fast DICOM frames decode here and in pydicom, on the same machine, one thread each, in alternation.

    python -m venv venv && venv/bin/pip install pydicom==3.0.1 numpy==2.4.6 pillow==13.0.0 pylibjpeg==2.1.0 \
        pylibjpeg-libjpeg==2.5.0 pylibjpeg-openjpeg==2.6.0
    cargo build --release -p hico-data --benches
    venv/bin/python benches/against_pydicom.py ../shared/data/dicom/us_cine_jpeg_*.dcm

Both read the file anew in every round and turn every frame into 8-bit RGB (or its stored values, where it is grey); nothing
is resized or written. pydicom runs once with each of its plugins that can decode the file: `pillow` (libjpeg-turbo,
OpenJPEG) and `pylibjpeg`. Printed: medians of a frame, and how many times longer pydicom takes.
"""

import argparse
import glob
import json
import statistics
import subprocess
import time
from pathlib import Path

from pydicom.pixels import get_decoder, iter_pixels
from pydicom import dcmread

ROOT = Path(__file__).resolve().parents[1]


def program(arguments):
    """The bench program: as given, else the newest that cargo built."""
    if arguments.program:
        return arguments.program
    found = [path for path in glob.glob(str(ROOT / "target/release/deps/dicom-*")) if not path.endswith(".d")]
    return max(found, key=lambda path: Path(path).stat().st_mtime)


def ours(executable, file):
    answer = subprocess.run([executable, "1", file], check=True, capture_output=True, text=True)
    answer = json.loads(answer.stdout)
    return answer["frames"], answer["seconds"][0]


def theirs(plugin, file):
    begin = time.perf_counter()
    frames = sum(1 for _ in iter_pixels(file, decoding_plugin=plugin))
    return frames, time.perf_counter() - begin


def plugins(file):
    try:
        decoder = get_decoder(dcmread(file, stop_before_pixels=True).file_meta.TransferSyntaxUID)
        return [plugin for plugin in ("pillow", "pylibjpeg", "pydicom") if plugin in decoder.available_plugins] or [""]
    except NotImplementedError:
        return [""]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--program", help="the bench program, if cargo built it elsewhere")
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    executable = program(arguments)
    print(f"{'file':<34}{'frames':>7}{'hico ms':>10}  pydicom, ms a frame")
    for file in arguments.files:
        names = plugins(file)
        here, there = [], {name: [] for name in names}
        frames, _ = ours(executable, file)
        for name in names:
            theirs(name, file)
        for _ in range(arguments.rounds):
            here.append(ours(executable, file)[1])
            for name in names:
                found, seconds = theirs(name, file)
                assert found == frames, f"{file}: {found} frames there, {frames} here"
                there[name].append(seconds)
        mine = statistics.median(here)
        words = [
            f"{name or 'any'} {statistics.median(times) / frames * 1e3:.2f} ({statistics.median(times) / mine:.1f}x)"
            for name, times in there.items()
        ]
        print(f"{Path(file).name:<34}{frames:>7}{mine / frames * 1e3:>10.2f}  {', '.join(words)}", flush=True)


if __name__ == "__main__":
    main()
