"""Sphinx's settings for `make docs`: the site is built from the repository's root.

Every page is a Markdown file that also reads well without the site, so links between pages, and from pages
into other files, are relative paths. MyST resolves them, and the build fails where a page, an anchor or a
file is missing.
"""

from sphinx.application import Sphinx

project = "Lupus"
author = "the authors of Lupus"
root_doc = "README"
include_patterns = ["*.md", "docs/**.md", "deploy/README.md"]
exclude_patterns = [".*", "build", "lupus_assets", "definitions", "resources", "tests", "bench", "findings"]

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
autodoc_typehints = "none"  # the docstrings say the types
napoleon_google_docstring = False
myst_heading_anchors = 3  # the anchors of headings, spelt as code hosts spell them
nitpick_ignore_regex = [("py:.*", ".*")]  # types of numpydoc are prose, not links
nitpicky = True  # an unresolved reference is a warning, and `make docs` turns warnings into errors
highlight_language = "none"  # a block of code without a language is shown as it is

html_theme = "pydata_sphinx_theme"
html_title = "Lupus"
html_copy_source = False
html_show_copyright = False
html_sidebars = {"**": ["globaltoc.html"]}  # on the left every page, and the headings of this one
html_theme_options = {
    "navbar_center": [],
    "navbar_end": ["theme-switcher"],
    "secondary_sidebar_items": [],
    "footer_start": [],
    "footer_end": [],
}

# The README names the pages in its text; the navigation of the site needs them as a tree.
CONTENTS = """

```{toctree}
:hidden:
:caption: Use

docs/demo
docs/declaration
docs/logs
docs/cli
docs/api
docs/operation
deploy/README
```

```{toctree}
:hidden:
:caption: Evidence

docs/detection
docs/performance
```

```{toctree}
:hidden:
:caption: Code

ARCHITECTURE
docs/decisions/index
CONTRIBUTING
CHANGELOG
```
"""
# The same for the pages of decisions, in the order of their table.
DECISIONS = """

```{toctree}
:hidden:

rooms
cuts
reference
bound-sums
bins
metrics
scores
shared-times
privacy
verdicts
incidents
checkpoints
partitions
done
dagit
sources
views
compaction
mutation-testing
```
"""
TREES = {root_doc: CONTENTS, "docs/decisions/index": DECISIONS}


def _add_contents(_: Sphinx, page: str, source: list[str]) -> None:
    source[0] += TREES.get(page, "")


def setup(app: Sphinx) -> None:
    """Connect the navigation to its pages."""
    app.connect("source-read", _add_contents)
