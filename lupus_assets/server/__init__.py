"""Dagit and its daemon, started and ended together.

dagit      Dagster's webserver, with the one correction it needs
__main__   ``python -m lupus_assets.server``: webserver and daemon as processes of one group each
"""
