"""What differs between two documents, as it is told."""

from __future__ import annotations

from pydantic import BaseModel


class ChangeView(BaseModel):
    """One difference in a sentence; long texts stand in `before` and `after`."""

    text: str
    before: str | None = None
    after: str | None = None


class SectionView(BaseModel):
    """What changed in one step, or in a part of the workflow itself."""

    title: str
    mark: str
    """`added`, `removed` or `changed`."""
    node: str | None
    changes: list[ChangeView]


class EdgeMarkView(BaseModel):
    """A way that a drawing marks."""

    source: str
    port: str
    target: str
    mark: str


class DifferenceView(BaseModel):
    """What changes between two states of a workflow; `first` when there was nothing before."""

    before: str
    after: str
    is_same: bool
    sections: list[SectionView]
    nodes: dict[str, str]
    edges: list[EdgeMarkView]
    moved: int
