"""Arguments that several commands have are declared once and mean the same."""

import argparse

import pytest

from jobs.cli.arguments import add_json, add_run


def test_a_run_is_required_and_json_is_off_unless_asked_for() -> None:
    parser = argparse.ArgumentParser()
    add_run(parser)
    add_json(parser)
    assert vars(parser.parse_args(["/out"])) == {"run": "/out", "json": False}
    assert parser.parse_args(["s3://b/out", "--json"]).json
    with pytest.raises(SystemExit):
        parser.parse_args([])
