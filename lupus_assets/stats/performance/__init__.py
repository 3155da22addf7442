"""How good predictions turned out to be: numbers read off joint states.

score     scores between 0 and 1
decision  decisions, of scores with a threshold and of classes
value     predicted values
classes   predicted classes
table     the metrics of all kinds of prediction

Every function returns an `Estimate`; without labels it is undefined, and says so. Variances
take rows as independent; where a ratio or a square is taken they are first-order (delta method).
A new metric is a function in one of the first four modules, and an entry of the table behind it. Declarations
read the tables without numpy, which functions import as they are called, if they need it.
"""
