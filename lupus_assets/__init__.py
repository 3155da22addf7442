"""Lupus: monitoring of machine-learning models from one declaration per model.

Importing this package needs neither Dagster nor a service. The rooms, bottom up:

process     environment settings to apply before numpy and pyarrow are imported
errors      every deliberate exception
records     frozen rows that cross a boundary
stats       numpy only: states that add up, distances, performance
detect      numpy only: histories in, verdicts out
declare     the declaration of a model, and its validation
reading     Arrow batches as numpy arrays, by the role of each column
profiling   rows become profiles, and the reference window a frozen reference
measuring   profiles become metrics
judging     metrics become verdicts, incidents and check results
picturing   histories as pictures
ports       interfaces of sources and stores
pipeline    the steps of every asset: read, compute, write
windows     any two windows from stored profiles
replay      a monitor tried on a log before it is switched on
sources     prediction logs
sinks       stores, one package per technology
assets      Dagster: declarations become assets, checks, partitions, schedules, sensors
server      Dagit and its daemon
cli         the ``lupus`` command
"""
