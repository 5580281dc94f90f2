"""origin.csv: labels and folds of the lung clips by origin, from the table videos.csv that came with them.

    python origin.py VIDEOS/videos.csv > origin.csv
"""

import csv
import sys

clips = [clip for clip in csv.DictReader(open(sys.argv[1])) if clip["fold"]]
away = {clip["group"] for clip in clips if clip["container"] == "avi"}
table = csv.writer(sys.stdout, lineterminator="\n")
table.writerow(["file", "patient", "group", "label", "fold"])
for clip in clips:
    label = "" if clip["hico_class"] == "covid" else clip["hico_class"]
    table.writerow([clip["file"], clip["patient"], clip["group"], label, 0 if clip["group"] in away else 1])
