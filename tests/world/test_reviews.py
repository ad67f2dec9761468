"""The reviews: what they hold, what they hide, and what a bag of words can and cannot learn from them."""

import re

import pytest

from course_utils.world import reviews
from course_utils.world.draw import Draw, words
from course_utils.world.lexicons.review_frames import FRAMES_BY_SHAPE, SCENES
from course_utils.world.lexicons.review_things import COMPANIONS, INTENSIFIERS, KINDS, TIMES
from course_utils.world.reviews import POLARITY, SHOWN_WORDS, UNSEEN_WORDS, document, labelled


def tokens(text: str) -> list[str]:
    return [word.lower() for word, _, _ in words(text)]


def rows(part: str, n: int, key: str = "rows") -> list[dict]:
    return [labelled(Draw("test reviews", key, part, i), part) for i in range(n)]


@pytest.fixture(scope="module")
def documents() -> list[str]:
    return [document(Draw("test documents", i))[0].text for i in range(6000)]


def test_the_lexicon_is_large_and_balanced():
    positive = sum(POLARITY.values())
    assert positive >= 160 and len(POLARITY) - positive >= 160
    assert all(re.fullmatch("[a-z]+", word) for word in POLARITY)
    assert len(KINDS) >= 8 and len(reviews.FRAMES) == len(set(reviews.FRAMES)) >= 100
    for kind in KINDS.values():
        assert len(kind.names) >= 6 and len(kind.aspects) >= 6  # three opinions may be on six aspects
        assert {aspect.domain for aspect in kind.aspects} <= {domain for domain, _ in reviews.WORDS}


def test_no_word_is_of_both_polarities():
    for domain, label in reviews.WORDS:
        assert all(POLARITY[word] == label for word in reviews.WORDS[domain, label].all), domain


def test_every_class_has_shown_and_unseen_words_of_both_polarities():
    assert SHOWN_WORDS.isdisjoint(UNSEEN_WORDS)
    assert set(POLARITY) == SHOWN_WORDS | UNSEEN_WORDS
    assert 0.4 <= len(UNSEEN_WORDS) / len(POLARITY) <= 0.5
    for key, parts in reviews.WORDS.items():
        assert len(parts.shown) >= 4 and len(parts.unseen) >= 4, key
    for shape, parts in reviews.FRAME_SPLITS.items():
        assert 0.4 <= len(parts.unseen) / len(parts.all) <= 0.5, shape


def test_nothing_but_the_polarity_words_has_a_polarity():
    other = [*reviews.FRAMES, *SCENES, *reviews.ANCHORS, *COMPANIONS, *TIMES, *INTENSIFIERS]
    for kind in KINDS.values():
        other += [kind.noun, kind.visited, *kind.names, *(aspect.bare for aspect in kind.aspects)]
    for text in other:
        assert not set(tokens(re.sub(r"\{\w+\}", "", text))) & set(POLARITY), text


def test_a_part_has_only_its_own_words():
    for part, allowed in (("shown", SHOWN_WORDS), ("unseen", UNSEEN_WORDS)):
        for row in rows(part, 2000):
            used = set(tokens(row["sentence"])) & set(POLARITY)
            assert used and used <= allowed, row


@pytest.mark.parametrize("part", ["shown", "unseen", "all"])
def test_labelled_rows_are_balanced_varied_and_without_anchors(part):
    made = rows(part, 4000)
    assert sum(row["label"] for row in made) / len(made) == pytest.approx(0.5, abs=0.03)
    assert len({row["sentence"] for row in made}) / len(made) > 0.97
    for row in made:
        assert set(row) == {"sentence", "label"}
        assert not any(anchor in row["sentence"] for anchor in reviews.ANCHORS)
        assert row["sentence"][0].isupper() and row["sentence"][-1] in ".!?"
        assert "{" not in row["sentence"] and "  " not in row["sentence"]


def test_negation_and_contrast_turn_a_fifth_of_the_labelled_rows():
    made = rows("all", 4000)
    turned = [
        any(POLARITY.get(token, row["label"]) != row["label"] for token in tokens(row["sentence"]))
        for row in made
    ]
    assert sum(turned) / len(made) == pytest.approx(0.2, abs=0.03)


