"""Other packages on the same rows: what they cost, whether they agree, and what their drift numbers mean.

``contender`` says who runs what, ``environment`` makes each package a virtual environment of its own,
``process`` measures one whole process, ``agreement`` checks that the numbers are of the same work, ``table``
shows them.
``scripts`` are what is run, in the environment of each; ``definition`` compares drift numbers.
"""
