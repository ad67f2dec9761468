"""Claims of lesson 10: names found, and what goes wrong with them."""

from __future__ import annotations

from .runs import Claim

CLAIMS: dict[str, Claim] = {}
