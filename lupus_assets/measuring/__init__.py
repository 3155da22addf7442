"""Metrics of profiles: numbers with a sampling variance, or the reason for a missing number.

column      metrics of one column, and its distances to the reference
partition   the metrics of a partition
drift       distances between any two windows of stored profiles
comparison  an old and a new track over the same rows
"""
