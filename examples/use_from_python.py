"""What hico writes, opened by stock Python: a data set, weights in torchvision, a classifier in ONNX Runtime.

    hico export tuned --to torchvision --out lung.safetensors    # of a classifier: the file that `hico finetune` wrote
    hico export tuned --to onnx --part classifier --out lung-classifier.onnx
    python use_from_python.py DATASET lung.safetensors lung-classifier.onnx

Needs pandas, safetensors, torch, torchvision, Pillow and onnxruntime.
"""

import json
import pathlib
import sys

import numpy
import onnxruntime
import pandas
import safetensors
import safetensors.torch
import torch
import torchvision
from PIL import Image

folder, weights, graph = map(pathlib.Path, sys.argv[1:4])

# A data set is one table and shards of frames, uint8 [frames, height, width, channels].
clips = pandas.read_csv(folder / "clips.csv")
print(clips.groupby("label", dropna=False).agg(clips=("clip", "size"), groups=("group", "nunique")))


def frames(row):
    with safetensors.safe_open(folder / row.shard, "np") as shard:
        return shard.get_tensor(row.clip)


# The card beside the weights says how a picture is prepared.
card = json.loads(weights.with_name(weights.name + ".card.json").read_text())
how, network = card["preprocessing"], card["network"]


def prepared(frame):
    size = how.get("image_size") or how["side"]  # as cards of earlier versions say
    picture = Image.fromarray(frame.squeeze()).convert("RGB").resize((size, size), Image.BILINEAR)
    values = (numpy.asarray(picture, "f4") / 255 - how["mean"]) / how["std"]
    return values.transpose(2, 0, 1)  # [3, size, size]


batch = numpy.stack([prepared(frames(row)[row.frames // 2]) for row in clips.itertuples()]).astype("f4")

model = getattr(torchvision.models, network["backbone"])(num_classes=len(network["classes"]))
model.load_state_dict(safetensors.torch.load_file(weights))
model.eval()
with torch.no_grad():
    by_torch = torch.softmax(model(torch.from_numpy(batch)) / network["temperature"], 1).numpy()

session = onnxruntime.InferenceSession(graph)
(logits, _) = session.run(None, {"image": batch})
scaled = logits / float(session.get_modelmeta().custom_metadata_map["temperature"])
by_onnx = numpy.exp(scaled - scaled.max(1, keepdims=True))
by_onnx /= by_onnx.sum(1, keepdims=True)

table = pandas.DataFrame(by_torch, columns=network["classes"])
table.insert(0, "clip", clips["clip"])
print(table.round(3).to_string(index=False))
print("largest difference between torchvision and ONNX Runtime:", float(abs(by_torch - by_onnx).max()))
