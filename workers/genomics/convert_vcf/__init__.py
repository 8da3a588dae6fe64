"""Conversion of VCF and BCF to a genotype table."""
