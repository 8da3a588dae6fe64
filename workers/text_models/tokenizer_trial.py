"""The process in which `workers.text_models.tokenizer_rules` tries a tokenizer: made texts, and limits that kill it.

A pattern that goes back over what it has matched shows on a run of one letter that ends in another.
"""

import resource
import string
import sys
import time

from tokenizers import Tokenizer

_ADDRESSES = 8 << 30
_RUN = 60

PANIC = 3
"""Exit code."""


def texts() -> list[str]:
    """Runs of every printable character, of a few pairs, and blanks, each with an end that breaks it."""
    pieces = [*string.printable, "\u00e9", "\u4e2d", "ab", "a ", "a1", "A a", "a\n", "1.", "a'", "\r\n"]
    return [piece * _RUN + end for piece in pieces for end in ("!", "\n", "x", "")]


def main(path: str, cpu_s: int) -> int:
    """0 where all of it was read, PANIC where a pattern gave up; 1 for what the library refuses to read at all, which
    is told where the tokenizer is opened in earnest.
    """
    spent = int(time.process_time())
    resource.setrlimit(resource.RLIMIT_CPU, (spent + cpu_s, spent + cpu_s))
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESSES, _ADDRESSES))
    try:
        tokenizer = Tokenizer.from_file(path)
        for text in texts():
            tokenizer.encode(text)
    except Exception:  # noqa: BLE001 - the library raises nothing narrower
        return 1
    except BaseException:  # noqa: BLE001 - its panics are no Exception
        return PANIC
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
