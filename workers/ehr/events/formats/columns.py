"""Names of the columns of a model on events."""


def contributions_name(score: str) -> str:
    """Name of the column that explains a score."""
    return score.replace("score_", "contributions_", 1)
