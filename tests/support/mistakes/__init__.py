"""The corpus of mistakes in `tests/cases/mistakes/`: what people type, how it must end, and what must be said."""