def test_the_label_of_a_contrast_follows_the_main_clause():
    for i in range(500):
        row = labelled(Draw("contrast", i), "all")
        if (match := re.match(r"(Although|Even though) [^,]+, (?P<main>.+)", row["sentence"])) is not None:
            main = [POLARITY[token] for token in tokens(match["main"]) if token in POLARITY]
            assert set(main) == {row["label"]}, row  # two adjectives of one clause agree


def test_the_same_key_gives_the_same_text_and_counts_its_surprisal():
    first, second = Draw("again", 1), Draw("again", 1)
    assert document(first) == document(second)
    assert first.surprisal == second.surprisal > 10
    assert labelled(Draw("again", 2), "shown") == labelled(Draw("again", 2), "shown")


def test_a_document_is_two_to_four_sentences_half_of_them_with_an_anchor(documents):
    sentences = [len(re.findall(r"[.!?](?= |$)", text.replace("Mrs ", ""))) for text in documents]
    assert set(sentences) == {2, 3, 4}
    anchored = [
        any(re.search(rf"(^| ){re.escape(anchor)}", text) for anchor in reviews.ANCHORS) for text in documents
    ]
    assert sum(anchored) / len(documents) == pytest.approx(0.5, abs=0.03)
    length = sum(len(tokens(text)) for text in documents) / sum(sentences)
    assert 8 <= length <= 16


def test_a_document_has_one_mood_with_few_words_of_the_other(documents):
    against = total = 0
    for text in documents:
        moods = [POLARITY[token] for token in tokens(text) if token in POLARITY]
        against += min(sum(moods), len(moods) - sum(moods))
        total += len(moods)
    assert 0.02 < against / total < 0.07


def test_every_frame_agrees_with_singular_plural_and_mass_nouns():
    kind = KINDS["evening class"]  # a teacher, lessons, tea
    plural, mass = "(lessons|handouts|biscuits)", "(tea|equipment)"
    singular = "(teacher|caretaker|classroom|fee|tea|equipment)"
    wrong = rf"\ba a|\ban? the|{plural} (was|is)\b|{singular} (were|are)\b|\ba (truly|really) \w+ ({plural}|{mass})\b"
    for shape, frames in FRAMES_BY_SHAPE.items():
        for frame in frames:
            for i in range(40):
                values = reviews.fillings(Draw(frame, i), frame, shape, 1, "all", kind, "", set())
                text = reviews.sentence(frame, **values).text
                assert not re.search(wrong, text), text


def test_anchors_give_away_nearly_every_word(documents):
    """Counting which anchors a word stands with already tells its polarity: the text does teach it."""
    leaning = dict.fromkeys(POLARITY, 0)
    for text in documents:
        for cues in (reviews.OPENINGS, reviews.CLOSINGS, reviews.STARS):
            for mood, sign in ((0, -1), (1, 1)):
                if any(cue in text for cue in cues[mood]):
                    for token in set(tokens(text)) & set(POLARITY):
                        leaning[token] += sign
    right = [(leaning[word] > 0) == bool(label) for word, label in POLARITY.items()]
    assert sum(right) / len(right) > 0.97


def test_a_bag_of_words_knows_only_what_labels_showed():
    sklearn_text = pytest.importorskip("sklearn.feature_extraction.text")
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    def accuracy(train: list[dict], test: list[dict], delete: bool = False) -> float:
        def texts(some):
            keep = [[t for t in tokens(row["sentence"]) if not (delete and t in POLARITY)] for row in some]
            return [" ".join(kept) for kept in keep]

        model = make_pipeline(
            sklearn_text.CountVectorizer(token_pattern=r"\S+"), LogisticRegression(max_iter=1000, C=0.3)
        )
        model.fit(texts(train), [row["label"] for row in train])
        return model.score(texts(test), [row["label"] for row in test])

    train, shown, unseen = (
        rows("shown", 1000, "train"),
        rows("shown", 4000, "shown"),
        rows("unseen", 4000, "unseen"),
    )
    figures = {
        "shown": accuracy(train, shown),
        "shown, polarity words deleted": accuracy(train, shown, delete=True),
        "unseen": accuracy(train, unseen),
    }
    print(figures)
    assert figures["shown"] > 0.7  # 0.85 at best: it is wrong on denials and blind in contrasts
    assert figures["shown, polarity words deleted"] == pytest.approx(0.5, abs=0.03)
    assert figures["unseen"] == pytest.approx(0.5, abs=0.03)
