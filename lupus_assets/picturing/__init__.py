"""Pictures of histories, and the addresses of their pages.

address    the address of the page of a series
sparkline  a small picture of the latest partitions of a series
course     the points of a series over all its partitions
chart      a large picture, with axes, of all partitions of a series
"""
