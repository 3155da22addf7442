"""Quality of predictions: performance metrics, computed from joint states.

score     metrics of scores between 0 and 1
decision  metrics of decisions, by scores with a threshold or by classes
value     metrics of predicted values
classes   metrics of predicted classes
table     the metrics of all kinds of prediction

Every function returns an `Estimate`, which is undefined, with a reason, without labels. Variances
assume independent rows; variances of ratios and squares are first-order (delta method). A new metric is a
function in one of the first four modules, and an entry of the table at the end of that module. Declarations
read the tables without numpy, which functions import when they are called, if they need it.
"""
