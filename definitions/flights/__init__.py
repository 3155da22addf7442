"""The demonstration team."""
