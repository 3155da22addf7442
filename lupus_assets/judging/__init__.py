"""Verdicts, incidents and check results from metrics.

series      the metrics of a track as series over partitions
history     series as input of the detector
fact        faults of a partition that need no history
rule        the team's own thresholds
chain       the judgement of one chain of series, partition by partition
track       the chains of a track
checkpoint  the state after a partition as bytes
verdict     rows of the table of verdicts
incident    alarms grouped into incidents
check       verdicts become check results
wording     numbers and series in sentences
"""
