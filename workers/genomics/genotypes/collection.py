"""Collection `genotypes` as a job sees it: match, count, predict; and what lies between where scores are adjusted."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import pyarrow as pa

from cluster.storage import StorageSettings
from schemas.errors import RefusedError, SpecError
from schemas.spec import Compute
from schemas.wording import counted
from workers.collection import StagePlan, TrialPart
from workers.contract import ModelCard
from workers.finished_runs.plan import PlanReader
from workers.finished_runs.stage import FinishedStage
from workers.genomics.genotypes import adjusting, counting, fitting, match_stage, planning
from workers.genomics.genotypes.groups import groups_of
from workers.genomics.genotypes.layout import COUNT, FIT, MATCH, SCORE, SIGNPOSTS, stages_of
from workers.genomics.genotypes.models import settle
from workers.genomics.genotypes.outputs import PANEL
from workers.genomics.genotypes.qc import header_types
from workers.genomics.genotypes.reference_bases import reference_etag
from workers.genomics.genotypes.settings import GenotypesInput
from workers.genomics.genotypes.source import Genotypes, Identity
from workers.genomics.genotypes.steps import Steps, parse_steps
from workers.genomics.genotypes.tables import components_at, file_digest, frequencies_at

Batches = Callable[[], Iterator[pa.RecordBatch]]
_FORECAST = 16
"""Samples that are asked for where time is to be told: a scan of fewer than a block costs nearly as much."""


class GenotypesCollection:
    """Implements `workers.collection.Collection`.

    Which stages there are depends on the steps of the models, which `prepare` gets before anything is planned.
    """

    def __init__(self, source: GenotypesInput, storage: StorageSettings, compute: Compute) -> None:
        self.source = source
        self.genotypes = Genotypes(source, storage)
        self._storage = storage
        self._compute = compute
        self._steps: list[Steps] = []
        self._fills = False

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages that the models' steps ask for, in their order (`workers.genomics.genotypes.layout`)."""
        return stages_of(self.source, self._steps, self._fills)

    def prepare(self, card: ModelCard, given: tuple[Any, ...] | None) -> tuple[Any, ...]:
        """Steps of the spec, else those of the model directory."""
        raw = tuple(card.prepare) if given is None else given
        steps = parse_steps(list(raw))
        if card.format == PANEL and steps.impute.missing == "none":
            raise SpecError("impute: a network over a panel needs a value for every variant; take missing: frequency")
        if card.format == PANEL and steps.adjust is not None:
            raise SpecError("adjust: goes with directories of scores, and this is a network over a panel")
        self._refuse_build(card)
        self._steps.append(steps)
        fills = steps.impute.missing == "frequency" and steps.impute.frequencies is None
        self._fills |= fills and card.format != PANEL
        return raw

    def with_steps(self, card: ModelCard, steps: Sequence[Any]) -> ModelCard:
        """The card with the columns that scores or network give under these steps."""
        return settle(card, steps)

    def _refuse_build(self, card: ModelCard) -> None:
        build = card.settings.get("genome_build")
        if card.format == PANEL and self.source.build is not None and build != self.source.build:
            raise SpecError(f"its panel is of {build}, and input.build is {self.source.build}: they cannot be matched")

    def plan(self, stage: str, finished: Sequence[FinishedStage], models: Mapping[str, ModelCard]) -> StagePlan:
        """The plan of the stage. Raises RefusedError where the genotypes are not those of the stages before."""
        found = self.genotypes.identity()
        self._refuse_change(found, finished)
        if not finished:
            # What cannot be used is refused before anything is written.
            self._refuse_few(self.genotypes.samples.height)
            self._refuse_unused_tables(models)
        after = {"after": finished[-1].run.fingerprint} if finished else {}
        uri = self.source.uri
        match stage:
            case _ if stage == MATCH:
                batches = partial(planning.score_batches, models, uri, found)
                return StagePlan(
                    MATCH,
                    planning.SCORE_SCHEMA,
                    batches,
                    columns=match_stage.COLUMNS,
                    kind="shards",
                    shard_records=planning.MATCH_SCORES,
                    whole_subjects=True,
                    state={**after, "tables": self._digests(), **self._reference()},
                    with_models=True,
                    signposts=SIGNPOSTS,
                )
            case _ if stage == COUNT:
                return StagePlan(
                    COUNT,
                    planning.RANGE_SCHEMA,
                    lambda: self._ranges(found),
                    columns=counting.COLUMNS,
                    kind="shards",
                    shard_records=1,
                    state=after,
                )
            case _ if stage == FIT:
                return fitting.plan(models, {**after, "tables": self._digests()})
        return self._samples(stage, finished, models, found, after)

    def _ranges(self, found: Identity) -> Iterator[pa.RecordBatch]:
        genotypes = self.genotypes
        return planning.range_batches(genotypes.variants, genotypes.samples.height, self.source.uri, found)

    def _samples(
        self,
        stage: str,
        finished: Sequence[FinishedStage],
        models: Mapping[str, ModelCard],
        found: Identity,
        after: Mapping[str, Any],
    ) -> StagePlan:
        """A stage whose records are samples. `score` has the columns that `predict` has, but for adjusted ones."""
        samples = self.genotypes.samples
        columns = adjusting.columns_before(models) if stage == SCORE else None
        counted = self.genotypes.has_counts or COUNT in self.stages
        qc = header_types(self.source, self.genotypes.variants, counted)
        return StagePlan(
            stage,
            planning.SAMPLE_SCHEMA,
            lambda: planning.sample_batches(samples, self.source.uri, found),
            carry=tuple(field.name for field in planning.SAMPLE_FIELDS),
            header_carry=tuple(qc),
            header_types=qc,
            columns=columns,
            kind="shards",
            shard_records=planning.samples_a_shard(
                samples.height, models, self.source.format == "table", self._compute
            ),
            state={**after, "stages": self.stages, "groups": groups_of(finished), "tables": self._digests()},
            with_models=True,
        )

    def trial_part(self, stage: str, plan: PlanReader, records: int) -> TrialPart | None:
        """All scores, one range of variants to count, and the first samples: a block of them to forecast from.

        Stage `fit` needs every sample, so adjusted scores are not tried.
        """
        total = plan.info.records
        if stage == FIT or (FIT in self.stages and stage == self.stages[-1]):
            return None
        if stage == MATCH:
            return TrialPart(range(total), of_all=True)
        if stage == COUNT:
            return TrialPart([total // 2], of_all=True)
        return TrialPart(range(min(total, planning.BLOCK if records >= _FORECAST else records)), of_all=True)

    def _refuse_change(self, found: Identity, finished: Sequence[FinishedStage]) -> None:
        if finished and finished[0].plan().shard(0)["etag"][0].as_py() != found.digest:
            raise RefusedError(
                "the genotypes at input.uri were changed since the run began: restore them, or choose another "
                "output.uri"
            )

    def _refuse_few(self, samples: int) -> None:
        for impute in (steps.impute for steps in self._steps if self._fills):
            if impute.missing == "frequency" and impute.frequencies is None and samples < impute.min_samples:
                raise SpecError(
                    f"impute: {counted(samples, 'sample')} can say too little of frequencies (min_samples is "
                    f"{impute.min_samples}). Give a table of frequencies, or take missing: none, or lower min_samples"
                )

    def _refuse_unused_tables(self, models: Mapping[str, ModelCard]) -> None:
        """Raises SpecError for tables of which nothing is used, and for what `tables` refuses."""
        given = {steps.impute.frequencies for steps in self._steps} - {None}
        if given and all(card.format == PANEL for card in models.values()):
            raise SpecError("impute.frequencies: is of no use to a panel, which has its own: take it out")
        for uri in sorted(map(str, given)):
            frequencies_at(uri, self._storage, file_digest(uri, self._storage), self.genotypes.variants)
        for uri in sorted({s.adjust.components for s in self._steps if s.adjust and s.adjust.components}):
            components_at(uri, self._storage, file_digest(uri, self._storage), self.genotypes.samples)

    def _reference(self) -> dict[str, str]:
        """The version of the reference. Raises SpecError where it is of no use."""
        uri = self.source.reference
        if uri is None:
            return {}
        variants = self.genotypes.variants
        if "end" not in variants.columns or not variants["end"].count():
            raise SpecError("input.reference: the genotypes have no blocks of a gVCF, and it is of no use: take it out")
        return {"reference": reference_etag(uri, self._storage)}

    def _digests(self) -> dict[str, str]:
        """Digests of the tables that the steps name: what they hold decides rows."""
        uris = [steps.impute.frequencies for steps in self._steps]
        uris += [steps.adjust.components for steps in self._steps if steps.adjust is not None]
        return {uri: file_digest(uri, self._storage) for uri in uris if uri is not None}

    def look(self, tables: Iterable[pa.Table]) -> Mapping[str, Any]:
        """Samples, variants and chromosomes."""
        variants = self.genotypes.variants
        counted = variants.group_by("chrom", maintain_order=True).len()
        return {
            "samples": self.genotypes.samples.height,
            "variants": variants.height,
            "by_chromosome": dict(counted.iter_rows()),
        }


def open_collection(source: GenotypesInput, storage: StorageSettings, compute: Compute) -> GenotypesCollection:
    """The genotypes that the input names, whatever holds them. Raises SpecError if they cannot be used."""
    return GenotypesCollection(source, storage, compute)
