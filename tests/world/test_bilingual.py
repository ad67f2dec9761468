"""Bilingual notices: the French is checked by rules written apart from the grammar that made it."""

from __future__ import annotations

import re

import pytest

from course_utils.world import bilingual, bilingual_phrases
from course_utils.world.bilingual_phrases import ADJECTIVES, NOUNS, spell_english, spell_french
from course_utils.world.draw import Draw
from course_utils.world.lexicons import bilingual as lexicon

DRAWS = 6000


@pytest.fixture(scope="module")
def pairs() -> list[tuple[str, str]]:
    rows = [bilingual.labelled(Draw("test", i), "all")["translation"] for i in range(DRAWS)]
    return [(row["en"], row["fr"]) for row in rows]


def all_nouns():
    return [noun for nouns in NOUNS.values() for noun in nouns.all]


def test_counts():
    assert len(all_nouns()) >= 120
    assert len(ADJECTIVES[True].all) >= 12 and sum(len(a.all) for a in ADJECTIVES.values()) >= 50
    verbs = (bilingual_phrases.TRANSITIVE, bilingual_phrases.INTRANSITIVE, bilingual_phrases.DITRANSITIVE)
    assert sum(len(v.all) for v in verbs) >= 60
    assert len({(s.kind, s.tense, s.polarity) for s in bilingual.STRUCTURES}) >= 45


@pytest.mark.parametrize(
    "written, spelt",
    [
        ("le école est près de le pont", "L'école est près du pont."),
        ("il ne y a pas de oies à le hôtel", "Il n'y a pas d'oies à l'hôtel."),
        ("la hache de le hibou", "La hache du hibou."),
        ("sa écharpe et ce homard", "Son écharpe et ce homard."),
        ("si il ouvre ce hôtel", "S'il ouvre cet hôtel."),
        ("parce que elle parle à les oncles de les héros", "Parce qu'elle parle aux oncles des héros."),
        ("de le ail et de le pain", "De l'ail et du pain."),
        ("la oie que je ai vue a onze œufs", "L'oie que j'ai vue a onze œufs."),
        ("je ne attends pas le onze", "Je n'attends pas le onze."),
    ],
)
def test_elision_and_contraction(written: str, spelt: str):
    assert spell_french(written) == spelt


def test_english_article():
    assert (
        spell_english("a honest man sold a useful owl to a aunt")
        == "An honest man sold a useful owl to an aunt."
    )


@pytest.mark.parametrize(
    "entry, present, future, participle",
    [
        ("eat = manger", "mange mange mangeons mangez mangent", "manger", "mangé"),
        ("announce = annoncer", "annonce annonce annonçons annoncez annoncent", "annoncer", "annoncé"),
        ("buy = acheter", "achète achète achetons achetez achètent", "achèter", "acheté"),
        ("throw = jeter", "jette jette jetons jetez jettent", "jetter", "jeté"),
        ("clean = nettoyer", "nettoie nettoie nettoyons nettoyez nettoient", "nettoier", "nettoyé"),
        ("protect = protéger", "protège protège protégeons protégez protègent", "protéger", "protégé"),
        ("choose = choisir", "choisis choisit choisissons choisissez choisissent", "choisir", "choisi"),
        ("sell = vendre", "vends vend vendons vendez vendent", "vendr", "vendu"),
        ("see = voir", "vois voit voyons voyez voient", "verr", "vu"),
    ],
)
def test_conjugation(entry: str, present: str, future: str, participle: str):
    verb = lexicon.verb(entry)
    assert (" ".join(verb.present), verb.future, verb.participle) == (present, future, participle)


@pytest.mark.parametrize(
    "entry, forms",
    [
        ("carry", "carry carries carried carried carrying"),
        ("close", "close closes closed closed closing"),
        ("cut cut", "cut cuts cut cut cutting"),
        ("go_out went_out gone_out", "go out|goes out|went out|gone out|going out"),
        ("cancel", "cancel cancels cancelled cancelled cancelling"),
        ("see saw seen", "see sees saw seen seeing"),
        ("look_for", "look for|looks for|looked for|looked for|looking for"),
    ],
)
def test_english_verbs(entry: str, forms: str):
    assert list(lexicon.verb(f"{entry} = voir").english) == forms.split("|" if "|" in forms else None)


