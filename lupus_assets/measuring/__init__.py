"""Profiles become metrics: numbers with a sampling variance, or the reason why there is none.

column      metrics of one column, and its distances to the reference
partition   the metrics of a partition
drift       any two windows of stored profiles
comparison  an old and a new track over the same rows
"""
