"""The unlabelled stream: its mix, its purity, its surprisal, and how long it lasts before it repeats."""

import math
from collections import Counter
from itertools import islice

import pytest

from course_utils.world import almanac, bilingual, names, news, notices, reviews
from course_utils.world.corpus import GRAMMARS, MIX, Document, document, documents
from course_utils.world.draw import Draw, words

N = 20_000

SHORT = ("entry", "card")  # a line or two, of which a few come again


@pytest.fixture(scope="module")
def drawn() -> list[Document]:
    return list(islice(documents(0), N))


def test_kinds_come_in_the_shares_of_the_mix(drawn):
    assert sum(MIX.values()) == pytest.approx(1) and set(MIX) == set(GRAMMARS) - {"bulletin", "dossier", "drawer", "register"}
    counts = Counter(one.kind for one in drawn)
    for kind, share in MIX.items():
        assert abs(counts[kind] - N * share) < 5 * math.sqrt(N * share * (1 - share)), kind


def test_a_document_depends_on_seed_and_number_alone(drawn):
    for number in (1999, 0, 77, 1998, 77):
        assert document(0, number) == drawn[number]
    assert list(islice(documents(0), 50)) == drawn[:50]
    other = {one.text for one in islice(documents(1), 500) if one.kind not in SHORT}
    assert not other & {one.text for one in drawn}  # another seed is another corpus


def test_the_mix_can_be_chosen():
    only = list(islice(documents(0, {"notice": 1.0}), 30))
    assert {one.kind for one in only} == {"notice"} and len({one.text for one in only}) == 30


@pytest.mark.parametrize("kind", GRAMMARS)
def test_surprisal_is_that_of_the_kind_and_of_the_grammar(kind):
    for number in range(3000):
        one = document(7, number)
        if one.kind != kind:
            continue
        draw = Draw("corpus", 7, number)
        assert draw.weighted(tuple(MIX.items())) == kind
        of_kind = draw.surprisal
        assert of_kind == pytest.approx(-math.log(MIX[kind]))
        assert GRAMMARS[kind](draw) == one.segments
        assert one.surprisal == draw.surprisal > of_kind
        again = Draw("corpus", 7, number)
        again.weighted(tuple(MIX.items()))
        again.surprisal = 0.0
        GRAMMARS[kind](again)
        assert one.surprisal == pytest.approx(of_kind + again.surprisal)


def test_texts_are_clean(drawn):
    for one in drawn[:3000]:
        assert 1 <= len(one.segments) <= 2 and one.text.count("\n") == len(one.segments) - 1
        for segment in one.segments:
            text = segment.text
            assert text == text.strip() and not set("{}[]<>_|\n\t") & set(text) and "  " not in text, text
            assert text[0].isupper() or not text[0].isalpha(), text


def test_more_than_ten_million_words_come_before_a_document_repeats(drawn):
    """The birthday problem: N documents are expected to hold N² / 2 · P(two are equal) equal pairs.

    The P is that of two derivations, the mean of exp(−surprisal). The short kinds are left out: the next test
    says how often they come again.
    """
    long = [one for one in drawn if one.kind not in SHORT]
    assert len({one.text for one in long}) == len(long)
    words_each = sum(len(words(one.text)) for one in long[:4000]) / 4000
    needed = 10_000_000 / words_each
    equal = sum(math.exp(-one.surprisal) for one in long) / len(long)
    assert needed**2 / 2 * equal < 1, f"{needed:,.0f} documents would hold an equal pair"


def test_few_short_documents_come_again(drawn):
    short = [one.text for one in drawn if one.kind in SHORT]
    assert len(set(short)) / len(short) > 0.99


def test_the_world_is_large():
    """The numbers of the datasheet's promise, over all grammars together."""
    frames = {
        "reviews": reviews.FRAMES,
        "news": news.FRAMES.all,
        "almanac": [frame for lists in almanac.FRAMES.values() for frame in lists.all],
        "notices": [frame for frames in notices.FRAMES.values() for frame in frames],
    }
    everything = [frame for some in frames.values() for frame in some]
    assert len(set(everything)) >= 800, {name: len(some) for name, some in frames.items()}
    assert len({(s.kind, s.tense, s.polarity) for s in bilingual.STRUCTURES}) >= 100
    assert len(reviews.POLARITY) >= 300 and min(Counter(reviews.POLARITY.values()).values()) >= 150
    assert len(reviews.KINDS) >= 6  # kinds of reviewed things
    assert len({name for lists in names.NAMES.values() for name in lists.all}) >= 800
    assert len(names.AMBIGUOUS.all) >= 30