def test_irregular_plurals():
    french = {noun.french[0]: noun.french[1] for noun in all_nouns()}
    assert {
        french[word] for word in ("bateau", "cheval", "bal", "hibou", "colis", "pomme de terre", "grand-mère")
    } == {"bateaux", "chevaux", "bals", "hiboux", "colis", "pommes de terre", "grands-mères"}
    forms = {a.english: a.french for adjectives in ADJECTIVES.values() for a in adjectives.all}
    assert forms["beautiful"] == ("beau", "belle", "beaux", "belles")
    assert forms["local"] == ("local", "locale", "locaux", "locales")
    assert forms["blue"] == ("bleu", "bleue", "bleus", "bleues")
    assert forms["jealous"] == ("jaloux", "jalouse", "jaloux", "jalouses")


def test_nothing_is_left_unelided_or_uncontracted(pairs):
    silent_h = r"h(?:ôt|orlog|ôp|onn|uît|iv)"
    missing = re.compile(
        rf"\b(?:l[ea]|d[e]|n[e]|que|j[e]|m[a]|sa) (?:[aeiouâàéèêîôûœ]|{silent_h})", re.IGNORECASE
    )
    uncontracted = re.compile(r"\b(?:de|à) les? ", re.IGNORECASE)
    too_far = re.compile(
        r"\b[ldnj]'(?:h(?:ach|omard|aric|ibou|éri|éron|angar|éros)|onze|huit)", re.IGNORECASE
    )
    wrong_vowel_form = re.compile(
        r"\b(?:ce|(?:le|un|ce|du|au|[mts]on|notre|leur) (?:beau|nouveau|vieux)) "
        r"(?:[aeiouâéèêîôœ]|hôtel|horlog)",
        re.IGNORECASE,
    )
    for _, fr in pairs:
        assert not missing.search(fr.replace("onze", "11")), fr  # nothing is elided before "onze"
        assert not uncontracted.search(fr) and not too_far.search(fr), fr
        assert not wrong_vowel_form.search(fr), fr


def test_articles_and_adjectives_agree_with_their_noun(pairs):
    """Left of each noun stand only words of its gender and number, right of it no form of another one."""
    gender = {
        form: (noun.feminine, plural)
        for noun in all_nouns()
        for plural, form in enumerate(noun.french)
        if noun.french[0] != noun.french[1]
    }
    noun = re.compile(
        r"(?<![\w-])(" + "|".join(sorted(map(re.escape, gender), key=len, reverse=True)) + r")(?![\w-])"
    )
    articles = {
        (False, 0): {"le", "un", "ce", "cet", "du", "au", "mon", "son", "notre", "leur", "votre"},
        (True, 0): {"la", "une", "cette", "ma", "sa", "mon", "son", "notre", "leur", "votre"},
    }
    plural_articles = {"les", "des", "ces", "aux", "mes", "ses", "nos", "leurs", "vos", "de"}
    plural_articles |= {number.split()[1] for number in lexicon.NUMBERS}
    singular_only = articles[False, 0] | articles[True, 0]
    forms = {
        (f, p): {a.french[f + 2 * p] for adjectives in ADJECTIVES.values() for a in adjectives.all}
        | ({a.liaison for a in ADJECTIVES[True].all} if (f, p) == (0, 0) else set())
        for f in (0, 1)
        for p in (0, 1)
    }
    adjectives = set().union(*forms.values())
    checked = 0
    for _, fr in pairs:
        for match in noun.finditer(fr[0].lower() + fr[1:]):
            feminine, plural = gender[match.group()]
            before = re.findall(r"[\w-]+'?", (fr[0].lower() + fr[1:])[: match.start()])
            while before and before[-1] in adjectives:
                assert before[-1] in forms[feminine, plural], fr
                before.pop()
            if before and (before[-1] in singular_only or before[-1] in plural_articles - {"de"}):
                checked += 1
                allowed = plural_articles if plural else articles[feminine, 0]
                assert before[-1] in allowed, (match.group(), fr)
            after = re.match(r" ([\w-]+)", fr[match.end() :])
            if after and after[1] in adjectives:
                assert after[1] in forms[feminine, plural], (match.group(), fr)
    assert checked > DRAWS / 2


