"""The pages that Lupus serves: self-contained HTML without scripts, all text escaped."""

import base64
import hashlib
import re
from collections.abc import Sequence
from html import escape

from lupus_assets.declare.metric import METRICS
from lupus_assets.judging.wording import subject
from lupus_assets.picturing.address import Address
from lupus_assets.picturing.chart import svg
from lupus_assets.picturing.course import Point
from lupus_assets.records import EVERYTHING, HISTORY_RULE

NAME = re.compile("`([^`]+)`")
STYLE = """
body {
  margin: 0; background: #f4f5f7; color: #22272e;
  font: 14px/1.45 system-ui, "Helvetica Neue", Arial, sans-serif;
}
main { box-sizing: border-box; max-width: 1240px; margin: 0 auto; padding: 14px 20px; }
h1 { margin: 0; font-size: 21px; font-weight: 600; overflow-wrap: anywhere; }
p { margin: 2px 0; overflow-wrap: anywhere; }
figure, .said { background: #fff; border: 1px solid #dfe2e7; border-radius: 4px; }
figure { margin: 10px 0; padding: 12px 14px 8px; }
svg { display: block; width: 100%; height: auto; }
code { padding: 0 4px; background: #e9ecf1; border-radius: 3px; font-size: .94em; }
.of { color: #5b6570; font-size: 13px; }
.of b { color: #22272e; font-weight: 600; }
.said { padding: 8px 12px; border-left: 4px solid #e02f44; }
.said.calm { border-left-color: #9aa3ad; }
.said b { margin-right: 10px; }
.here { visibility: hidden; }
.partition:hover .here { visibility: visible; }
.alarm:hover circle { stroke: #e02f44; }
"""
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        f"style-src 'sha256-{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def history_page(asked: Address, points: Sequence[Point], before: int) -> str:
    """Return the page of a history.

    Parameters
    ----------
    asked : Address
    points : sequence of Point
        In time order.
    before : int
        Number of partitions that come before these, and are not shown.
    """
    title = subject(asked.metric, asked.column_name, asked.segment)
    alarms = [point for point in points if point.flagged]
    if alarms:
        said = (
            f'<p class="said"><b>Latest alarm, {escape(alarms[-1].key)}</b>{_text(alarms[-1].sentence)}</p>'
        )
    else:
        said = '<p class="said calm">No alarm in these partitions.</p>'
    rule = "" if asked.rule == HISTORY_RULE else f" · {_pair('rule', asked.rule)}"
    segment = "" if asked.segment == EVERYTHING else f" · {_pair('segment', asked.segment)}"
    shown = f"{len(points):,} partitions" if len(points) != 1 else "1 partition"
    if before:
        shown = f"the latest {shown} of {len(points) + before:,}"
    alarmed = f"{len(alarms):,} with an alarm" if alarms else "none with an alarm"
    return _page(
        title,
        f'<p class="of">{escape(asked.team)} / {escape(asked.model)} / <b>{escape(asked.track)}</b> · '
        f"{_pair('metric', asked.metric)}{segment}{rule}</p>"
        f"<h1>{_text(title)}</h1>"
        f'<p class="of">{shown}, {escape(points[0].key)} to {escape(points[-1].key)}, {alarmed}</p>'
        f"<figure>{svg(points, percent=METRICS[asked.metric].percent, title=title)}</figure>{said}",
    )


def error_page(title: str, text: str) -> str:
    """Return the page of an error and its remedy."""
    return _page(title, f'<h1>{escape(title)}</h1><p class="said">{escape(text)}</p>')


def _text(text: str) -> str:
    """Return text as HTML; names between backticks become ``<code>``."""
    return NAME.sub(r"<code>\1</code>", escape(text))


def _pair(name: str, text: str) -> str:
    return f"{name} <b>{escape(text)}</b>"


def _page(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body><main>{body}</main></body></html>"
    )
