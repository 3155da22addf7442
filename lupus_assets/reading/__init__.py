"""Arrow batches become numpy arrays, by the role of each column.

arrow       Arrow columns as numpy arrays, without pandas
table       Arrow tables, and streams of batches
block       one batch of one column
role        the kind of each column, and the family of its metrics
cut         the data times at which a partition is judged
batch       one batch of a prediction log: its columns, segments, versions, arrival
vocabulary  counts of the values of a text column over all batches
repetition  repeated rows
clustering  nulls and values out of range, counted by timestamp
"""
