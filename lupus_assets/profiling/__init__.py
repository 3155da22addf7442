"""Rows become profiles: states per cut, version and segment, which add up.

threads    threads that read ahead and profile columns
gathering  one column over all batches, by group of rows
encoding   rows in the codes of the frozen reference: for the surrogate, and for ranks
parting    the rows of a partition split by one segment column
partition  one pass over the rows of a partition
outline    rows profiled without a declaration
sampling   grids, codes and ranks, decided on a sample of the reference window
freezing   the reference window becomes a frozen reference
digest     the part of a declaration that a frozen reference depends on
coverage   the columns of a wide model that are looked at together
record     profiles as rows of a table, and back
"""
