"""Histories as pictures, and the addresses of their pages.

address    the address of the page of a series
sparkline  the latest partitions of a series, small
course     a series over all its partitions
chart      a series over all its partitions, with axes
"""
