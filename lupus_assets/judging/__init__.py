"""Metrics become verdicts, incidents and check results.

series      the metrics of a track as series over partitions
history     series as the detector takes them
fact        what is wrong in a partition whatever its history
rule        the team's own thresholds
chain       the judgement of one chain of partitions, partition by partition
track       the chains of a track
checkpoint  the state behind a partition as bytes
verdict     rows of the table of verdicts
incident    alarms that belong together
check       verdicts become check results
wording     numbers and series in sentences
"""
