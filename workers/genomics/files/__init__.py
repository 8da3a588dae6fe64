"""PLINK files as they lie on disk or storage: bed, bim, fam, pgen, pvar, psam, and filesets of them."""
