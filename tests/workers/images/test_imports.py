from __future__ import annotations

import subprocess
import sys

from pydicom.valuerep import VR

from workers.images.decoding import sniff


def test_a_worker_that_reads_png_imports_neither_pydicom_nor_tifffile():
    code = (
        "import sys, workers.images.stages, workers.images.handler, workers.pipeline.factory;"
        "print([n for n in ('pydicom', 'tifffile', 'SimpleITK', 'torch') if n in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_the_value_representations_are_those_of_pydicom():
    assert {str(vr).encode() for vr in VR if len(str(vr)) == 2} == sniff._EXPLICIT
