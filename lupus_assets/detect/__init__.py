"""Histories in, verdicts out: pure numpy on arrays of shape (partitions, series).

history    the input of the detector
detector   the detection of every series at every partition, and the targets named, for a budget
season     effects of weekday, hour or month, where they reduce the error
value      values with a sampling variance: one-step prediction and scale
rare       counts of rare events
gate       deviations less their prediction from other targets
evidence   p values of deviations, calibrated on the series' own past
threshold  thresholds that keep the budget
naming     the targets that an alarm names
run        consecutive large deviations counted as one event
robust     medians and means without NaN
scale      the variance-stabilised scales on which histories are judged
"""
