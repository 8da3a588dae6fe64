"""Sessions of onnxruntime: what they are opened with, and what their errors become."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from schemas.errors import RecordError, SpecError, UsageError
from schemas.status import Status
from workers.images.formats.onnx_session import DTYPES, open_session, run


def save(path: Path, kind: int = TensorProto.FLOAT) -> Path:
    """`twice` is x + x; `squared` multiplies x by its transpose, so that only (n, 2) inputs fit `weight`."""
    nodes = [
        helper.make_node("Add", ["x", "x"], ["twice"]),
        helper.make_node("MatMul", ["x", "weight"], ["product"]),
    ]
    weight = helper.make_tensor("weight", kind, [2, 1], np.array([1, 10]))
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", kind, ["n", "width"])],
        [helper.make_tensor_value_info("twice", kind, None), helper.make_tensor_value_info("product", kind, None)],
        [weight],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    return path


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return open_session(save(tmp_path_factory.mktemp("session") / "m.onnx"), "cpu", 1)


def test_outputs_come_in_the_order_in_which_they_are_asked_for(session: Any) -> None:
    x = np.array([[1, 2], [3, 4]], np.float32)
    product, twice = run(session, ["product", "twice"], {"x": x})
    assert (product.tolist(), twice.tolist()) == ([[21], [43]], [[2, 4], [6, 8]])


def test_a_node_that_refuses_its_input_is_the_records_fault_without_the_records_content(session: Any) -> None:
    with pytest.raises(RecordError, match="a node of the graph fails on the prepared image") as caught:
        run(session, ["product"], {"x": np.full((1, 3), 77, np.float32)})
    assert caught.value.status == Status.OUT_OF_CONTRACT
    assert caught.value.__cause__ is None


class Failing:
    """A session of onnxruntime that ends as a device does."""

    def __init__(self, said: str) -> None:
        self.error = onnxruntime.capi.onnxruntime_pybind11_state.Fail(said)

    def run(self, names: list[str], inputs: dict[str, Any]) -> list[Any]:
        raise self.error


@pytest.mark.parametrize("said", ["Failed to allocate memory for requested buffer", "CUDA out of memory", "bad_alloc"])
def test_a_device_without_memory_is_a_memory_error(said: str) -> None:
    with pytest.raises(MemoryError):
        run(Failing(said), [], {})


def test_a_device_that_fails_is_nobodys_fault_and_is_not_swallowed() -> None:
    failing = Failing("Non-zero status code returned while running Conv node. CUDNN failure 4")
    with pytest.raises(type(failing.error)):
        run(failing, [], {})


def test_a_session_spins_no_thread_and_uses_as_many_as_it_is_given(tmp_path: Path) -> None:
    path = save(tmp_path / "m.onnx")
    for threads, used in ((0, 1), (3, 3)):
        options = open_session(path, "cpu", threads).get_session_options()
        assert (options.intra_op_num_threads, options.inter_op_num_threads) == (used, 1)
        assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"


def test_a_file_that_is_no_model_is_refused_by_name_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(b"no model")
    with pytest.raises(SpecError, match=r"m\.onnx: onnxruntime cannot load it \(.+\)") as caught:
        open_session(tmp_path / "m.onnx", "cpu", 1)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif("CUDAExecutionProvider" in onnxruntime.get_available_providers(), reason="it has CUDA")
def test_cuda_that_is_not_there_is_said_with_both_remedies(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"pip install onnxruntime-gpu, or set gpus_per_worker: 0"):
        open_session(tmp_path / "m.onnx", "cuda", 1)


@pytest.mark.parametrize(("name", "dtype"), DTYPES.items())
def test_types_of_graphs_are_those_of_numpy(name: str, dtype: str) -> None:
    sizes = {"float": 4, "float16": 2, "double": 8}
    inner = name.removeprefix("tensor(").removesuffix(")")
    bits = "".join(digit for digit in inner if digit.isdigit())
    assert np.dtype(dtype).itemsize == sizes.get(inner, int(bits or 0) // 8)
