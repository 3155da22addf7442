"""Functions of `import lupus_assets`: rows in several forms in, results that a notebook displays out.

rows      a path, an Arrow table, a pandas or Polars frame as Arrow batches
profiled  `profile`: any rows, column by column, with no declaration
compared  `compare`: the distances between two sets of rows
tried     `backtest`: a declared monitor replayed on a log
html      small tables for notebooks

The ``lupus`` command calls the same functions. None of them changes the process: the settings that the
command applies for speed, before numpy is imported, are in `lupus_assets.process.prepare`.
"""
