"""Histories in, verdicts out: pure numpy on arrays of shape (partitions, series).

judge      the verdict of every series at every partition, from strictly past partitions
scale      the variance-stabilised scales on which histories are judged
"""
