"""Writes fixtures/views.safetensors: what torchvision makes of small synthetic pictures, one tensor an operation.

    pip install torch torchvision pillow safetensors numpy
    python golden/generate_views.py fixtures/views.safetensors

The tests of `hico-data` read the file only. A tensor's name tells the operation, the picture and the parameters,
separated by slashes; the pictures themselves are `picture/NAME`, `u8 [height, width, channels]`. The pictures are
smooth shapes with noise on top, of odd sizes; no frame of any patient is used.
"""

import sys

import numpy as np
import torch
from PIL import Image
from safetensors.numpy import save_file
from torchvision import __version__ as torchvision_version
from torchvision import transforms
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as F


def pictures():
    rng = np.random.default_rng(20221204)
    y, x = np.mgrid[0:1:61j, 0:1:47j]
    smooth = np.stack([np.sin(5 * x + 3 * y), np.cos(4 * x - 6 * y), np.sin(9 * x * y)], axis=-1)
    colour = 128 + 90 * smooth + rng.normal(0, 25, smooth.shape)
    grey = 110 + 100 * np.sin(7 * x + 2 * y) * y + rng.normal(0, 20, x.shape)
    # Every hue, at many saturations and values, greys and near-greys included.
    palette = rng.integers(0, 256, (24, 30, 3))
    palette[20] = palette[20, :, :1] + np.arange(3)
    palette[21] = palette[21, :, :1]
    to_bytes = lambda values: np.clip(np.round(values), 0, 255).astype(np.uint8)
    return {"colour": to_bytes(colour), "grey": to_bytes(grey)[..., None], "strip": to_bytes(grey)[::4, ::2, None], "palette": to_bytes(palette)}


def as_pil(picture):
    return Image.fromarray(picture[..., 0] if picture.shape[-1] == 1 else picture)


def as_bytes(image):
    array = np.asarray(image, dtype=np.uint8)
    return np.ascontiguousarray(array if array.ndim == 3 else array[..., None])


CHANGES = {"b": F.adjust_brightness, "c": F.adjust_contrast, "s": F.adjust_saturation, "h": F.adjust_hue}


def outputs(images):
    out = {}
    bilinear = InterpolationMode.BILINEAR
    for name in ("colour", "grey"):
        for height, width in ((32, 32), (61, 32), (75, 24), (20, 47), (7, 9)):
            out[f"resize/{name}/{height}x{width}"] = F.resize(images[name], [height, width], bilinear, antialias=True)
        for top, left, height, width in ((3, 5, 50, 41), (20, 10, 32, 32), (11, 6, 37, 30)):
            cropped = F.resized_crop(images[name], top, left, height, width, [32, 32], bilinear, antialias=True)
            out[f"crop/{name}/{top},{left},{height},{width}"] = cropped
    changes = ["b0.2", "b0.77", "b1.8", "c0.2", "c0.9", "c1.8", "s0.2", "s1.0", "s1.8", "h-0.2", "h-0.07", "h0.0", "h0.2"]
    changes += ["b1.5,c0.4,s1.7,h0.13", "h-0.11,s0.3,c1.6,b0.6", "c1.3,h0.19,b1.2,s1.45", "s1.33,b0.41,h-0.03,c1.77"]
    for change in changes:
        for name in ("palette", "strip"):
            image = images[name]
            for step in change.split(","):
                image = CHANGES[step[0]](image, float(step[1:]))
            out[f"jitter/{name}/{change}"] = image
    return {name: as_bytes(image) for name, image in out.items()}


def crop_statistics():
    """Mean and standard deviation over torchvision's own draws of share of area, log ratio, top, left."""
    torch.manual_seed(1)
    out = {}
    for height, width in ((224, 224), (90, 160)):
        blank = Image.new("L", (width, height))
        draws = [transforms.RandomResizedCrop.get_params(blank, (0.8, 1.0), (0.8, 1.25)) for _ in range(40_000)]
        top, left, h, w = np.array(draws, dtype=np.float64).T
        values = np.stack([h * w / (height * width), np.log(w / h), top, left])
        out[f"crop-statistics/{height}x{width}"] = np.stack([values.mean(1), values.std(1)])
    return out


def main(path):
    source = pictures()
    images = {name: as_pil(picture) for name, picture in source.items()}
    tensors = {f"picture/{name}": picture for name, picture in source.items()}
    tensors |= outputs(images)
    small = F.resize(images["colour"], [12, 12], antialias=True)
    normalised = transforms.Compose([transforms.ToTensor(), transforms.Normalize([0.5] * 3, [0.25] * 3)])(small)
    tensors["picture/small"] = as_bytes(small)
    tensors["normalise/small/0.5,0.25"] = normalised.numpy()
    tensors |= crop_statistics()
    metadata = {"torch": torch.__version__, "torchvision": torchvision_version, "pillow": Image.__version__}
    save_file({name: np.ascontiguousarray(value) for name, value in tensors.items()}, path, metadata=metadata)


if __name__ == "__main__":
    main(sys.argv[1])
