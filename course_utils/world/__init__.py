"""The mini world: an invented town, written by a seeded grammar whose entropy is known. See DATASHEET.md."""
