"""Histories in, verdicts out: pure numpy on arrays of shape (partitions, series).

history    what the detector is given
detector   the verdict of every series at every partition, and who is named, for a stated budget
season     what a weekday or an hour adds, where that is proven
value      values with a sampling variance: one-step prediction and scale
rare       counts of what should be rare
gate       what other columns foretell is no news of its own
evidence   deviations become p values that the series' own past bears out
threshold  thresholds that keep the budget
naming     which targets an alarm names
run        what goes on for several partitions is one event
robust     medians and means that leave NaN out
scale      the variance-stabilised scales on which histories are judged
"""
