"""Errors of translation, told by the grammar."""

import pytest

from course_utils.world.bilingual import labelled
from course_utils.world.bilingual_errors import KINDS, lemmas, main_error, translation_errors, words
from course_utils.world.draw import Draw

RIGHT = "Les chiens noirs traversent la rue."
WRONG = {
    "agreement": "Les chiens noir traversent la rue.",
    "word order": "Les noirs chiens traversent la rue.",
    "wrong word": "Les chiens noirs traversent la maison.",
    "missing word": "Les chiens traversent la rue.",
    "extra word": "Les chiens noirs noirs traversent la rue.",
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_told(kind):
    assert translation_errors(WRONG[kind], RIGHT) == {kind: 1}
    assert main_error(WRONG[kind], RIGHT) == kind


def test_what_is_right_has_no_error():
    assert not translation_errors(RIGHT, RIGHT) and main_error(RIGHT, RIGHT) == "none"
    assert translation_errors("", RIGHT) == {"missing word": len(words(RIGHT))}


def test_the_grammar_knows_nearly_every_word_that_it_writes():
    known = total = 0
    for number in range(300):
        for word in words(labelled(Draw("errors", number), "all")["translation"]["fr"]):
            known, total = known + (word in lemmas()), total + word.isalpha()
    assert known / total > 0.85
