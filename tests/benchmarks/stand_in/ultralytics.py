"""The null model under the name the vendor's template imports, with as much of a result as the template reads."""

import numpy as np


class _Tensor:
    def __init__(self, values):
        self._values = np.asarray(values)

    def __getitem__(self, index):
        return _Tensor(self._values[index])

    def cpu(self):
        return self

    def numpy(self):
        return self._values

    def item(self):
        return self._values.item()


class _Boxes:
    def __init__(self, width, height):
        self.xyxy = _Tensor([[10.0, 10.0, 10.0 + width // 2, 10.0 + height // 2]])
        self.conf = _Tensor([0.9])
        self.cls = _Tensor([0.0])


class _Result:
    names = {0: "object"}  # noqa: RUF012 - as ultralytics has it

    def __init__(self, width, height):
        self.boxes = _Boxes(width, height)


class YOLO:
    def __init__(self, weights):
        pass

    def predict(self, image, verbose=True):
        height, width = image.shape[:2]
        return [_Result(width, height)]
