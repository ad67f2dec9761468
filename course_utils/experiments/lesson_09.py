"""Claims of lesson 09: many classes, rare classes, and a decoder as classifier."""

from __future__ import annotations

from .runs import Claim

CLAIMS: dict[str, Claim] = {}
