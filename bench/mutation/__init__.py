"""Mutation testing: the share of small faults in the code that the unit tests notice."""
