"""States of columns that add up, and the numbers read off them; numpy and scipy only.

What one pass over the rows leaves is a *state*: a frozen dataclass with ``of``, ``empty``
and ``+``, such that ``of(a) + of(b)`` is ``of(a and b)``. A *metric* is a function of one or
two states. Nothing here opens a file, asks the time or reads the environment.

=================  ========================================================================
``state``          how states compare, and how sparse counts add
``grid``           the log-linear bins that every window of a column shares
``accumulator``    a numeric column gathered block by block
``scratch``        buffers of a thread that does so
``integer_counts`` counts of integers of a small range
``histogram``      exact counts on a grid
``moments``        count, mean and central sums up to the fourth
``distinct``       the number of distinct values, from the smallest hashes
``hashing``        hashes of numbers
``category``       counts by value, up to a cap
``column``         one column of one window: numeric, categorical or timestamp
``clusters``       rows without a value by the time they share with others
``profile``        all columns of one window
``score_label``    score with label
``joint``          value with prediction error, class with class, and the union of all three
``estimate``       a number with its standard error
``metric``         the description of a metric
``performance``    the quality of predictions, by kind of prediction
``roc``            rows of either label by score
``siphash``        keyed hashes of text
``reference``      the frozen window that drift is measured from
``distance``       the distance between two windows, one pair at a time and stacked
``codec``          states as bytes
=================  ========================================================================
"""
