"""The operators that a program may call: arithmetic on tensors, and whole numbers of their sizes.

Whatever a file names is looked up here and nowhere else. None of them reads a file, makes a tensor of a size that it is
given alone, sees storage behind a tensor's back, calls another graph, or draws by chance.
"""

ATEN = frozenset(
    [
        "conv1d.default",
        "conv2d.default",
        "conv3d.default",
        "convolution.default",
        "conv_transpose2d.input",
        "conv_transpose3d.input",
        "batch_norm.default",
        "instance_norm.default",
        "group_norm.default",
        "layer_norm.default",
        "_native_batch_norm_legit_no_training.default",
        "native_group_norm.default",
        "native_layer_norm.default",
        "relu.default",
        "relu_.default",
        "leaky_relu.default",
        "leaky_relu_.default",
        "prelu.default",
        "elu.default",
        "elu_.default",
        "gelu.default",
        "silu.default",
        "silu_.default",
        "sigmoid.default",
        "tanh.default",
        "softplus.default",
        "mish.default",
        "mish_.default",
        "hardswish.default",
        "hardswish_.default",
        "hardsigmoid.default",
        "hardtanh.default",
        "hardtanh_.default",
        "relu6.default",
        "softmax.int",
        "log_softmax.int",
        "_softmax.default",
        "_log_softmax.default",
        "dropout.default",
        "dropout_.default",
        "feature_dropout.default",
        "add.Tensor",
        "add_.Tensor",
        "add.Scalar",
        "sub.Tensor",
        "sub_.Tensor",
        "mul.Tensor",
        "mul_.Tensor",
        "mul.Scalar",
        "div.Tensor",
        "div_.Tensor",
        "div.Scalar",
        "pow.Tensor_Scalar",
        "sqrt.default",
        "rsqrt.default",
        "exp.default",
        "log.default",
        "neg.default",
        "abs.default",
        "reciprocal.default",
        "clamp.default",
        "maximum.default",
        "minimum.default",
        "where.self",
        "mean.dim",
        "mean.default",
        "sum.dim_IntList",
        "amax.default",
        "amin.default",
        "linalg_vector_norm.default",
        "cat.default",
        "stack.default",
        "split.Tensor",
        "split_with_sizes.default",
        "chunk.default",
        "slice.Tensor",
        "select.int",
        "narrow.default",
        "unbind.int",
        "view.default",
        "reshape.default",
        "_unsafe_view.default",
        "flatten.using_ints",
        "unflatten.int",
        "permute.default",
        "transpose.int",
        "t.default",
        "unsqueeze.default",
        "squeeze.default",
        "squeeze.dim",
        "squeeze.dims",
        "expand.default",
        "contiguous.default",
        "clone.default",
        "detach.default",
        "alias.default",
        "to.dtype",
        "_to_copy.default",
        "pad.default",
        "constant_pad_nd.default",
        "roll.default",
        "repeat.default",
        "pixel_shuffle.default",
        "max_pool2d.default",
        "max_pool3d.default",
        "avg_pool2d.default",
        "avg_pool3d.default",
        "adaptive_avg_pool2d.default",
        "adaptive_avg_pool3d.default",
        "adaptive_max_pool3d.default",
        "upsample_nearest2d.vec",
        "upsample_nearest3d.vec",
        "upsample_bilinear2d.vec",
        "upsample_trilinear3d.vec",
        "linear.default",
        "addmm.default",
        "matmul.default",
        "mm.default",
        "bmm.default",
        "einsum.default",
        "scaled_dot_product_attention.default",
    ]
)
"""Overloads of `torch.ops.aten`."""

SIZE = "torch.ops.aten.sym_size.int"
"""How long an axis of a tensor is."""

WHOLE = frozenset({"add", "sub", "mul", "floordiv", "mod", "neg"})
"""Functions of `operator` on whole numbers."""

_ATEN, _OPERATOR = "torch.ops.aten.", "_operator."


def is_allowed(target: str) -> bool:
    """Whether a program may call this."""
    return (
        target == SIZE
        or (target.startswith(_ATEN) and target.removeprefix(_ATEN) in ATEN)
        or (target.startswith(_OPERATOR) and target.removeprefix(_OPERATOR) in WHOLE)
    )


def aten_name(target: str) -> str | None:
    """The overload that it names; None for what works on whole numbers."""
    return target.removeprefix(_ATEN) if target.startswith(_ATEN) and target != SIZE else None


def whole_name(target: str) -> str:
    """The function of `operator` that it names."""
    return target.removeprefix(_OPERATOR)
