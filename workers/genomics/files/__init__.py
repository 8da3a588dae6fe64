"""Genotypes as they lie on disk or storage: bed, bim, fam, pgen, pvar, psam, bgen, sets of them; records of BCF."""
