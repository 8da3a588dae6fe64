"""`wardround export FORMAT RUN --to PLACE`: the rows of a finished run as others read them."""

from __future__ import annotations

import argparse
import importlib
from typing import Any

EXPORTERS: dict[str, tuple[str, str]] = {
    "meds": ("jobs.cli.export_meds", "predictions over events in the schema of meds-evaluation"),
    "note_nlp": ("jobs.cli.export_note_nlp", "entities of notes as table NOTE_NLP of the OMOP CDM"),
    "sscore": ("jobs.cli.export_sscore", "polygenic scores as plink2 --score writes them"),
    "vcf": ("jobs.cli.export_vcf", "the VCF that was scored, with the scores in INFO"),
}
"""By format: the module with `add_arguments` and `call`, and what it writes."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the formats, each with its arguments."""
    formats = parser.add_subparsers(dest="format", metavar="FORMAT", required=True, parser_class=type(parser))
    for name, (place, text) in EXPORTERS.items():
        sub = formats.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        module: Any = importlib.import_module(place)
        module.add_arguments(sub)
        sub.set_defaults(export=module.call)


def call(arguments: argparse.Namespace) -> int:
    """As the format's own."""
    code: int = arguments.export(arguments)
    return code