def test_past_participles_agree(pairs):
    """With être the participle follows its subject; with avoir an object that stands before."""
    for _, fr in pairs:
        for auxiliary, participle in re.findall(
            r"\b(est|sont) (?:jamais |pas )?(arrivée?s?|partie?s?|tombée?s?|venue?s?)\b", fr
        ):
            assert participle.endswith("s") == (auxiliary == "sont"), fr
    # The builders may not use avoir with these verbs at all.
    assert not any(
        re.search(r"\b(?:a|ont|avons|ai) (?:pas )?(?:arrivé|tombé|venu|resté)", fr) for _, fr in pairs
    )
    # "La clé qu'il a perdue est rouge": the participle after "que" agrees with what stands first.
    ahead = re.compile(
        r"^(La|Le|Les|L') ?.* qu(?:e |').* (?:a|ai|avons|ont) (?:pas |jamais )?([\w-]+) (?:est|sont) "
    )
    found = [match.groups() for _, fr in pairs if (match := ahead.match(fr))]
    assert len(found) > 20
    for article, participle in found:
        assert article != "La" or participle.endswith("e"), participle
        assert article != "Les" or participle.endswith("s"), participle
        assert article != "Le" or not participle.endswith("e"), participle


def test_negation_is_whole(pairs):
    for en, fr in pairs:
        negated = bool(re.search(r"\b(?:not|never|no|cannot)\b", en, re.IGNORECASE))
        assert negated == bool(re.search(r"\bn(?:e |')", fr, re.IGNORECASE)) or "manquer" in fr, (en, fr)
        assert negated == bool(re.search(r"\b(?:pas|jamais|plus)\b", fr)), (en, fr)


def test_marks_and_capitals(pairs):
    for en, fr in pairs:
        assert en[0].isupper() and fr[0].isupper() and "  " not in en + fr
        assert (en[-1], fr[-2:]) in {("?", " ?"), ("!", " !")} or en[-1] == fr[-1] == "."


def test_two_derivations_never_give_the_same_pair():
    class Recorded(Draw):
        """A draw that remembers every choice by its share of the surprisal and its value."""

        def __init__(self, *key):
            super().__init__(*key)
            self.trace: list = []

        def index(self, n):
            self.trace.append(value := super().index(n))
            return value

        def chance(self, p):
            self.trace.append(value := super().chance(p))
            return value

        def weighted(self, options):
            value = super().weighted(options)
            self.trace.append([option for option, _ in options].index(value))
            return value

    traces: dict[tuple[str, str], list] = {}
    for i in range(20_000):
        draw = Recorded("traces", i)
        row = bilingual.labelled(draw, "all")["translation"]
        assert traces.setdefault((row["en"], row["fr"]), draw.trace) == draw.trace, row


def test_parts_share_neither_structures_nor_words():
    parts = bilingual.SPLIT
    assert not set(parts.shown) & set(parts.unseen) and len(parts.shown) + len(parts.unseen) == len(
        bilingual.STRUCTURES
    )
    for lists in (
        *NOUNS.values(),
        *ADJECTIVES.values(),
        bilingual_phrases.TRANSITIVE,
        bilingual_phrases.INTRANSITIVE,
    ):
        assert lists.unseen and not set(lists.shown) & set(lists.unseen)
    for part, other in (("shown", "unseen"), ("unseen", "shown")):
        # A pair holds a word if both its forms stand there: "photographie" alone may also be a verb.
        foreign = [
            (re.compile(rf"\b{en}\b"), re.compile(rf"(?<![\w-]){fr}(?![\w-])"))
            for nouns in NOUNS.values()
            for noun in nouns.part(other)
            for en, fr in zip(noun.english, noun.french, strict=True)
        ]
        for i in range(300):
            row = bilingual.labelled(Draw("leak", part, i), part)["translation"]
            for english, french in foreign:
                assert not (english.search(row["en"]) and french.search(row["fr"])), row


def test_documents_are_deterministic_and_of_three_shapes():
    shapes = {"both": 0, "one": 0}
    for i in range(2000):
        draw, again = Draw("documents", i), Draw("documents", i)
        segments = bilingual.document(draw)
        assert segments == bilingual.document(again) and draw.surprisal == again.surprisal > 0
        shapes["both" if len(segments) == 2 else "one"] += 1
        assert 2 <= len(re.findall(r"[.!?](?: |$)", segments[0].text)) <= 3, segments[0].text
    assert shapes["both"] / 2000 == pytest.approx(0.6, abs=0.04)


def test_row_has_the_columns_of_opus_books():
    row = bilingual.labelled(Draw("row"), "shown")
    assert set(row) == {"id", "translation"} and set(row["translation"]) == {"en", "fr"}
