"""Writes fixtures/pickles: what numpy pickles, in every protocol and in the shapes in which people keep pictures.

    pip install numpy      # written with numpy 2.4.6, Python 3
    python golden/generate_pickles.py

Every value follows from a rule that the tests repeat, so that they read no second file.
"""

import pickle
import sys
from pathlib import Path

import numpy as np

OUT = Path(__file__).parent.parent / "fixtures" / "pickles"
HEIGHT, WIDTH = 9, 11


def picture(number):
    """[3, HEIGHT, WIDTH] bytes; every value from 0 to 255 stands somewhere in three pictures."""
    channel, row, column = np.indices((3, HEIGHT, WIDTH))
    return ((number * 97 + channel * 83 + row * 29 + column * 13) % 256).astype(np.uint8)


def pictures(numbers):
    return np.stack([picture(number) for number in numbers])


def write(name, *objects, protocol):
    with open(OUT / f"{name}.pkl", "wb") as file:
        for thing in objects:
            pickle.dump(thing, file, protocol=protocol)


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    labels = np.array([2, 0, 1])
    for protocol in range(6):
        write(f"stacked-p{protocol}", (pictures([0, 1, 2]), labels), protocol=protocol)
    # As USCL's scripts turn pictures round: columns before rows, and each in Fortran order.
    turned = [np.asarray(picture(number).transpose([1, 2, 0])).transpose([2, 1, 0]) for number in range(3)]
    write("turned-p4", [(array, np.int64(label)) for array, label in zip(turned, labels)], protocol=4)
    write("turned-p5", turned, list(map(int, labels)), protocol=5)
    write("turned-whole-p5", (pictures([0, 1, 2]).transpose([0, 1, 3, 2]), labels), protocol=5)
    write("last-p4", [pictures([0, 1, 2]).transpose([0, 2, 3, 1]).copy(), ["b", "a", "b"]], protocol=4)
    fractions = (pictures([0, 1, 2]) / 255).astype(">f4")
    write("fractions-p2", {"data": fractions, "label": np.eye(3)[labels], "about": "made"}, protocol=2)
    grey = np.empty(3, dtype=object)
    for number in range(3):
        grey[number] = picture(number)[0, :, : WIDTH - number].copy()
    write("ragged-p4", {"x": grey, "y": np.array(["p", "q", "p"])}, protocol=4)
    # One data set of six pictures, cut three times into parts to train and to test on.
    tests = [[0, 1], [2], [3, 4, 5]]
    for number, test in enumerate(tests, start=1):
        train = [other for other in range(6) if other not in test]
        parts = [pictures(train), np.array(train) % 2, pictures(test), np.array(test) % 2]
        write(f"fold-{number}", parts, protocol=2)
    return 0


if __name__ == "__main__":
    sys.exit(main())
