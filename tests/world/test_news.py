"""The newspaper: documents that name the same names again, and rows whose tags stand on their names."""

import pytest

from course_utils.world import names, news
from course_utils.world.draw import Draw, words

PARTS = ("shown", "unseen")
N_ROWS = 3000


def rows(part):
    return [news.labelled(Draw("test", part, i), part) for i in range(N_ROWS)]


@pytest.fixture(scope="module")
def labelled():
    return {part: rows(part) for part in PARTS}


def entity_words(row):
    return {token for token, tag in zip(row["tokens"], row["ner_tags"], strict=True) if tag}


def test_frames_are_many_and_no_frame_is_on_both_sides():
    assert len(news.FRAMES.all) == len(set(news.FRAMES.all)) >= 90
    assert not set(news.FRAMES.shown) & set(news.FRAMES.unseen)
    assert all(split.shown and split.unseen for split in (*news.OPENINGS.values(), *news.FOLLOW_UPS.values()))


def test_the_tags_are_those_of_conll2003():
    assert news.TAGS == ("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC", "B-MISC", "I-MISC")


def test_no_name_of_one_side_is_an_entity_of_the_other(labelled):
    ignored = names.FUNCTION_WORDS | {"'"}  # of "Gardeners' Guild"
    shown, unseen = (set().union(*map(entity_words, labelled[part])) - ignored for part in PARTS)
    assert shown and unseen and not shown & unseen


def test_tags_are_valid_bio_and_all_types_are_common(labelled):
    for part in PARTS:
        counts = dict.fromkeys(("PER", "ORG", "LOC", "MISC"), 0)
        for row in labelled[part]:
            before = "O"
            for tag in (news.TAGS[number] for number in row["ner_tags"]):
                if tag.startswith("I-"):
                    assert before[2:] == tag[2:], row
                elif tag != "O":
                    counts[tag[2:]] += 1
                before = tag
        assert min(counts.values()) > 0.1 * sum(counts.values()), counts


def test_rows_have_up_to_four_names_and_a_few_have_none(labelled):
    for part in PARTS:
        n_names = [sum(news.TAGS[t].startswith("B-") for t in row["ner_tags"]) for row in labelled[part]]
        assert max(n_names) <= 4
        assert 0.05 < n_names.count(0) / N_ROWS < 0.11


@pytest.mark.parametrize("part", PARTS)
def test_tags_stand_exactly_on_the_spans(part):
    for frame in news.reports(part):
        phrase = news.Story(Draw("spans", frame), part, alone=True).tell(frame)
        row = news.tagged(phrase)
        found = words(phrase.text)
        assert row["tokens"] == [word for word, _, _ in found]
        edges = {edge for _, start, end in found for edge in (start, end)}
        for span in phrase.spans:
            assert {span.start, span.end} <= edges, phrase.text
            inside = [
                t
                for t, (_, start, _) in zip(row["ner_tags"], found, strict=True)
                if span.start <= start < span.end
            ]
            begin = news.TAGS.index(f"B-{span.kind}")
            assert inside == [begin] + [begin + 1] * (len(inside) - 1), phrase.text
        n_tagged = sum(news.TAGS[t].startswith("B-") for t in row["ner_tags"])
        assert n_tagged == len(phrase.spans) > 0


def test_documents_are_short_and_name_their_names_again():
    again = long = 0
    for i in range(1000):
        (text,) = news.document(Draw("documents", i))
        named = [text.text[span.start : span.end] for span in text.spans]
        assert all(span.kind in names.NAMES for span in text.spans)
        last = [name.rsplit(" ", 1)[-1] for name in named]
        again += len(set(last)) < len(last)
        long += len(words(text.text)) > 60
        assert "{" not in text.text and "  " not in text.text and "s's " not in text.text
    assert again > 600 and long < 100


def test_a_fifth_of_the_documents_is_about_invented_names():
    listed = {w for lexicon in names.NAMES.values() for name in lexicon.all for w in name.split()}
    invented = 0
    for i in range(1000):
        (text,) = news.document(Draw("invented", i))
        span = text.spans[0]
        invented += text.text[span.start : span.end].split()[0] not in listed
    assert 150 < invented < 250


def test_the_same_key_writes_the_same_news():
    for i in range(50):
        one, two = Draw("same", i), Draw("same", i)
        assert news.document(one) == news.document(two) and one.surprisal == two.surprisal > 0
        assert news.labelled(Draw("same", i), "shown") == news.labelled(Draw("same", i), "shown")
