"""Words of messages that depend on a number."""


def counted(number: int, noun: str, plural: str = "") -> str:
    """`1 record`, `2,048 records`; `plural` where it is not the noun with an s."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
