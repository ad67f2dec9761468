"""The README's pictures: of cells that exist, and all of them there."""

import re

import pytest

from course_utils.authoring import cells_of, find_targets
from course_utils.gallery import FOLDER, PICTURES


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
def test_a_picture_is_of_a_cell_that_exists(root, picture):
    [target] = [target for target in find_targets(root, [picture.lesson]) if target.variant == picture.variant]
    assert any(picture.cell in cell.source for cell in cells_of(target)), f"correct PICTURES: {picture}"


def test_the_readme_shows_the_pictures_that_are_made(root):
    shown = set(re.findall(rf"\]\(({re.escape(str(FOLDER))}/[\w-]+\.png)\)", (root / "README.md").read_text(encoding="utf-8")))
    assert shown == {f"{FOLDER}/{picture.name}.png" for picture in PICTURES}
    for file in shown:
        assert (root / file).read_bytes().startswith(b"\x89PNG"), f"{file} is missing: run course gallery"
