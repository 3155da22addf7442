"""Additive states of columns, and the metrics computed from them; numpy and scipy only.

A *state* is the result of one pass over the rows: a frozen dataclass with ``of``, ``empty``
and ``+``, where ``of(a) + of(b)`` equals ``of`` of both together. A *metric* is a function of one or
two states. No module here opens a file, reads the clock or reads the environment.

=================  ========================================================================
``state``          comparison of states, and addition of sparse counts
``grid``           the log-linear bins, shared by all windows of a column
``accumulator``    the state of a numeric column, accumulated block by block
``scratch``        buffers of a thread for the accumulator
``integer_counts`` counts of integers of a small range
``histogram``      exact counts on a grid
``moments``        count, mean and central sums up to the fourth
``distinct``       estimate of the number of distinct values, from the smallest hashes
``hashing``        hashes of numbers
``category``       counts by value, up to a cap
``column``         one column of one window: numeric, categorical or timestamp
``clusters``       rows without a value, by timestamp
``profile``        all columns of one window
``score_label``    the joint state of score and label
``joint``          the joint states of values and of classes, and the union of all three
``estimate``       a number with its standard error
``metric``         descriptions of metrics
``performance``    the quality of predictions, by kind of prediction
``roc``            rows of each label by score
``siphash``        keyed hashes of text
``reference``      the frozen reference window of drift
``distance``       distances between two windows, of one pair or of stacked windows
``codec``          states as bytes
=================  ========================================================================
"""
