"""The genotype table: what conversions write and the collection `genotypes` reads."""
