"""Genotypes, variants and sequences: files and tables, polygenic scores, networks on panels and on bases."""
