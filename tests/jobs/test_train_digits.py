"""The example of a training on scikit-learn's digits: trained, applied, and right on the third that was held out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from jobs.demo.digits import digits
from tests.support.cli import ROOT
from tests.support.labelled_pictures import write
from tests.support.runs import rows, run


@pytest.mark.long
def test_five_epochs_of_kerass_first_example_tell_digits_apart(tmp_path: Path) -> None:
    assert write(digits(), tmp_path / "digits") == 1797
    text = (ROOT / "jobs" / "specs" / "train-digits.yaml").read_text(encoding="utf-8")
    threads = torch.get_num_threads()
    run(text.replace("../../", f"{tmp_path}/"))
    run(
        f"job: predict\nname: digits\ninput: {{collection: images, uri: {tmp_path}/digits/pictures/}}\n"
        f"models: {{digits: {{uri: {tmp_path}/runs/digits/model/}}}}\noutput: {{uri: {tmp_path}/scored/}}\n"
        "compute: {pool: serial}\n"
    )
    torch.set_num_threads(threads)
    labels = pl.read_csv(tmp_path / "digits" / "labels.csv")
    found = rows(tmp_path / "scored").join(labels, left_on="record_id", right_on="picture")
    held_out = found.filter(pl.col("split") == "held_out")
    assert len(held_out) == 599
    answers = held_out.select([f"score_{digit}" for digit in range(10)]).to_numpy().argmax(1)
    assert np.mean(answers == held_out["label"].to_numpy()) >= 0.985
