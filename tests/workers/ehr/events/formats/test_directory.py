"""The model format on events: cards, clear errors, scores that depend on nothing but the record."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file

from schemas.errors import InfrastructureError, SpecError
from tests.workers.ehr.events.formats.event_histories import codes_table, part, some_histories
from workers import registry
from workers.contract import Placement
from workers.ehr.events.formats import directory as event_model
from workers.ehr.events.formats.make_directory import make_event_model_directory
from workers.ehr.events.networks.packed import PackedHistories
from workers.models.detect import describe

INPUTS = ["value", "delta", "ago", "age"]
LENGTHS = [12, 1, 300, 3, 40, 41, 42, 2, 7, 90]
SETTINGS = {
    "event_rnn": {"embedding": 8, "hidden": 12, "inputs": INPUTS},
    "retain": {"embedding": 8, "hidden_alpha": 6, "hidden_beta": 6, "inputs": INPUTS},
    "code_transformer": {"embedding": 8, "heads": 2, "feedforward": 16, "inputs": INPUTS, "sinusoids": ["ago"]},
}


def directory(tmp_path, network="event_rnn", settings=None, **more):
    more = {"encoding": {"clip": 5.0}, "labels": ("death", "readmission"), **more}
    settings = {**SETTINGS[network], **(settings or {})}
    return make_event_model_directory(tmp_path / network, network, codes_table(), seed=1, settings=settings, **more)


def opened(folder, threads=1):
    card = event_model.FORMAT.describe(folder)
    return event_model.FORMAT.open_encoder(folder, card, 1), event_model.FORMAT.load(
        folder, card, Placement("cpu", threads)
    )


def plain(folder, histories):
    """Scores of one record at a time by the network as its file builds it, on what a loop of the encoder gives."""
    config = json.loads((folder / "config.json").read_text())
    module = registry.networks("events").load(config["network"])
    network = module.build(module.Config.model_validate(config["settings"])).eval()
    network.load_state_dict(load_file(folder / "model.safetensors"))
    encoder, _ = opened(folder)
    rows = []
    for record in range(len(histories)):
        one = encoder.encode(part(histories, record, record + 1))
        sequences = PackedHistories(
            torch.from_numpy(one.lengths),
            torch.from_numpy(one.code).long(),
            {name: torch.from_numpy(column) for name, column in one.columns.items()},
            None if one.visit is None else torch.from_numpy(one.visit),
        )
        with torch.inference_mode():
            rows.append(torch.sigmoid(network(sequences))[0].numpy())
    return np.stack(rows)


def scores(values):
    return np.stack([values["score_death"], values["score_readmission"]], axis=1)


@pytest.mark.parametrize("network", registry.NETWORKS["events"])
def test_scores_equal_the_plain_networks_one_record_at_a_time(tmp_path, network):
    folder = directory(tmp_path, network)
    histories = some_histories(LENGTHS)
    encoder, scorer = opened(folder)
    values = scorer.score([encoder.encode(histories)])
    np.testing.assert_allclose(scores(values), plain(folder, histories), rtol=0, atol=1e-5)
    assert scores(values).dtype == np.float32
    assert np.ptp(scores(values)[:, 0]) > 1e-3


@pytest.mark.parametrize("network", registry.NETWORKS["events"])
def test_parts_batches_and_threads_change_no_score(tmp_path, network):
    folder = directory(tmp_path, network)
    histories = some_histories(LENGTHS)
    encoder, scorer = opened(folder)
    whole = scorer.score([encoder.encode(histories)])
    parts = [encoder.encode(part(histories, start, end)) for start, end in ((0, 3), (3, 4), (4, 10))]
    _, threaded = opened(folder, threads=3)
    scorer.ladder.budget = 64
    for values in (scorer.score(parts), threaded.score(parts), scorer.score(parts)):
        np.testing.assert_allclose(scores(values), scores(whole), rtol=0, atol=1e-6)
        for name in ("oov_rate", "n_used", "truncated"):
            assert values[name].tolist() == whole[name].tolist()
    alone = [scorer.score([encoder.encode(part(histories, n, n + 1))]) for n in range(len(LENGTHS))]
    np.testing.assert_allclose(np.concatenate([scores(one) for one in alone]), scores(whole), rtol=0, atol=1e-6)


def test_contributions_and_bias_sum_to_the_score_before_its_activation(tmp_path):
    outputs = {"contributions": True, "codes": True, "embedding": True}
    folder = directory(tmp_path, "retain", outputs=outputs, encoding={"max_events": 50, "clip": 5.0})
    histories = some_histories(LENGTHS)
    encoder, scorer = opened(folder)
    values = scorer.score([encoder.encode(histories)])
    bias = scorer.network.head.bias.numpy()
    for label, name in enumerate(("death", "readmission")):
        score = values[f"score_{name}"].astype(np.float64)
        rows = values[f"contributions_{name}"]
        summed = np.array([sum(row["contribution"] for row in record) for record in rows]) + bias[label]
        np.testing.assert_allclose(summed, np.log(score / (1 - score)), rtol=0, atol=1e-4)
        for record, length in enumerate(LENGTHS):
            events = [row["event"] for row in rows[record]]
            assert events == list(range(max(0, length - 50), length))
            at = histories.offsets[record] + events[-1]
            assert rows[record][-1]["code"] == histories.code_names[histories.code[at]]
            assert rows[record][-1]["time"] == histories.time[at]
    by_name = {field.name: field for field in scorer.outputs}
    assert len(pa.array(values["contributions_death"], by_name["contributions_death"].arrow_type)) == len(LENGTHS)
    assert [len(row) for row in values["embedding"]] == [8] * len(LENGTHS)


def test_only_the_largest_contributions_are_written_where_the_model_says_so(tmp_path):
    folder = directory(tmp_path, "retain", outputs={"contributions": True, "top": 3})
    encoder, scorer = opened(folder)
    rows = scorer.score([encoder.encode(some_histories(LENGTHS))])["contributions_death"]
    assert [len(row) for row in rows] == [min(3, length) for length in LENGTHS]
    sizes = [abs(row["contribution"]) for row in rows[2]]
    assert sizes == sorted(sizes, reverse=True)
    assert "code" not in rows[2][0]


def test_a_refused_record_takes_no_place_from_its_neighbours(tmp_path):
    folder = directory(tmp_path, encoding={"oov": "drop"})
    histories = some_histories(LENGTHS)
    histories.code[histories.offsets[1]] = len(histories.code_names) - 1
    encoder, scorer = opened(folder)
    encoded = encoder.encode(histories)
    assert list(encoded.refused) == [1]
    rest = [encoder.encode(part(histories, 0, 1)), encoder.encode(part(histories, 2, len(LENGTHS)))]
    found = scores(scorer.score([encoded]))
    np.testing.assert_allclose(np.delete(found, 1, axis=0), scores(scorer.score(rest)), rtol=0, atol=1e-6)


def test_a_shard_without_memory_is_scored_in_halves_and_the_size_is_remembered(tmp_path, monkeypatch):
    folder = directory(tmp_path)
    encoder, scorer = opened(folder)
    encoded = encoder.encode(some_histories(LENGTHS))
    whole = scores(scorer.score([encoded]))
    features, most = scorer.network.features, 310

    def short_of_memory(sequences):
        if len(sequences.code) > most:
            raise torch.OutOfMemoryError("no memory")
        return features(sequences)

    monkeypatch.setattr(scorer.network, "features", short_of_memory)
    np.testing.assert_allclose(scores(scorer.score([encoded])), whole, rtol=0, atol=1e-6)
    assert scorer.ladder.budget < sum(LENGTHS)
    most = 100
    with pytest.raises(InfrastructureError, match="history of one record"):
        scorer.score([encoded])


def test_the_card_says_what_the_directory_says(tmp_path):
    folder = directory(tmp_path, task="30 days", code_system="local", outputs={"embedding": True})
    name, card = describe(folder, "events")
    assert name == card.format == "events"
    assert [field.name for field in card.outputs] == [
        "score_death",
        "score_readmission",
        "oov_rate",
        "n_used",
        "truncated",
        "embedding",
    ]
    assert card.settings["task"] == "30 days"
    assert "never trained" in (folder / "model_card.md").read_text()
    again = directory(tmp_path / "again", task="30 days", code_system="local", outputs={"embedding": True})
    assert (folder / "model.safetensors").read_bytes() == (again / "model.safetensors").read_bytes()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"network": "event_rn"}, "did you mean 'event_rnn'"),
        ({"settings": {"num_codes": 50}}, "num_outputs"),
        ({"settings": {"num_codes": 5, "num_outputs": 2}}, "indices run from 1 to 42, must lie between 1 and 4"),
        ({"settings": {"num_codes": 50, "num_outputs": 3}}, "differs from the number of head.labels"),
        ({"outputs": {"contributions": True}}, "only network 'retain' is a sum over events"),
        ({"encoding": {"oof": "drop"}}, "oov"),
    ],
)
def test_a_directory_that_does_not_fit_is_refused_with_the_reason(tmp_path, change, message):
    folder = directory(tmp_path)
    config = json.loads((folder / "config.json").read_text()) | change
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(SpecError, match=message):
        event_model.FORMAT.describe(folder)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (codes_table().drop_columns("code/vocab_index"), "has no column 'code/vocab_index'"),
        (codes_table().drop_columns("values/std"), "encoding.clip needs the columns"),
        (pa.concat_tables([codes_table(), codes_table().slice(0, 1)]), "occurs twice"),
    ],
)
def test_a_vocabulary_that_cannot_be_used_is_refused(tmp_path, table, message):
    folder = directory(tmp_path)
    pq.write_table(table, folder / "codes.parquet")
    with pytest.raises(SpecError, match=message):
        event_model.FORMAT.describe(folder)
    (folder / "codes.parquet").write_bytes(b"PAR1 not Parquet")
    with pytest.raises(SpecError, match="cannot be read as Parquet"):
        event_model.FORMAT.describe(folder)
