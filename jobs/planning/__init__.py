"""From an input to a frozen plan on storage."""
