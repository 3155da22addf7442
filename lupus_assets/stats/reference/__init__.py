"""The frozen reference: all states against which later windows are measured.

numeric      a numeric column of the reference window, with the bins of its distances
categorical  a categorical column of the reference window
encoder      codes of columns, the inputs of the surrogate
surrogate    an additive model of the score, fitted on the reference window
residual     the score against the surrogate
ranking      ranks of columns, and the sums for rank correlations
association  rank correlations of a window against those of the reference window
screening    selection of columns of a wide model for the surrogate and the correlations
frozen       the reference of a track, with all of these
"""
