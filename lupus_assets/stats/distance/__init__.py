"""Distances between two windows of a column.

shares            distances of shares in bins of the reference: PSI, Jensen-Shannon, l-infinity
distributions     distances of distribution functions: Kolmogorov-Smirnov, Wasserstein
pooled            distances of rows in bins of both windows: chi-square
table             all distances
pair              inputs of the distances, from a pair of windows
expectation       the expected PSI without drift
contingency       distances of many pairs of counts in one call
binning           the bins of the distances
marginal          the part of a column's state that distances need
stack             one column over many windows: the distances of any two of them
numeric           the stack of a column of numbers
categorical       the stack of a column of categories
as_others_define  distances of raw rows as other packages define them, for comparison with those packages

A new distance is a function in one of the first three modules, and an entry of the table at the end of that
module. It is then a metric of every column with a reference, which rules may name, and a number of every
comparison of windows.

A function takes two arrays that describe a pair of windows, with bins on the last axis, and returns one
number per pair; the other axes are broadcast, for one pair or many stacked pairs. Declarations and the
command line read the tables without numpy and scipy, which functions import when they are called: importing
both would more than double the time of `lupus check`.
"""
