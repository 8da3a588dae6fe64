"""Conversion of PLINK 1 and PLINK 2 files to a genotype table."""
