"""Good and hostile uploads from many clients at once to `hico serve`, and what becomes of the server.

    cargo build --release
    python benches/serve_load.py MODEL CLIPS... --minutes 10 --clients 16

MODEL is what `hico serve` takes, CLIPS are files; those named bad_* are hostile, the others good. Each good clip is asked about
once before; every later answer must be the same to the last digit, or an honest refusal (429, 503). Beside them clients send bytes of
no meaning, cut clips, bodies that are too long, forms that never end, questions that make no sense and pages' requests from
elsewhere, send slowly, and hang up. Anything but the refusal that is due is a fault.

It prints what was answered, how long it took, and the server's memory through time; exit code 1 where anything was wrong.
"""

import argparse
import http.client
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BOUNDARY = "a-line-between"
LATER = {429, 503}


def form(name, content):
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    return head.encode() + content + f"\r\n--{BOUNDARY}--\r\n".encode()


class Load:
    def __init__(self, arguments, port):
        self.port, self.arguments = port, arguments
        paths = [Path(clip) for clip in arguments.clips]
        self.good = {path.name: path.read_bytes() for path in paths if not path.name.startswith("bad_")}
        self.bad = {path.name: path.read_bytes() for path in paths if path.name.startswith("bad_")}
        self.expected = {}
        self.statuses, self.faults, self.seconds = Counter(), [], []
        self.lock = threading.Lock()

    def ask(self, path, body, headers=None, timeout=180):
        """Status and text."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            head = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}", **(headers or {})}
            connection.request("POST", path, body, head)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def expect(self):
        """The right answers, asked for one at a time."""
        for name, content in list(self.good.items()):
            for path in self.paths(name):
                status, text = self.ask(path, form(name, content))
                if status != 200:
                    sys.exit(f"{name} is no good clip: {status} {text}")
                self.expected[name, path] = text
        # A file may be odd and still be read.
        for name, content in list(self.bad.items()):
            status, _ = self.ask("/predict", form(name, content))
            if status == 200:
                self.bad.pop(name)

    @staticmethod
    def paths(name):
        return [f"/predict?every={1 + len(name) % 3}", "/explain?frame=0", "/embed?per=frame&frames_per_clip=4"]

    def note(self, what, status, fine, seconds=None, text=""):
        with self.lock:
            self.statuses[what, status] += 1
            if not fine:
                self.faults.append(f"{what}: {status} {text[:200]}")
            if seconds is not None and status == 200:
                self.seconds.append(seconds)

    def right(self, dice):
        name = dice.choice(sorted(self.good))
        path = dice.choice(self.paths(name))
        began = time.monotonic()
        status, text = self.ask(path, form(name, self.good[name]))
        fine = text == self.expected[name, path] if status == 200 else status in LATER
        self.note("good clip", status, fine, time.monotonic() - began, text)

    def refused(self, what, due, path, body, headers=None):
        status, text = self.ask(path, body, headers)
        self.note(what, status, status in due | LATER and "error" in json.loads(text), text=text)

    def hostile(self, dice):
        name = dice.choice(sorted(self.good))
        content = self.good[name]
        kind = dice.randrange(11)
        if kind == 0 and self.bad:
            bad = dice.choice(sorted(self.bad))
            self.refused("bad file", {413, 422}, "/predict", form(bad, self.bad[bad]))
        elif kind == 1:
            self.refused("noise", {413, 422}, "/predict", form(f"noise{Path(name).suffix}", dice.randbytes(200_000)))
        elif kind == 2:
            # What is left of it may still be a clip.
            cut = content[: dice.randrange(1, max(2, len(content) // 2))]
            status, text = self.ask("/predict", form(name, cut))
            self.note("cut clip", status, status in {200, 413, 422} | LATER, text=text)
        elif kind == 3:
            self.too_long()
        elif kind == 4:
            body = b"--" + BOUNDARY.encode() + b"\r\nX: " + b"a" * 2_000_000
            self.refused("headers without end", {400}, "/predict", body)
        elif kind == 5:
            self.refused("no sense", {400}, dice.choice(["/predict?every=0", "/explain?class=x", "/embed?per=x"]), form(name, content))
        elif kind == 6:
            self.refused("another site", {403}, "/predict", form(name, content), {"Origin": "https://elsewhere.test"})
        elif kind == 7:
            self.refused("another host", {421}, "/predict", b"", {"Host": "elsewhere.test"})
        elif kind == 8:
            self.hang_up(name, content, dice)
        elif kind == 9:
            self.slow(name, content)
        else:
            self.refused("no such path", {404}, "/" + "x" * dice.randrange(1, 2000), b"")

    def too_long(self):
        """A body that says that it is too long."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=180)
        try:
            connection.putrequest("POST", "/predict")
            connection.putheader("Content-Type", f"multipart/form-data; boundary={BOUNDARY}")
            connection.putheader("Content-Length", str(10**10))
            connection.endheaders()
            status = connection.getresponse().status
            self.note("too long", status, status in {413} | LATER)
        finally:
            connection.close()

    def hang_up(self, name, content, dice):
        """Sends a part of a clip, or all, and does not wait for the answer."""
        body = form(name, content)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=180)
        connection.putrequest("POST", "/predict")
        connection.putheader("Content-Type", f"multipart/form-data; boundary={BOUNDARY}")
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders()
        try:
            connection.send(body[: dice.randrange(len(body) + 1)])
            time.sleep(dice.random())
        except OSError:
            pass  # refused before it was sent
        connection.close()
        self.note("hung up", 0, True)

    def slow(self, name, content):
        """A clip in twenty pieces."""
        body = form(name, content)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=180)
        try:
            connection.putrequest("POST", "/predict?every=50")
            connection.putheader("Content-Type", f"multipart/form-data; boundary={BOUNDARY}")
            connection.putheader("Content-Length", str(len(body)))
            connection.endheaders()
            step = len(body) // 20 + 1
            try:
                for start in range(0, len(body), step):
                    connection.send(body[start : start + step])
                    time.sleep(0.05)
            except OSError:
                pass  # refused before all was sent; the answer says why
            status = connection.getresponse().status
            self.note("slow", status, status in {200} | LATER)
        finally:
            connection.close()

    def client(self, number, until):
        dice = random.Random(number)
        while time.monotonic() < until:
            time.sleep(dice.random())
            try:
                (self.right if dice.random() < 0.6 else self.hostile)(dice)
            except (OSError, http.client.HTTPException) as error:
                self.note("connection", type(error).__name__, False, text=str(error))


