"""Genotypes as files and tables hold them: what the converters and the collection `genotypes` share."""
