"""Runs an ONNX file in ONNX Runtime: FILE DIR, reads DIR/image.f32, writes DIR/OUTPUT.f32 for every output."""
import os
import sys

import numpy
import onnxruntime

session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
(image,) = session.get_inputs()
pictures = numpy.fromfile(os.path.join(sys.argv[2], "image.f32"), "<f4").reshape(-1, *image.shape[1:])
names = [output.name for output in session.get_outputs()]
parts = [session.run(names, {image.name: pictures[first : first + 8]}) for first in range(0, len(pictures), 8)]
for index, name in enumerate(names):
    values = numpy.concatenate([part[index] for part in parts])
    values.astype("<f4").tofile(os.path.join(sys.argv[2], name + ".f32"))
