"""The segment tree as streams: everybody enters on the left and ends in a segment on the right."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from shoal.report.numbers import percent
from shoal.summary import TreeNode

_WIDTH = 1000.0
_COLUMN = (226.0, 300.0)  # the least and the most
_ROW = 50.0
_ENDS = (230.0, 420.0)
_LETTER = 6.6
_THICKEST = 64.0
_MARGIN = 10.0
_LEFT = 10.0

_SIGNS = {
    "is at least": "≥",
    "is at most": "≤",
    "is more than": ">",
    "is less than": "<",
    "at least": "≥",
    "at most": "≤",
    "more than": ">",
    "less than": "<",
    "<=": "≤",
    ">=": "≥",
}


@dataclass(frozen=True)
class Knot:
    """A node of the tree: its condition, its share of people, and its segment when it is a leaf."""

    x: float
    y: float
    depth: int
    thick: float
    words: str
    share: str
    segment: str | None
    start: tuple[float, float] | None

    @property
    def text_y(self) -> float:
        """The line of its words: on the side that its own stream does not come from."""
        far = max(self.thick, 12.0) / 2
        above = self.start is None or self.start[1] > self.y
        return round(self.y - far - 7 if above else self.y + far + 16, 1)

    @property
    def path(self) -> str:
        """The stream from its start in the parent, as an SVG path."""
        if self.start is None:
            return ""
        x, y = self.start
        middle = round((x + self.x) / 2, 1)
        return f"M{x} {y} C{middle} {y} {middle} {self.y} {self.x} {self.y}"


@dataclass(frozen=True)
class Streams:
    width: float
    height: float
    knots: list[Knot]
    fork: int  # letters that there is room for at a fork, without the share
    leaf: int  # and at a leaf


def streams(root: TreeNode) -> Streams:
    """Places every node: depth across, leaves evenly down, a parent between its branches."""
    depth = max(_depths(root))
    ends = min(_ENDS[1], max(_ENDS[0], _WIDTH - _LEFT - depth * _COLUMN[0]))
    column = min(_COLUMN[1], max(_COLUMN[0], (_WIDTH - _LEFT - ends) / max(1, depth)))
    knots, _, height = _place(root, symbols(root) or "Everybody", 0, _MARGIN, column)
    return Streams(
        width=depth * column + ends + _LEFT,
        height=height + _MARGIN,
        knots=knots,
        fork=int((column - 12) / _LETTER) - 6,
        leaf=int((ends - 33) / _LETTER) - 6,
    )


def _depths(node: TreeNode, depth: int = 0) -> Iterator[int]:
    yield depth
    for branch in node.branches:
        yield from _depths(branch, depth + 1)


def _place(node: TreeNode, words: str, depth: int, top: float, column: float) -> tuple[list[Knot], Knot, float]:
    placed: list[Knot] = []
    children: list[Knot] = []
    bottom = top
    for branch, branch_words in conditions(node):
        below, child, bottom = _place(branch, branch_words, depth + 1, bottom, column)
        placed += below
        children.append(child)
    if not children:
        bottom = top + _ROW
    y = (children[0].y + children[-1].y) / 2 if children else top + _ROW / 2
    knot = Knot(
        x=round(_LEFT + depth * column, 1),
        y=round(y, 1),
        depth=depth,
        thick=round(max(1.5, min(1.0, node.share) * _THICKEST), 1),
        words=words,
        share=percent(node.share),
        segment=node.segment,
        start=None,
    )
    started = _starts(knot, children)
    return [*(started.get(id(below), below) for below in placed), knot], knot, bottom


def _starts(parent: Knot, children: list[Knot]) -> dict[int, Knot]:
    """The children, their streams leaving the parent one below the other."""
    started: dict[int, Knot] = {}
    edge = parent.y - sum(child.thick for child in children) / 2
    for child in children:
        started[id(child)] = replace(child, start=(parent.x, round(edge + child.thick / 2, 1)))
        edge += child.thick
    return started


def symbols(node: TreeNode) -> str:
    """A condition as short as a drawing needs it: plain words where they are known, signs for comparisons.

    >>> symbols(TreeNode(rule="orders >= 3", words="orders is at least 3", share=1))
    'orders ≥ 3'
    """
    said = node.words or node.rule
    for words, sign in _SIGNS.items():
        said = said.replace(words, sign)
    said = re.sub(r"^\((.*) or (?:no .*|[^()]* is unknown)\)$", r"\1", said)
    said = re.sub(r" or (?:no .*|[^()]* is unknown)$", "", said)
    return "" if said == "true" else said


def conditions(node: TreeNode) -> list[tuple[TreeNode, str]]:
    """The branches, each with the condition that leads into it.

    A branch without a rule of its own answers its parent's: yes first, no second.
    """
    answers = ("yes", "no")
    return [
        (branch, symbols(branch) or (answers[i] if i < len(answers) else "otherwise"))
        for i, branch in enumerate(node.branches)
    ]
