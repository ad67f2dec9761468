"""What the datasheet says of the mini world is what the mini world is."""

from collections import Counter
from itertools import islice
from pathlib import Path

import pytest

from course_utils.world import (
    almanac,
    bilingual,
    bilingual_phrases,
    draw,
    names,
    news,
    notices,
    reviews,
    tasks,
)
from course_utils.world.corpus import documents
from course_utils.world.draw import Split, words

TEXT = (Path(draw.__file__).parent / "DATASHEET.md").read_text(encoding="utf-8")


def table(header: str) -> dict[str, list[str]]:
    """The table whose first line begins with `header`: first cell → the others."""
    lines = TEXT[TEXT.index(f"| {header}") :].split("\n\n")[0].splitlines()[2:]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {first: others for first, *others in rows}


def size(*lists: Split) -> list[str]:
    """How many items there are: all, shown and unseen."""
    return [str(sum(len(some.part(part)) for some in lists)) for part in ("all", "shown", "unseen")]


def test_lexicons():
    phrases = bilingual_phrases
    polarity = (reviews.POLARITY, reviews.SHOWN_WORDS, reviews.UNSEEN_WORDS)
    assert table("lexicon") == {
        "polarity words": [str(len(some)) for some in polarity],
        "names": [str(len({name for kind in names.NAMES.values() for name in kind.all})), "", ""],
        "… that are a surname, a town and a company": [str(len(names.AMBIGUOUS.all)), "", ""],
        "topic words": size(*(some for lists in notices.TOPIC_WORDS.values() for some in lists.values())),
        "French and English nouns": size(*phrases.NOUNS.values()),
        "French and English adjectives": size(*phrases.ADJECTIVES.values()),
        "French and English verbs": size(phrases.TRANSITIVE, phrases.INTRANSITIVE, phrases.DITRANSITIVE),
    }


def test_frames():
    assert table("sentence frames") == {
        "reviews": size(*reviews.FRAME_SPLITS.values()),
        "news": size(news.FRAMES),
        "almanac": size(*almanac.FRAMES.values()),
        "topic notices": size(notices.HEADLINES, notices.SENTENCES, notices.INTRUSIONS),
        "text messages": size(*notices.MESSAGES.values()),
        "bilingual structures": size(bilingual.SPLIT),
    }
    kinds, relations, subjects = len(reviews.KINDS), len(almanac.RELATIONS), len(almanac.SUBJECTS)
    assert (
        f"{kinds} kinds of reviewed things and {relations} almanac relations between {subjects} kinds" in TEXT
    )


def test_measurements_of_the_corpus():
    """To renew the table, copy what this prints when it fails."""
    count, n_words, nats = Counter(), Counter(), Counter()
    for document in islice(documents(0), 20_000):
        count[document.kind] += 1
        n_words[document.kind] += len(words(document.text))
        nats[document.kind] += document.surprisal
    measured = {
        kind: [
            f"{count[kind] / 20_000:.2f}",
            f"{n_words[kind] / count[kind]:.1f}",
            f"{nats[kind] / n_words[kind]:.2f}",
        ]
        for kind in count
    }
    assert table("kind") == measured, "\n".join(
        f"| {kind} | {' | '.join(m)} |" for kind, m in measured.items()
    )


def test_sets():
    stated = table("set ")
    assert {name: cells[0] for name, cells in stated.items()} == {
        name: f"`{task.counterpart}`" for name, task in tasks.TASKS.items()
    }
    assert tasks.SIZES == {"train": 4096, "validation": 512, "test": 512, "unseen": 512}
    assert "4,096 rows in `train` and 512 each" in TEXT
    assert pytest.approx(0.13) == notices.SPAM and "13 % are swindles" in TEXT
