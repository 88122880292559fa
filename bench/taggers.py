"""Small taggers with the interfaces of known ones, made here: how strong the tones of a few pitches are.

The scores are those of eight bands, each the mean power behind one filter, brought to 0..1 like YAMNet's.
"""

from functools import cache

import flatbuffers
import numpy as np
import onnx
from ai_edge_litert import schema_py_generated as schema
from onnx import TensorProto, helper, numpy_helper

PITCHES = np.array([200, 400, 700, 1000, 1500, 2200, 3200, 5000])
"""Hertz, at a rate of 16,000."""

LENGTH = 15_600
"""Samples that YAMNet's TFLite takes: 0.975 s."""

TAPS, STEP = 256, 128

FILTERS = np.concatenate(
    [wave(2 * np.pi * PITCHES[:, None] * np.arange(TAPS) / 16_000) / 16 for wave in (np.cos, np.sin)]
).astype(np.float32)
"""[2 x bands, taps]."""


def expected(window: np.ndarray) -> np.ndarray:
    """The scores of a window, by numpy: [bands]."""
    frames = np.lib.stride_tricks.sliding_window_view(window.astype(np.float64), TAPS)[::STEP]
    power = ((frames @ FILTERS.T.astype(np.float64)) ** 2).mean(axis=0)
    return np.tanh(power[:8] + power[8:])


@cache
def onnx_tagger(
    length: int | str = "samples", axes: int = 1, outputs: tuple[str, ...] = ("scores", "embeddings")
) -> bytes:
    """An ONNX file of any input length (a name) or a fixed one.

    Like YAMNet's export it gives scores, [frames, 8], and embeddings, [frames, 16].

    Args:
        axes: of the input: [samples], [1, samples] or [1, 1, samples].
        outputs: which, and in which order.
    """

    def constant(name: str, value: object, kind: type = np.int64) -> onnx.TensorProto:
        return numpy_helper.from_array(np.array(value, kind), name)

    nodes = [
        helper.make_node("Reshape", ["waveform", "one_channel"], ["sound"]),
        helper.make_node("Conv", ["sound", "filters"], ["filtered"], strides=[STEP]),
        helper.make_node("Mul", ["filtered", "filtered"], ["power"]),
        helper.make_node("AveragePool", ["power"], ["frames"], kernel_shape=[8], strides=[8]),
        helper.make_node("Squeeze", ["frames", "first"], ["rows"]),
        helper.make_node("Transpose", ["rows"], ["embeddings"], perm=[1, 0]),
        helper.make_node("Split", ["embeddings"], ["cosine", "sine"], axis=1, num_outputs=2),
        helper.make_node("Add", ["cosine", "sine"], ["strength"]),
        helper.make_node("Tanh", ["strength"], ["scores"]),
    ]
    initial = [
        constant("one_channel", [1, 1, -1]),
        constant("first", [0]),
        constant("filters", FILTERS[:, None], np.float32),
    ]
    shapes = {"scores": ["frames", 8], "embeddings": ["frames", 16]}
    graph = helper.make_graph(
        nodes,
        "tagger",
        [helper.make_tensor_value_info("waveform", TensorProto.FLOAT, [1] * (axes - 1) + [length])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shapes[name]) for name in outputs],
        initial,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    return model.SerializeToString()


class _Graph:
    """A TFLite graph in the making."""

    def __init__(self) -> None:
        self.buffers, self.tensors, self.codes = [schema.BufferT()], [], []
        self.operators: list[schema.OperatorT] = []

    def tensor(self, name: str, shape: list[int], value: np.ndarray | None = None) -> int:
        made = schema.TensorT()
        made.name, made.shape, made.buffer = name, shape, 0
        if value is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(value.tobytes(), np.uint8)
            self.buffers.append(buffer)
            made.buffer = len(self.buffers) - 1
            if value.dtype == np.int32:
                made.type = schema.TensorType.INT32
        self.tensors.append(made)
        return len(self.tensors) - 1

    def integers(self, name: str, values: list[int] | int) -> int:
        value = np.array(values, np.int32)
        return self.tensor(name, list(value.shape), value)

    def add(self, name: str, inputs: list[int], outputs: list[int], options: object = None) -> None:
        """An operator; its options are of the class `<Options>T` of the schema."""
        code, made = getattr(schema.BuiltinOperator, name), schema.OperatorT()
        if code not in self.codes:
            self.codes.append(code)
        made.opcodeIndex, made.inputs, made.outputs = self.codes.index(code), inputs, outputs
        if options is not None:
            made.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__[:-1])
            made.builtinOptions = options
        self.operators.append(made)

    def file(self, inputs: list[int], outputs: list[int]) -> bytes:
        graph, model = schema.SubGraphT(), schema.ModelT()
        graph.name, graph.tensors, graph.operators = "main", self.tensors, self.operators
        graph.inputs, graph.outputs = inputs, outputs
        model.version, model.subgraphs, model.buffers = 3, [graph], self.buffers
        model.operatorCodes = []
        for code in self.codes:
            made = schema.OperatorCodeT()
            made.builtinCode = made.deprecatedBuiltinCode = code
            model.operatorCodes.append(made)
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


@cache
def tflite_tagger(length: int = LENGTH, any_length: bool = False) -> bytes:
    """A TFLite file like YAMNet's: `length` samples give scores, [1, 8].

    Args:
        any_length: whether the input may be resized; `length` is then what stands in its place, usually 1.
    """
    graph = _Graph()
    frames = 1 if any_length else (length - TAPS) // STEP + 1
    waveform = graph.tensor("waveform", [length])
    if any_length:
        graph.tensors[waveform].shapeSignature = [-1]
    sound = graph.tensor("sound", [1, 1, length, 1])
    filtered, power = (graph.tensor(name, [1, 1, frames, 16]) for name in ("filtered", "power"))
    mean = graph.tensor("mean", [1, 16])
    cosine, sine, strength, scores = (
        graph.tensor(name, [1, 8]) for name in ("cosine", "sine", "strength", "scores")
    )
    filters = graph.tensor("filters", [16, 1, TAPS, 1], FILTERS)
    bias = graph.tensor("bias", [16], np.zeros(16, np.float32))

    conv, split = schema.Conv2DOptionsT(), schema.SplitOptionsT()
    conv.padding, conv.strideW, conv.strideH = schema.Padding.VALID, STEP, 1
    conv.dilationWFactor = conv.dilationHFactor = 1
    split.numSplits = 2
    graph.add("RESHAPE", [waveform, graph.integers("shape", [1, 1, -1, 1])], [sound])
    graph.add("CONV_2D", [sound, filters, bias], [filtered], conv)
    graph.add("MUL", [filtered, filtered], [power], schema.MulOptionsT())
    graph.add("MEAN", [power, graph.integers("axes", [1, 2])], [mean], schema.ReducerOptionsT())
    graph.add("SPLIT", [graph.integers("axis", 1), mean], [cosine, sine], split)
    graph.add("ADD", [cosine, sine], [strength], schema.AddOptionsT())
    graph.add("TANH", [strength], [scores])
    return graph.file([waveform], [scores])
