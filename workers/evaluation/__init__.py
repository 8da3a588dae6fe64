"""`job: evaluate`: rows of a finished run held against what was true.

Stage `join` brings labels to the rows, a shard of the run at a time; stage `figures` makes a row for each outcome and
group, and `metrics.json`.
"""
