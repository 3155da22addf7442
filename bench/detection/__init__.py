"""Whether verdicts keep their alarm budget, and what they catch.

``ordinary`` makes histories in which nothing happens, ``null`` counts what is called an incident in them, and
what is caught of changes put into them.
"""
