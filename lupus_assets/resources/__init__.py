"""Typed Dagster resources with the addresses of an installation, and the environments that choose them."""
