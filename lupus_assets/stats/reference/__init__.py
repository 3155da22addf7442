"""The frozen reference: everything a later window needs in order to be measured against the reference window.

numeric      a numeric column of the reference window, with the bins of its distances
categorical  a categorical one
encoder      columns as the codes that the surrogate has an effect for
surrogate    an additive model of the score, fitted on the reference window
residual     the score against the surrogate
ranking      ranks of columns, and the sums that rank correlations follow from
association  rank correlations of a window against those of the reference window
screening    the columns of a wide model that these three look at
frozen       all of these together
"""
