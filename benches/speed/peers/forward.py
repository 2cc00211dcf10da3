"""Forward passes: PyTorch as it comes, ONNX Runtime, OpenVINO. All in single precision."""

import contextlib
import io
from pathlib import Path

import numpy
import shared
import torch


def run(engine):
    return ENGINES[engine]()


@shared.once
def eager():
    return torch.inference_mode()(lambda: shared.model(shared.sample))


@shared.once
def compiled():
    """By inductor, with what freezing knows of the weights."""
    from torch._inductor import config

    config.freezing = True
    model = torch.compile(shared.model)

    @torch.no_grad()
    def run():
        return model(shared.sample)

    return run


@shared.once
def onnxruntime():
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = shared.threads, 1
    session = onnxruntime.InferenceSession(exported(), options, providers=["CPUExecutionProvider"])
    inputs = {session.get_inputs()[0].name: shared.sample.numpy()}
    return lambda: session.run(None, inputs)[0]


def onnxruntime_library():
    """What the package brings, for a program in another language."""
    import onnxruntime

    (library,) = Path(onnxruntime.__file__).parent.glob("capi/libonnxruntime.*")
    return str(library)


@shared.once
def openvino():
    import openvino

    # Where the processor can, it would compute in bfloat16.
    config = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": shared.threads}
    request = openvino.Core().compile_model(exported(), "CPU", config).create_infer_request()
    inputs = numpy.ascontiguousarray(shared.sample.numpy())

    def infer():
        return request.infer([inputs], share_inputs=True, share_outputs=True)[0]

    return infer


ENGINES = {"eager": eager, "compiled": compiled, "onnxruntime": onnxruntime, "openvino": openvino}


@shared.once
def exported():
    """The network as an ONNX file for this batch size, which both engines plan for."""
    path = shared.folder / "net.onnx"
    with contextlib.redirect_stdout(io.StringIO()):
        torch.onnx.export(shared.model, (shared.sample,), path, dynamo=True, verbose=False)
    return str(path)
