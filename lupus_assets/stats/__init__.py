"""States of columns that add up, and the numbers read off them; numpy and scipy only.

What one pass over the rows leaves is a *state*: a frozen dataclass with ``of``, ``empty``
and ``+``, such that ``of(a) + of(b)`` is ``of(a and b)``. A *metric* is a function of one or
two states. Nothing here opens a file, asks the time or reads the environment.

==============  ==========================================================================
``state``       how states compare, and how sparse counts add
``grid``        the log-linear bins that every window of a column shares
``accumulator`` a numeric column gathered block by block
``histogram``   exact counts on a grid
``moments``     count, mean and central sums up to the fourth
``distinct``    the number of distinct values, from the smallest hashes
``category``    counts by value, up to a cap
``column``      one column of one window: numeric, categorical or timestamp
``clusters``    rows without a value by the time they share with others
``profile``     all columns of one window
``joint``       score with label, value with prediction error, class with class
``reference``   one column of the window that drift is measured from
``surrogate``   an additive model of the score, fitted on that window
``frozen``      all of that window
``codec``       states as bytes; ``content`` takes them piece by piece
``estimate``    a number with its standard error
``distance``    how far two states are apart
``stack``       one column over many windows, any two of which compare
``definition``  the same from raw rows, as other packages define it
``performance`` how well a model predicts
==============  ==========================================================================
"""
