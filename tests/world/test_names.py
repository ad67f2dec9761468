"""The names: how many, how ambiguous, and that the two sides share no word."""

from course_utils.world import names
from course_utils.world.draw import Draw, Part, Phrase

KINDS = ("PER", "ORG", "LOC", "MISC")


def content_words(part: Part) -> set[str]:
    return {w for kind in KINDS for name in names.NAMES[kind].part(part) for w in names.content_words(name)}


def span_text(phrase: Phrase) -> str:
    (span,) = phrase.spans
    return phrase.text[span.start : span.end]


def test_there_are_enough_names():
    assert len({name for kind in KINDS for name in names.NAMES[kind].all}) >= 850
    for sort, lexicon in names.SORTS.items():
        assert len(lexicon.shown) >= 6 and len(lexicon.unseen) >= 4, sort


def test_thirty_names_or_more_are_a_person_a_town_and_a_company():
    for name in names.AMBIGUOUS.all:
        assert all(name in names.SORTS[sort].all for sort in ("surname", "town", "company")), name
    assert len(names.AMBIGUOUS.all) >= 30
    assert min(len(names.AMBIGUOUS.shown), len(names.AMBIGUOUS.unseen)) >= 12


def test_no_word_stands_on_both_sides():
    assert not content_words("shown") & content_words("unseen")
    assert content_words("shown") | content_words("unseen") == content_words("all")
    assert not set(names.TITLES.shown) & set(names.TITLES.unseen)


def test_makers_mark_their_names_and_keep_to_their_part():
    for part in ("all", "shown", "unseen"):
        allowed = content_words(part)
        for i in range(300):
            draw = Draw("makers", part, i)
            for kind, make in names.NAMED.items():
                name = make(draw, part)
                assert name.spans[0].kind == kind
                assert names.content_words(span_text(name)) <= allowed


def test_a_title_or_an_article_stays_outside_the_span():
    person = names.person(Draw("title"), titled=1.0)
    assert len(person.text.split()) == 3 and len(span_text(person).split()) == 2
    assert span_text(names.last_word(person)) == person.text.split()[-1]
    river = names.place(Draw("river"), sort="river")
    assert names.with_article(river, "river").text == f"the {river.text}"
    assert span_text(names.with_article(river, "river")) == river.text


def test_invented_names_are_many_and_in_no_list():
    listed = {w for kind in KINDS for name in names.NAMES[kind].all for w in name.split()}
    for kind, sort in (("PER", None), ("ORG", "company"), ("LOC", "town"), ("MISC", "ship")):
        found = {names.invented(Draw("invented", kind, i), kind, sort).text for i in range(3000)}
        assert len(found) > 2500
        assert not {name.split()[0] for name in found} & listed


def test_the_same_key_draws_the_same_name():
    for kind, make in names.NAMED.items():
        assert make(Draw("same", 3)) == make(Draw("same", 3))
        assert names.invented(Draw("same", 3), kind) == names.invented(Draw("same", 3), kind)
