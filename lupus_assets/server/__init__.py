"""Dagit and its daemon as one program.

dagit      Dagster's webserver, with the corrections it needs and the one route that is ours
host       by which names it may be asked
history    that route: what a check links to, read from the tables when it is asked for
page       its pages as HTML
lost_runs  runs whose process is gone, and which Dagster takes for running
__main__   ``python -m lupus_assets.server``: webserver and daemon as processes of one group each
"""
