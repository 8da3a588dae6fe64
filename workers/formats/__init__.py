"""Model formats, one module each: `recognises`, `describe` (imports no torch), `load`; see workers.contract.Format."""
