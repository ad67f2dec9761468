"""Claims of lesson 12: translation."""

from __future__ import annotations

from .runs import Claim

CLAIMS: dict[str, Claim] = {}