def memory(pid):
    """Megabytes that a process holds."""
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1]) / 1e3


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("clips", nargs="+")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--waiting", type=int, default=8, help="places to wait at the server; fewer than clients, so that some are refused")
    parser.add_argument("--program", default=ROOT / "target/release/hico")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary, open(Path(temporary) / "log", "w+") as log:
        command = [arguments.program, "serve", arguments.model, "--listen", "127.0.0.1:0", "--json"]
        command += ["--waiting", str(arguments.waiting), "--max-seconds", "60"]
        place = Path(temporary) / "uploads"
        place.mkdir()
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env={**os.environ, "TMPDIR": str(place)})
        said = ""
        while not said.endswith("}\n"):
            said += server.stdout.readline()
        load = Load(arguments, int(json.loads(said)["url"].rsplit(":", 1)[1]))
        load.expect()
        began = time.monotonic()
        until = began + arguments.minutes * 60
        clients = [threading.Thread(target=load.client, args=(number, until)) for number in range(arguments.clients)]
        for client in clients:
            client.start()
        held = []
        while any(client.is_alive() for client in clients):
            time.sleep(min(5, arguments.minutes * 2))
            held.append((time.monotonic() - began, memory(server.pid)))
        alive = server.poll() is None
        time.sleep(2)
        left = [path.name for path in place.iterdir()]
        connection = http.client.HTTPConnection("127.0.0.1", load.port, timeout=30)
        connection.request("GET", "/metrics")
        metrics = connection.getresponse().read().decode()
        server.send_signal(2)
        code = server.wait(timeout=90)
        log.seek(0)
        told = log.read()
    for (what, status), count in sorted(load.statuses.items(), key=str):
        print(f"{what:<22} {status:>5} {count:>7}")
    answered = sorted(load.seconds)
    print(f"right answers: {len(answered)}, {statistics.median(answered):.2f} s in the median, {answered[int(len(answered) * 0.95)]:.2f} s at 95 %")
    third = len(held) // 3
    parts = [statistics.median(size for _, size in part) for part in (held[:third], held[third : 2 * third], held[2 * third :])]
    print("memory, MB: " + ", ".join(f"{part:.0f}" for part in parts) + f" in the thirds of the time; at most {max(size for _, size in held):.0f}")
    names = [name for name in {**load.good, **load.bad} if name in told]
    wrong = load.faults + [f"left behind: {name}" for name in left] + [f"in the log: {name}" for name in names]
    wrong += [] if alive and code == 0 else [f"the server ended with {code}"]
    wrong += [f"after all: {line}" for line in metrics.splitlines() if re.match(r"hico_(at_work|waiting) [^0]", line)]
    print(f"{len(wrong)} faults")
    print("\n".join(wrong[:20]))
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
