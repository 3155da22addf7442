"""What `import lupus_assets` gives: rows in any of a few forms in, results that a notebook draws out.

rows      a path, an Arrow table, a pandas or Polars frame as Arrow batches
profiled  `profile`: any rows, column by column, with no declaration
compared  `compare`: how far some rows lie from others
tried     `backtest`: a declared monitor replayed on a log
html      small tables for notebooks

The ``lupus`` command is made of the same functions. None of them changes the process: what the command sets
for speed, and may be set before numpy is imported, is `lupus_assets.process.prepare`.
"""
