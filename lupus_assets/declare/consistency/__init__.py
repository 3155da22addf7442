"""Mistakes between parts of a declaration, found on its plain data before the parts are built.

plain    access to plain data of any shape
parts    columns, tracks, groups, segments and rules that name each other
timing   cadence, reference window, delays and patterns
pattern  patterns that name the partitions of a log
rule     equal rules, and rules with the same name
"""
