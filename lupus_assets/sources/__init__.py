"""Prediction logs, one module per technology; each implements `lupus_assets.ports.Source`."""
