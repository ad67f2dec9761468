"""Topic notices and text messages: counts, shares, held-out words, and how hard they are."""

from __future__ import annotations

import re

import pytest

from course_utils.world import notices
from course_utils.world.draw import Draw


def test_counts():
    assert len(notices.FRAMES["topic"]) >= 40
    assert len(notices.FRAMES["ham"]) + len(notices.FRAMES["spam"]) >= 40
    for topic in notices.TOPICS:
        words = [word for lists in notices.TOPIC_WORDS[topic].values() for word in lists.all]
        assert len(words) == len(set(words)) >= 60, topic
    everything = [
        word for lists in notices.TOPIC_WORDS.values() for words in lists.values() for word in words.all
    ]
    assert len(everything) == len(set(everything)), "a word of two topics tells nothing"
    for frames in notices.FRAMES.values():
        assert len(frames) == len(set(frames))


def test_shares_of_labels():
    labels = [notices.topic(Draw("shares", i), "shown")["label"] for i in range(4000)]
    for label in range(len(notices.TOPICS)):
        assert labels.count(label) / 4000 == pytest.approx(0.25, abs=0.03)
    spam = [notices.message(Draw("shares", i), "shown")["label"] for i in range(4000)]
    assert sum(spam) / 4000 == pytest.approx(0.13, abs=0.02)


def test_a_fifth_of_the_notices_has_words_of_another_topic():
    intruders = 0
    for i in range(2000):
        row = notices.topic(Draw("mixed", i), "all")
        others = [
            word
            for topic in notices.TOPICS
            if topic != notices.TOPICS[row["label"]]
            for kind in ("actor", "object", "matter")
            for word in notices.TOPIC_WORDS[topic][kind].all
        ]
        intruders += any(re.search(rf"\b{re.escape(word)}\b", row["text"]) for word in others)
    assert intruders / 2000 == pytest.approx(0.2, abs=0.05)  # a few words hold one of another topic


def _cues(part: str, lists: dict) -> set[str]:
    return {form.lower() for words in lists.values() for word in words.part(part) for form in word.split("/")}


@pytest.mark.parametrize("part, other", [("shown", "unseen"), ("unseen", "shown")])
def test_no_word_leaks(part: str, other: str):
    for topic, lists in notices.TOPIC_WORDS.items():
        for words in lists.values():
            assert words.unseen and not set(words.shown) & set(words.unseen), topic
    allowed = set().union(*(_cues(part, lists) for lists in notices.TOPIC_WORDS.values()))
    forbidden = set().union(*(_cues(other, lists) for lists in notices.TOPIC_WORDS.values()))
    # "final" inside "semi-final" is no leak: a word counts only where no allowed word covers it
    pattern = re.compile(
        "|".join(sorted(map(re.escape, allowed | forbidden), key=len, reverse=True)).join(
            (r"(?<![\w-])(", r")(?![\w-])")
        )
    )
    for i in range(1500):
        text = notices.topic(Draw("leak", i), part)["text"]
        found = {match.group() for match in pattern.finditer(text.lower())}
        assert found <= allowed, (found - allowed, text)


@pytest.mark.parametrize("part, other", [("shown", "unseen"), ("unseen", "shown")])
def test_no_cue_of_a_swindle_leaks(part: str, other: str):
    for i in range(1500):
        row = notices.message(Draw("leak", i), part)
        if row["label"]:
            lists = notices.MESSAGE_WORDS[1]
            for kind in ("cure", "firm", "link", "prize"):
                for word in lists[kind].part(other):
                    inside = any(word in mine for mine in lists[kind].part(part))
                    assert inside or not re.search(rf"(?<![\w.]){re.escape(word)}(?!\w)", row["sms"]), (
                        word,
                        row["sms"],
                    )


def test_frames_are_held_out():
    for frames in (notices.HEADLINES, notices.SENTENCES, notices.INTRUSIONS, *notices.MESSAGES.values()):
        assert frames.unseen and not set(frames.shown) & set(frames.unseen)


def test_same_key_same_bytes():
    for i in range(200):
        draw, again = Draw("same", i), Draw("same", i)
        assert notices.document(draw) == notices.document(again) and draw.surprisal == again.surprisal > 0
        assert notices.topic(Draw("t", i), "shown") == notices.topic(Draw("t", i), "shown")
        assert notices.message(Draw("m", i), "all") == notices.message(Draw("m", i), "all")


def test_text_is_clean():
    for i in range(2000):
        texts = (
            notices.topic(Draw("clean", i), "all")["text"],
            notices.message(Draw("clean", i), "all")["sms"],
            notices.document(Draw("clean", i))[0].text,
        )
        for text in texts:
            assert text[0] == text[0].upper() and not re.search(
                r"[{}/]|  |\ba [aeio]|\ban [^aeiou]|\.\.", text
            ), text


def test_bag_of_words_knows_shown_words_only():
    """A linear model on words is good on words that labels showed, and clearly weaker on others."""
    feature_extraction = pytest.importorskip("sklearn.feature_extraction.text")
    linear_model = pytest.importorskip("sklearn.linear_model")

    def rows(make, part, count, key):
        drawn = [make(Draw(key, i), part) for i in range(count)]
        return [row.get("text", row.get("sms")) for row in drawn], [row["label"] for row in drawn]

    for make in (notices.topic, notices.message):
        texts, labels = rows(make, "shown", 1000, "train")
        vectorizer = feature_extraction.CountVectorizer().fit(texts)
        model = linear_model.LogisticRegression(max_iter=300).fit(vectorizer.transform(texts), labels)
        score = {
            part: model.score(vectorizer.transform(x), y)
            for part in ("shown", "unseen")
            for x, y in [rows(make, part, 600, "test")]
        }
        assert score["shown"] >= 0.9
        if make is notices.topic:
            assert score["unseen"] <= 0.6
