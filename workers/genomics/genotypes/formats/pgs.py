"""Polygenic scores as a model: a directory of scoring files of the PGS Catalog, or plain tables of weights.

There is nothing else in it. Each score is an output named by its accession, or, in a plain table, by the file or by its
column. Files that begin with `readme` or `license` are passed over. Which files are read:
`workers.genomics.scores.files`.
"""

import re
from pathlib import Path

from schemas.errors import SpecError
from schemas.outputs import OutputField
from workers.contract import Format, ModelCard
from workers.genomics.scores.files import iterate_names, score_files

LOW_OVERLAP = "low_overlap"
"""The output that names scores of which too few variants were found."""

_RESERVED = {"record_id", "subject_id", "status", "detail", LOW_OVERLAP, "allele_ct", "denom", "named_dosage"}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")


class ScoringFiles:
    """Files of weights that are matched to the genotypes."""

    looks_for = "scoring files (.txt, .tsv, .csv, each also .gz, or .parquet) and no config.json"

    def recognises(self, directory: Path) -> bool:
        """Whether there are files that could be scoring files, and no `config.json`."""
        return not (directory / "config.json").exists() and bool(score_files(directory))

    def describe(self, directory: Path) -> ModelCard:
        """The card from the tops of all files.

        Raises SpecError for a file that is no scoring file, and for two scores of one name.
        """
        scores: dict[str, str] = {}
        files = []
        for path, names in iterate_names(directory):
            for score in names.scores:
                if score in scores:
                    raise SpecError(
                        f"{directory}: files {scores[score]!r} and {path.name!r} both hold a score {score!r}"
                    )
                if score.lower() in _RESERVED or not _NAME.fullmatch(score) or "__" in score:
                    raise SpecError(
                        f"{path}: {score[:40]!r} cannot be the name of a score: letters, digits and . _ : - only, "
                        "no two underscores together, none of a run's own columns"
                    )
                scores[score] = path.name
            files.append({"name": path.name, "scores": list(names.scores)})
        outputs = [
            OutputField(name=score, type="float64", meaning="sum of effect alleles by their weights")
            for score in scores
        ]
        low = OutputField(
            name=LOW_OVERLAP,
            type="list<string>",
            meaning="scores without a value since too few of their variants were found",
        )
        return ModelCard(format="pgs", outputs=(*outputs, low), settings={"scores": list(scores), "files": files})


FORMAT: Format = ScoringFiles()
