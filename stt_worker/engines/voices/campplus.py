"""CAM++: a network that turns speech into a vector of its speaker's voice.

A small convolutional network over frequency and time, then densely connected layers over time, each of which weighs its
channels by the mean of the whole utterance and of its second; then mean and standard deviation over time.

Paper: arXiv:2303.00332. Names of tensors as in https://github.com/modelscope/3D-Speaker (Apache-2.0),
``speakerlab/models/campplus``, whose published weights fit.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool1d, relu

from stt_worker.engines.voices.fbank import BANDS

EMBEDDING = 192
"""Numbers of a vector."""
_CHANNELS, _WIDTH, _GROWTH, _BOTTLENECK = 32, 128, 32, 128
_BLOCKS = ((12, 1), (24, 2), (16, 2))
"""Layers of each dense block, and the distance in frames of what they read."""
_SECOND = 100
"""Steps over which a layer takes a mean beside that of the utterance (as the paper calls it, a segment)."""


class CamPlusPlus(nn.Module):
    """The network; for inference only."""

    def __init__(self) -> None:
        super().__init__()
        self.head = _Head()
        self.xvector = nn.Sequential()
        self.xvector.add_module("tdnn", _Tdnn(_CHANNELS * BANDS // 8, _WIDTH))
        channels = _WIDTH
        for number, (layers, dilation) in enumerate(_BLOCKS, 1):
            self.xvector.add_module(f"block{number}", _Block(channels, layers, dilation))
            channels += layers * _GROWTH
            self.xvector.add_module(f"transit{number}", _Transit(channels))
            channels //= 2
        self.xvector.add_module("out_nonlinear", _norm(channels))
        self.xvector.add_module("stats", _Statistics())
        self.xvector.add_module("dense", _Dense(2 * channels))

    def forward(self, bands: Tensor) -> Tensor:
        """(batch, frames, BANDS) → (batch, EMBEDDING), not normalised."""
        return run(bands.transpose(1, 2), self.head, self.xvector)


def run(x: Tensor, *modules: nn.Module) -> Tensor:
    """Pass ``x`` through modules in turn."""
    for module in modules:
        x = module(x)
    return x


def _norm(channels: int) -> nn.Sequential:
    norm = nn.Sequential()
    norm.add_module("batchnorm", nn.BatchNorm1d(channels))
    norm.add_module("relu", nn.ReLU())
    return norm


class _Head(nn.Module):
    """Two-dimensional convolutions: (batch, bands, frames) → (batch, channels × bands / 8, frames)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, _CHANNELS, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(_CHANNELS)
        self.layer1 = nn.Sequential(_Residual(2), _Residual(1))
        self.layer2 = nn.Sequential(_Residual(2), _Residual(1))
        self.conv2 = nn.Conv2d(_CHANNELS, _CHANNELS, 3, stride=(2, 1), padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(_CHANNELS)

    def forward(self, bands: Tensor) -> Tensor:
        x = self.layer2(self.layer1(relu(self.bn1(self.conv1(bands[:, None])))))
        return relu(self.bn2(self.conv2(x))).flatten(1, 2)


class _Residual(nn.Module):
    """Two convolutions and a way around them; ``stride`` is of the bands."""

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(_CHANNELS, _CHANNELS, 3, stride=(stride, 1), padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(_CHANNELS)
        self.conv2 = nn.Conv2d(_CHANNELS, _CHANNELS, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(_CHANNELS)
        self.shortcut = nn.Sequential()
        if stride != 1:
            around = nn.Conv2d(_CHANNELS, _CHANNELS, 1, stride=(stride, 1), bias=False)
            self.shortcut = nn.Sequential(around, nn.BatchNorm2d(_CHANNELS))

    def forward(self, x: Tensor) -> Tensor:
        return relu(self.bn2(self.conv2(relu(self.bn1(self.conv1(x))))) + self.shortcut(x))


class _Tdnn(nn.Module):
    """Convolution over time that halves the number of frames."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.linear = nn.Conv1d(inputs, outputs, 5, stride=2, padding=2, bias=False)
        self.nonlinear = _norm(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return run(x, self.linear, self.nonlinear)


class _Block(nn.Module):
    """Layers of which each reads the input and the outputs of all before it."""

    def __init__(self, inputs: int, layers: int, dilation: int) -> None:
        super().__init__()
        for number in range(layers):
            self.add_module(f"tdnnd{number + 1}", _DenseLayer(inputs + number * _GROWTH, dilation))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.children():
            x = torch.cat((x, layer(x)), 1)
        return x


class _DenseLayer(nn.Module):
    """One layer of a block: (batch, inputs, steps) → (batch, ``_GROWTH``, steps)."""

    def __init__(self, inputs: int, dilation: int) -> None:
        super().__init__()
        self.nonlinear1 = _norm(inputs)
        self.linear1 = nn.Conv1d(inputs, _BOTTLENECK, 1, bias=False)
        self.nonlinear2 = _norm(_BOTTLENECK)
        self.cam_layer = _ContextMask(dilation)

    def forward(self, x: Tensor) -> Tensor:
        return run(x, self.nonlinear1, self.linear1, self.nonlinear2, self.cam_layer)


class _ContextMask(nn.Module):
    """A convolution over time whose channels are weighed by the context."""

    def __init__(self, dilation: int) -> None:
        super().__init__()
        self.linear_local = nn.Conv1d(_BOTTLENECK, _GROWTH, 3, padding=dilation, dilation=dilation, bias=False)
        self.linear1 = nn.Conv1d(_BOTTLENECK, _BOTTLENECK // 2, 1)
        self.linear2 = nn.Conv1d(_BOTTLENECK // 2, _GROWTH, 1)

    def forward(self, x: Tensor) -> Tensor:
        # The context is the same for all steps of a second, so its mask is computed once for each.
        context = x.mean(-1, keepdim=True) + avg_pool1d(x, _SECOND, _SECOND, ceil_mode=True)
        mask = self.linear2(relu(self.linear1(context))).sigmoid()
        masked: Tensor = self.linear_local(x) * mask.repeat_interleave(_SECOND, -1)[..., : x.shape[-1]]
        return masked


class _Transit(nn.Module):
    """Halves the number of channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.nonlinear = _norm(channels)
        self.linear = nn.Conv1d(channels, channels // 2, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return run(x, self.nonlinear, self.linear)


class _Statistics(nn.Module):
    """Mean and standard deviation over time: (batch, channels, steps) → (batch, 2 × channels)."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat((x.mean(-1), x.std(-1)), -1)


class _Dense(nn.Module):
    """The projection to the vector."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.linear = nn.Conv1d(inputs, EMBEDDING, 1, bias=False)
        self.nonlinear = nn.Sequential()
        self.nonlinear.add_module("batchnorm", nn.BatchNorm1d(EMBEDDING, affine=False))

    def forward(self, x: Tensor) -> Tensor:
        return run(x[..., None], self.linear, self.nonlinear)[..., 0]
