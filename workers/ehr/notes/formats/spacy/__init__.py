"""spaCy pipelines as models on notes: checked config, analysis in children, steps that name clinical context."""
