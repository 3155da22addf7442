"""Distances between two windows of a column.

formula           PSI, Jensen-Shannon, Kolmogorov-Smirnov, Wasserstein, chi-square of two sets of counts
contingency       the same for many pairs of counts at once
binning           the bins that distances are taken on
marginal          the part of a column's state that distances need
stack             one column over many windows: the distances between any two of them
as_others_define  distances of raw rows as other packages define them, for comparison with those packages
"""
