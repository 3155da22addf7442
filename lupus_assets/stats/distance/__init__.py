"""Distances between two windows of a column.

shares            on shares in bins of the reference: PSI, Jensen-Shannon, l-infinity
distributions     of distribution functions: Kolmogorov-Smirnov, Wasserstein
pooled            on rows in bins of both windows: chi-square
table             all of them
pair              what they take of a pair of windows
expectation       the PSI that sample size alone gives
contingency       the distances of many pairs of counts at once
binning           the bins that distances are taken on
marginal          the part of a column's state that distances need
stack             one column over many windows: the distances between any two of them
numeric           the stack of a column of numbers
categorical       the stack of a column of categories
as_others_define  distances of raw rows as other packages define them, for comparison with those packages

A new distance is a function in one of the first three modules, and an entry of the table behind it. It then
is a metric of every column that has a reference, which rules may name, and a number of every comparison of
windows.

A function takes two arrays that describe a pair of windows, with bins on the last axis, and returns one
number per pair: the other axes are broadcast, so that one pair and many stacked pairs are the same call.
Declarations and the command line read the tables without numpy, which functions import as they are called:
with scipy it would more than double the time of `lupus check`.
"""
