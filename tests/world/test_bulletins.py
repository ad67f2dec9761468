"""The bulletins: unambiguous, so that their entropy is exact; a parser that refuses what they never say."""

import math
import re
from pathlib import Path

import pytest

from course_utils.errors import CourseError
from course_utils.world import bulletins, corpus
from course_utils.world.bulletins import (
    RULES,
    accepts,
    entropy,
    mean_words,
    next_words,
    surprisal,
    two_readings,
)
from course_utils.world.draw import Draw

N = 4000
DATASHEET = (Path(bulletins.__file__).parent / "DATASHEET.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def drawn() -> list[tuple[str, float]]:
    texts = []
    for i in range(N):
        draw = Draw("test bulletins", i)
        texts.append((bulletins.document(draw)[0].text, draw.surprisal))
    return texts


def test_no_text_has_two_readings():
    assert two_readings() is None


@pytest.mark.parametrize(
    "rules, text",
    [
        ({"bulletin": "a{x}\nab", "x": "b\nc"}, "ab"),  # a word list and a frame that say the same
        ({"bulletin": "{x}{y}", "x": "a\nab", "y": "bc\nc"}, "abc"),  # a border that may stand in two places
        ({"bulletin": "{x} {x}", "x": "a\na a"}, "a a a"),
        ({"bulletin": "{k=x}{y.@k}", "x": "a #1\na #2", "y.1": "b", "y.2": "b\nc"}, "ab"),  # seen only later
    ],
)
def test_an_ambiguous_grammar_is_found_out(monkeypatch, rules, text):
    """The proof would notice: each of these little grammars has one text with two readings."""
    caches = (bulletins._expand, bulletins._first, bulletins._asked_for)
    for one in caches:
        one.cache_clear()
    monkeypatch.setattr(bulletins, "RULES", {k: bulletins._alternatives(v) for k, v in rules.items()})
    assert two_readings() == text
    for one in caches:
        one.cache_clear()


def test_the_parser_gives_the_surprisal_of_the_choices(drawn):
    for text, nats in drawn:
        assert abs(surprisal(text) - nats) < 1e-9, text


def test_the_entropy_is_the_mean_surprisal_within_noise(drawn):
    for exact, values in (
        (entropy(), [nats for _, nats in drawn]),
        (mean_words(), [len(text.split()) for text, _ in drawn]),
    ):
        mean = sum(values) / N
        deviation = math.sqrt(sum((v - mean) ** 2 for v in values) / N)
        assert abs(mean - exact) < 4 * deviation / math.sqrt(N)
    assert 10 < entropy() < 18 and 15 < mean_words() < 25


def test_the_entropy_of_a_small_part_by_plain_enumeration():
    """All bulletins of the farms, written out one by one: their probabilities add up to that of the heading."""
    farms = bulletins._readings("Bulletin: farms.", whole=False)[0]
    log_p, state = farms[0]
    assert len(farms) == 1 and math.exp(log_p) == pytest.approx(1 / 22)

    def births(items, known, text, p):
        if not items or (isinstance(items[0], str) and items[0].startswith(".")):
            yield text, p
        elif isinstance(items[0], str):
            yield from births(items[1:], known, text + items[0], p)
        else:
            for chance, (more, memory) in bulletins._expand((items, known)):
                yield from births(more, memory, text, p * chance)

    sentences = list(births((("birth", ""),), (), "", 1.0))
    assert len({text for text, _ in sentences}) == len(sentences) > 10_000
    assert math.fsum(p for _, p in sentences) == pytest.approx(1, abs=1e-12)
    by_hand = -math.fsum(p * math.log(p) for _, p in sentences)
    assert by_hand == pytest.approx(bulletins._moments(((("birth", ""),), ()))[0], abs=1e-9)


def test_probabilities_of_the_next_word_multiply_to_that_of_the_text(drawn):
    for text, nats in drawn[:60]:
        position, log_p, piece = 0, 0.0, "…"
        while piece:
            options = next_words(text[:position])
            assert math.fsum(options.values()) == pytest.approx(1)
            piece = max((p for p in options if text.startswith(p, position)), key=len)
            if not piece:
                assert position == len(text)
            log_p += math.log(options[piece])
            position += len(piece)
            # "The" may still become "There"; a space says that the word is over. After a full stop it says
            # that another sentence follows, which is a choice of its own.
            position += text[position : position + 1] == " " and not piece.endswith(".")
        assert -log_p == pytest.approx(nats)


def test_next_words_of_half_a_word_and_of_nothing():
    assert next_words("") == {"Bulletin:": 1.0}
    assert set(next_words("Bulletin: bowls. Sal")) == {"tby"}
    assert next_words("Bulletin: gossip.") == {}


def test_dependencies_hold(drawn):
    texts = [text for text, _ in drawn]
    for text in texts:
        if match := re.search(r"High water at (\d+), low water at (\d+)", text):
            assert int(match[2]) == (int(match[1]) + 5) % 12 + 1
        if match := re.search(r"\. (\w+) beat (\w+) by (\d+) to (\d+)", text):
            assert match[1] != match[2] and int(match[3]) > int(match[4])
        assert "snow" not in text.lower() or "winter" in text  # "Bulletin: weather, winter. …"
        if "the wind is in the west" in text.lower():
            assert not re.search("on the mud|run low|not reach|put out|may leave", text), text
    sea = [text for text in texts if text.startswith("Bulletin: tides. The wind")]
    assert len(sea) > 50


def corruptions(text: str):
    """Changes that a model is likely to make."""
    words = text.split()
    yield " ".join(words[:-1])  # stops too early
    yield text + " Amen."  # goes on
    yield text.replace("Bulletin:", "Bulletin", 1)
    yield text.replace(". ", " ", 1)
    yield " ".join([*words[:3], words[3], *words[3:]])  # says a word twice
    yield text[:20].lower() + text[20:]


def test_slightly_wrong_bulletins_are_refused(drawn):
    for text, _ in drawn[:500]:
        assert accepts(text)
        for wrong in corruptions(text):
            if wrong.endswith(".") and wrong == text[: len(wrong)] and len(wrong) < len(text):
                continue  # the last sentence was one word long
            assert not accepts(wrong), wrong


@pytest.mark.parametrize(
    "text",
    [
        "Bulletin: tides. High water at 4, low water at 11.",  # not six hours
        "Bulletin: bowls. Saltby beat Saltby by 12 to 9.",
        "Bulletin: bowls. Saltby beat Eelport by 12 to 13.",
        "Bulletin: weather, summer. Expect snow over Saltby.",
        "Bulletin: market. Eggs is up, at 14 pence a dozen.",
        "Bulletin: market. Eggs are up, at 14 pence a pound.",
        "Bulletin: market. Eggs are up, at 4 pence a dozen.",
        "Bulletin: lost property. Mr Tanaka has lost her hat. It was last seen on Ropewalk.",
        "Bulletin: council. The council has moved from Monday to Sunday, when there will be cake.",
        "",
    ],
)
def test_broken_dependencies_are_refused(text):
    assert not accepts(text)


def test_an_error_says_what_was_found_and_where():
    with pytest.raises(CourseError) as error:
        surprisal("Bulletin: tides. High water at 4, low water at 11.")
    said = str(error.value)
    assert (
        "low water at '" in said
        and "'11.'" in said
        and "'10.'" in said
        and "character 47" in said
        and "\n" not in said
    ), said
    with pytest.raises(CourseError, match="at the very beginning"):
        surprisal("The soup was dismal.")
    with pytest.raises(CourseError, match=r"stands '', where the language has ' "):
        surprisal("Bulletin: tides. High water")


def test_texts_are_clean_and_of_the_promised_length(drawn):
    lengths = sorted(len(text.split()) for text, _ in drawn)
    assert lengths[N // 20] >= 8 and lengths[-N // 20] <= 34
    for text, _ in drawn:
        assert text.startswith(bulletins.OPENING) and text[-1] == "."
        assert re.fullmatch(r"[A-Za-z0-9 ,.:]+", text) and "  " not in text and " ." not in text, text
        assert all(sentence[0].isupper() for sentence in text.split(". ")), text
    assert len({text for text, _ in drawn}) > 0.6 * N


def sentence_forms() -> int:
    """Sentences that differ in more than the word taken from a list."""

    def forms(item) -> int:
        if isinstance(item, str) or item[0].startswith("@"):
            return 1
        like = re.compile(".+".join(map(re.escape, re.split(r"@\w+", item[0]))))
        rules = [rule for name, rule in RULES.items() if like.fullmatch(name)]
        if all(isinstance(part, str) for rule in rules for _, parts, _ in rule for part in parts):
            return 1
        return sum(math.prod(map(forms, parts)) for rule in rules for _, parts, _ in rule)

    return sum(
        math.prod(map(forms, parts))
        for rule in RULES.values()
        for _, parts, _ in rule
        if isinstance(parts[-1], str) and parts[-1].endswith(".")
    )


def test_there_are_hundreds_of_sentence_forms():
    assert sentence_forms() > 300 and f"{sentence_forms()} sentence forms" in DATASHEET
    assert f"{entropy():.1f} nats for {mean_words():.1f} words" in DATASHEET


def test_it_is_a_kind_of_the_corpus_but_in_no_mix():
    assert corpus.GRAMMARS["bulletin"] is bulletins.document
    assert "bulletin" not in corpus.MIX and "bulletin" not in corpus.OPENING_MIX
    one = corpus.document(0, 5, {"bulletin": 1.0})
    assert one.kind == "bulletin" and surprisal(one.text) == pytest.approx(one.surprisal)
