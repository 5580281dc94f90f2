"""How fast `hico ingest` takes videos in, beside ffmpeg alone decoding and scaling them.

    python3 benches/against_ffmpeg.py VIDEOS [--hico target/release/hico] [--side 256] [--threads 1] [--rounds 5]

Both see the same files. ffmpeg decodes each, scales it to the side, turns it into RGB and throws it away; hico does the
same and also looks for colour, hashes the files, resizes, and writes a data set to memory or disk (TMPDIR). Rounds
alternate. Processor time is that of the programs and all their children, and says more than the clock where the cores
are shared. Needs nothing but Python and ffmpeg.
"""

import argparse
import resource
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path


def measured(work):
    """Processor and clock seconds of what `work` runs."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    work()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return processor, time.monotonic() - began


def ffmpeg(files, side, threads):
    """As many at a time as there are threads, one thread each, as hico has it."""
    def command(file):
        return ["ffmpeg", "-nostdin", "-v", "error", "-threads", "1", "-filter_threads", "1", "-i", f"file:{file}",
                "-map", "0:V:0", "-fps_mode", "passthrough", "-vf", f"scale={side}:{side}", "-pix_fmt", "rgb24",
                "-f", "null", "-"]
    running = []
    for file in files:
        if len(running) == threads:
            running.pop(0).wait()
        running.append(subprocess.Popen(command(file), stderr=subprocess.DEVNULL))
    for child in running:
        child.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("videos", type=Path)
    parser.add_argument("--hico", default="target/release/hico")
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--every", type=int, default=1, help="take every so many-th video only")
    options = parser.parse_args()
    suffixes = {".mp4", ".mov", ".avi", ".mpeg", ".mpg", ".mkv"}
    files = sorted(file for file in options.videos.rglob("*") if file.suffix.lower() in suffixes)[:: options.every]
    assert files, f"no videos in {options.videos}"
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "source"
        source.mkdir()
        for number, file in enumerate(files):
            # Hard links would do, but the folders may be on two disks.
            shutil.copy(file, source / f"{number:04}{file.suffix}")
        copies = sorted(source.iterdir())

        def hico():
            out = Path(folder) / "out"
            command = [options.hico, "ingest", source, "--out", out, "--image-size", str(options.side), "--threads",
                       str(options.threads), "--quiet"]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            shutil.rmtree(out)

        for _ in range(options.rounds):
            alone = measured(lambda: ffmpeg(copies, options.side, options.threads))
            ours = measured(hico)
            rows.append((alone, ours))
            print(f"ffmpeg {alone[0]:6.2f} s of processor {alone[1]:6.2f} s by the clock; "
                  f"hico {ours[0]:6.2f} {ours[1]:6.2f}; "
                  f"hico's speed {alone[0] / ours[0]:.2f} {alone[1] / ours[1]:.2f}", flush=True)
    processor, clock = (statistics.median(alone[at] / ours[at] for alone, ours in rows) for at in (0, 1))
    print(f"{len(files)} videos, side {options.side}, {options.threads} threads: hico at {processor:.2f}x of ffmpeg alone by "
          f"processor time, {clock:.2f}x by the clock (medians of {options.rounds} rounds)")


if __name__ == "__main__":
    main()
