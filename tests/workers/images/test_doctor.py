"""What `doctor` says of images."""

from __future__ import annotations

import pytest

from workers.images import doctor
from workers.images.decoding.transfer_syntax import DecoderStatus


def test_all_that_can_be_decoded_has_its_decoder_here() -> None:
    first, *others = doctor.examine()
    assert (first.what, first.state) == ("decoders", "ok")
    assert [finding.says for finding in others if finding.state == "ok"] == [
        "25 video and streaming syntaxes are never decoded (unsupported)"
    ]


def test_what_has_no_decoder_is_told_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    lacking = DecoderStatus("JPEG-LS Lossless", ("pyjpegls",), False, "pip install pyjpegls")
    monkeypatch.setattr(doctor, "decoders", lambda: [lacking])
    said, warned = doctor.examine()
    assert said.says == "0 of 1 transfer syntaxes"
    assert (warned.state, warned.says, warned.remedy) == ("warn", "none for JPEG-LS Lossless", "pip install pyjpegls")
