"""What other programs make of exported files: PROGRAM FILE DIR.

Reads DIR/image.f32, pictures of DIR/side pixels; writes DIR/OUTPUT.f32 for every output. PROGRAM is torchvision or timm,
each strict but for a classifier that the file lacks, `timm-maps`: the maps of timm's ConvNeXt-T, or `state`: every tensor of FILE, a state dict of either kind, as a
line `NAME SHAPE SHA-256`.
"""

import hashlib
import pathlib
import sys

import numpy
import safetensors.torch
import torch

program, file, folder = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])


def read(path):
    if path.endswith(".safetensors"):
        return safetensors.torch.load_file(path)
    return torch.load(path, map_location="cpu")


def digest(tensor):
    return hashlib.sha256(tensor.contiguous().numpy().astype("<f4").tobytes()).hexdigest()


state = read(file)
if program == "state":
    for name, tensor in sorted(state.items()):
        if not name.endswith("num_batches_tracked"):
            print(name, list(tensor.shape), digest(tensor))
    sys.exit()

if program == "timm-maps":
    import timm

    model = timm.create_model("convnext_tiny", num_classes=0)
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert not unexpected and set(missing) == {"head.norm.weight", "head.norm.bias"}, (missing, unexpected)
    model.eval()
    side = int((folder / "side").read_text())
    pictures = torch.from_numpy(numpy.fromfile(folder / "image.f32", "<f4").reshape(-1, 3, side, side))
    with torch.no_grad():
        x = model.stem(pictures)
        for name, stage in zip(["c2", "c3", "c4", "c5"], model.stages):
            x = stage(x)
            x.contiguous().numpy().astype("<f4").tofile(folder / f"{name}.f32")
    sys.exit()

classes = len(state["fc.bias"]) if "fc.bias" in state else 0
if program == "timm":
    import timm

    model = timm.create_model("resnet18", num_classes=classes)
    model.load_state_dict(state)
else:
    import torchvision

    model = torchvision.models.resnet18(num_classes=classes or 1000)
    missing, unexpected = model.load_state_dict(state, strict=classes > 0)
    assert not unexpected and all(name in ("fc.weight", "fc.bias") for name in missing), (missing, unexpected)
model.eval()
side = int((folder / "side").read_text())
pictures = numpy.fromfile(folder / "image.f32", "<f4").reshape(-1, 3, side, side)
with torch.no_grad():
    logits = torch.cat([model(torch.from_numpy(part)) for part in numpy.array_split(pictures, 8)])
    model.fc = torch.nn.Identity()
    features = torch.cat([model(torch.from_numpy(part)) for part in numpy.array_split(pictures, 8)])
features.numpy().astype("<f4").tofile(folder / "features.f32")
if classes:
    logits.numpy().astype("<f4").tofile(folder / "logits.f32")
