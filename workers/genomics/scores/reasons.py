"""What can become of a row of a scoring file: closed lists, as the match log writes them."""

from enum import StrEnum


class Outcome(StrEnum):
    """What became of one row of a scoring file."""

    MATCHED = "matched"
    EXCLUDED = "excluded"
    """It could be found, or need not be looked for, and does not count; the reason says why."""
    UNMATCHED = "unmatched"
    """No variant of the genotypes is the one it names."""


class MatchType(StrEnum):
    """How the alleles fit, best first. The first word is the effect allele's place: `ref...` counts copies of REF."""

    REFALT = "refalt"
    ALTREF = "altref"
    REFALT_FLIP = "refalt_flip"
    ALTREF_FLIP = "altref_flip"
    REF_NO_OA = "ref_no_oa"
    ALT_NO_OA = "alt_no_oa"


class Reason(StrEnum):
    """Why a row is excluded or unmatched, or under what condition it is matched."""

    HAPLOTYPE = "haplotype"
    DIPLOTYPE = "diplotype"
    INTERACTION = "interaction"
    DOSAGE_WEIGHTS = "dosage_weights"
    """A weight for each number of copies, which is no sum over copies."""
    EFFECT_TYPE = "effect_type"
    """Dominant and recessive at once, or of a kind that is not known."""
    BAD_ROW = "bad_row"
    """More fields than the header names."""
    NO_WEIGHT = "no_weight"
    BAD_WEIGHT = "bad_weight"
    """Not a finite number."""
    NO_EFFECT_ALLELE = "no_effect_allele"
    SAME_ALLELES = "same_alleles"
    """The other allele is the effect allele."""
    NO_POSITION = "no_position"
    NO_ID = "no_id"
    WRONG_BUILD = "wrong_build"
    NO_VARIANT = "no_variant"
    """None lies at the position, or has the id."""
    OTHER_ALLELES = "other_alleles"
    """One lies there, with other alleles."""
    AMBIGUOUS = "ambiguous"
    """A/T or C/G, dropped."""
    AMBIGUOUS_NO_FREQUENCY = "ambiguous_no_frequency"
    AMBIGUOUS_COMMON = "ambiguous_common"
    """A/T or C/G with a frequency too near a half to tell the strand."""
    AMBIGUOUS_KEPT = "ambiguous_kept"
    """A/T or C/G, matched as it stands."""
    AMBIGUOUS_FREQUENCY = "ambiguous_frequency"
    """A/T or C/G, matched on the strand that the frequencies agree on."""
    DUPLICATE_TARGET = "duplicate_target"
    """Several variants of the genotypes fit equally well."""
    DUPLICATE_ROW = "duplicate_row"
    """An earlier row of the score says the same, or counts in its place."""
    DUPLICATE_WEIGHTS = "duplicate_weights"
    """Several rows of the score name one variant and do not agree."""
    MULTI_ALLELIC = "multi_allelic"
    """Copies of REF at a site of several ALTs, which only an additive weight can count."""
