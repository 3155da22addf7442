"""Stores of tables, one module per technology; `memory` is the reference of the contract tests."""
