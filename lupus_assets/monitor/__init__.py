"""What a declaration means for rows: Arrow batches in, rows of the tables out.

No file, no clock, no Dagster: values in, values out.

intake       Arrow columns as numpy arrays, without pandas
role         what each column is, and how it is profiled
profiling    batches become a profile, one per version and segment
outline      rows profiled with no declaration
clustering   rows without a value by the time they share
freezing     the reference window becomes a frozen reference
metric       numbers of one column's state
measuring    profiles become metrics
ledger       metrics as histories
history      histories as the detector takes them
verdict      histories become verdicts, each with a sentence
incident     alarms that belong together
rule         the team's own thresholds
trail        the history of a series as a small and a large picture
check        verdicts become check outcomes, each with a sentence
drift        any two windows from stored profiles
comparison   an old and a new track over the same rows
"""
