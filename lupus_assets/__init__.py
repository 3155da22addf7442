"""Lupus: monitoring of machine-learning models from one declaration per model.

Importing this package needs neither Dagster nor a service. The rooms, bottom up:

process   what a process has to be told where it starts
errors    every deliberate exception
records   frozen rows that cross a boundary
stats     pure numpy: states that add up, distances, performance
detect    pure numpy: histories in, verdicts out
declare   what a user writes, and its validation
monitor   what a declaration means for Arrow rows: profile, metrics, verdicts, checks, comparison
ports     what the library asks of a source and of a store
pipeline  the steps of every asset: read, compute, write
compare   any two windows from stored profiles
backtest  a monitor tried on a log before it is switched on
sources   prediction logs
sinks     stores, one module per technology
assets    Dagster: declarations become assets, checks, partitions, schedules, sensors
server    Dagit and its daemon
cli       the ``lupus`` command
"""
