"""Conversion of PLINK 1, PLINK 2 and BGEN files to a genotype table."""
