"""Rows become profiles: mergeable states per cut, version and segment.

threads    threads that read ahead and profile columns
groups     the groups of rows of a batch
gathering  the states of one column over all batches, by group of rows
encoding   rows in the codes of the frozen reference: for the surrogate, and for ranks
parting    the profiles of a partition split by one segment column
labelled   predictions with their labels
partition  one pass over the rows of a partition
profiled   the profiles of one cut of a partition
outline    rows profiled without a declaration
sampling   grids, codes and ranks from a sample of the reference window
freezing   the reference window becomes a frozen reference
digest     the part of a declaration that a frozen reference depends on
coverage   the number of inputs of a wide model in its surrogate and correlations
record     profiles as rows of a table, and back
"""
