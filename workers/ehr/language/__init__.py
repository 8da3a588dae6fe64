"""Rules of clinical language: sections, and what is said around a term. Knows no collection and no pipeline."""
