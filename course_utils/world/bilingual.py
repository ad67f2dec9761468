"""The town's bilingual notices: English and French sentences from one derivation.

A derivation is a `Structure` (clause, tense, polarity, number, place of the
adjective) and the words put into it. A builder per clause type makes both
sentences at once out of the phrases of a `Scene`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from course_utils.world.bilingual_phrases import (
    CLASSES,
    COUNTS,
    HOURS,
    LETTERS,
    NP,
    NUMBERS,
    PARTS,
    WORDS,
    Scene,
    Structure,
    spell_english,
    spell_french,
)
from course_utils.world.draw import Draw, Part, Phrase, split
from course_utils.world.lexicons import bilingual as lexicon
from course_utils.world.lexicons.bilingual import Pair, Verb

# --- clauses --------------------------------------------------------------------------------------

BELONG, COST = lexicon.verb("belong_to = appartenir"), lexicon.verb("cost cost = coûter")
TAKE_PLACE = lexicon.verb("take_place took_place = avoir")
OPENING = (lexicon.verb("open = ouvrir"), lexicon.verb("close = fermer"))
FUTURE = ("ai", "a", "ons", "ez", "ont")
WAS = ("étais", "était", "étions", "étiez", "étaient")
ETRE, AVOIR = (tuple(lexicon.IRREGULAR[verb].split()[:5]) for verb in ("être", "avoir"))
_PAS = {"not": "pas", "never": "jamais", "longer": "plus"}
_NOT = {"not": "not ", "never": "never ", "longer": "no longer ", "yes": ""}


def _negated(finite: str, polarity: str) -> str:
    return finite if polarity == "yes" else f"ne {finite} {_PAS[polarity]}"


def _participle(verb: Verb, agrees: NP) -> str:
    return verb.participle + "e" * agrees.feminine + "s" * agrees.plural


def predicate(verb: Verb, subject: NP, tense: str, polarity: str, *, before: NP | None = None) -> Pair:
    """The conjugated verb, negated if need be.

    `before` is an object that stands before it, as in "la clé qu'il a perdue".
    """
    base, third, past, _, _ = verb.english
    if tense == "future":
        return f"will {_NOT[polarity]}{base}", _negated(verb.future + FUTURE[subject.person], polarity)
    if tense == "present":
        finite = third if subject.person == 1 else base
        auxiliary = "does" if subject.person == 1 else "do"
        en = f"{auxiliary} not {base}" if polarity == "not" else _NOT[polarity] + finite
        return en, _negated(verb.present[subject.person], polarity)
    en = f"did not {base}" if polarity == "not" else _NOT[polarity] + past
    agrees = subject if verb.etre else before
    participle = verb.participle if agrees is None else _participle(verb, agrees)
    return en, f"{_negated((ETRE if verb.etre else AVOIR)[subject.person], polarity)} {participle}"


def be(subject: NP, tense: str, polarity: str = "yes") -> Pair:
    """A form of be / être; the past is the imparfait, as descriptions want it."""
    many = subject.person != 1
    en = {"present": "are" if many else "is", "past": "were" if many else "was", "future": "will be"}[tense]
    if subject.person == 0 and tense != "future":
        en = "am" if tense == "present" else "was"
    if polarity != "yes":
        en = f"will {_NOT[polarity]}be" if tense == "future" else f"{en} {_NOT[polarity].strip()}"
    forms = {"present": ETRE, "past": WAS, "future": tuple("ser" + end for end in FUTURE)}[tense]
    return en, _negated(forms[subject.person], polarity)


def _do(subject: NP, tense: str) -> str:
    return {"past": "did", "present": "does" if subject.person == 1 else "do", "future": "will"}[tense]


def _and(*pairs: Pair | NP) -> Pair:
    """Phrases side by side in both languages."""
    return " ".join([pair[0] for pair in pairs]), " ".join([pair[1] for pair in pairs])


Builder = Callable[[Scene, Structure], "tuple[str, str] | tuple[str, str, str]"]  # a third: "?" or "!"
B = TypeVar("B", bound=Builder)
_BUILDERS: dict[str, Builder] = {}
_GRAMMAR: list[tuple[str, str, str, str, str]] = []  # kind, tenses, polarities, classes, adjectives


def kind(
    tenses: str,
    polarities: str,
    classes: str = "tapfel",
    adjectives: str = "none before after both",
    opens: bool = False,
) -> Callable[[B], B]:
    """Enter a clause type into the grammar, with the features it may have."""

    def enter(builder: B) -> B:
        name = builder.__name__.strip("_")
        _BUILDERS[name] = builder
        _GRAMMAR.append((name, tenses, polarities, classes, adjectives))
        if opens:
            OPENERS.add(name)
        return builder

    return enter


OPENERS: set[str] = set()  # what can begin a notice
ALL_TENSES = "past present future"


def _with_time(scene: Scene, s: Structure, body: Pair) -> Pair:
    """Half of the clauses say when, some of them first."""
    if s.polarity in ("never", "longer") or not scene.draw.chance(0.5):
        return body
    time = scene.time(s.tense)
    return _and((time[0] + ",", time[1] + ","), body) if scene.draw.chance(0.25) else _and(body, time)


@kind(ALL_TENSES, "yes not never", opens=True)
def _action(scene: Scene, s: Structure) -> Pair:
    subject, verb = scene.actor(), scene.verb()
    return _with_time(
        scene, s, _and(subject, predicate(verb, subject, s.tense, s.polarity), scene.object(s, subject.own))
    )


@kind(ALL_TENSES, "yes not", "tafp", opens=True)
def _action_somewhere(scene: Scene, s: Structure) -> Pair:
    subject, verb = scene.actor(), scene.verb()
    body = _and(subject, predicate(verb, subject, s.tense, s.polarity), scene.object(s, subject.own))
    return _and(body, scene.place())


@kind(ALL_TENSES, "yes not never longer", "ap", opens=True)
def _motion(scene: Scene, s: Structure) -> Pair:
    subject, verb = scene.subject("theme", s.adjective), scene.draw.choice(scene.words.intransitive)
    body = _and(subject, predicate(verb, subject, s.tense, s.polarity))
    return _with_time(scene, s, _and(body, scene.place()) if scene.draw.chance(0.5) else body)


@kind(ALL_TENSES, "yes not longer", adjectives="none before after")
def _quality(scene: Scene, s: Structure) -> Pair:
    subject = scene.subject("theme", s.adjective)
    return _and(subject, be(subject, s.tense, s.polarity), scene.predicate(subject))


@kind(ALL_TENSES, "yes not longer", "tapf", opens=True)
def _exists(scene: Scene, s: Structure) -> Pair:
    counted = s.polarity == "yes" and s.number == "plural" and scene.draw.chance(0.5)
    determiner = scene.draw.choice(COUNTS) if counted else "a"
    theme = scene.phrase("theme", determiner if s.polarity == "yes" else "any", s.adjective)
    subject = NP("there", "il", 4 if s.number == "plural" else 1)
    is_ = be(subject, s.tense, "longer" if s.polarity == "longer" else "yes")
    english = theme.english
    if s.polarity == "not":  # "no key", not "not any key"
        english = "no " + english.removeprefix("any ").removeprefix("a ")
    en = f"there {is_[0]} {english}"
    fr = {"past": "y avait", "present": "y a", "future": "y aura"}[s.tense]
    fr = f"il {fr}" if s.polarity == "yes" else f"il ne {fr} {_PAS[s.polarity]}"
    return _and((en, f"{fr} {theme.french}"), scene.place())


@kind(ALL_TENSES, "yes not", opens=True)
def _because(scene: Scene, s: Structure) -> Pair:
    subject, verb = scene.actor(), scene.verb()
    main = _and(subject, predicate(verb, subject, s.tense, s.polarity), scene.object(s, subject.own))
    other, tense = scene.subject("other"), "past" if s.tense == "past" else "present"
    if scene.draw.chance(0.5):
        reason = _and(other, be(other, tense), scene.predicate(other, "other"))
    else:
        reason = _and(other, predicate(scene.draw.choice(scene.words.intransitive), other, tense, "yes"))
    return _and(main, ("because", "parce que"), reason)


@kind(ALL_TENSES, "yes not", adjectives="none before after")
def _who(scene: Scene, s: Structure) -> Pair:
    actor = scene.phrase("actor", "the")
    relative = _and(predicate(scene.verb(), actor, s.tense, s.polarity), scene.object(s, actor.own))
    return _and(actor, ("who", "qui"), relative, be(actor, "present"), scene.predicate(actor, "actor"))


@kind(ALL_TENSES, "yes not never", adjectives="none before after", opens=True)
def _which(scene: Scene, s: Structure) -> Pair:
    theme, verb = scene.phrase("theme", "the", s.adjective), scene.verb()
    subject = scene.actor()
    relative = _and(subject, predicate(verb, subject, s.tense, s.polarity, before=theme))
    which = "who" if scene.theme == "person" else "which"
    return _and(
        theme,
        (which if which == "which" else "whom", "que"),
        relative,
        be(theme, "present"),
        scene.predicate(theme),
    )


@kind(ALL_TENSES, "yes")
def _question(scene: Scene, s: Structure) -> tuple[str, str, str]:
    subject, verb = scene.actor(asked=True), scene.verb()
    theme = scene.object(s, subject.own)
    fr = predicate(verb, subject, s.tense, "yes")[1]
    return (
        f"{_do(subject, s.tense)} {subject.english} {verb.english[0]} {theme.english}",
        f"est-ce que {subject.french} {fr} {theme.french}",
        "?",
    )


@kind("past future", "yes")
def _why(scene: Scene, s: Structure) -> tuple[str, str, str]:
    word, mot = scene.draw.choice((("why", "pourquoi"), ("when", "quand"), ("where", "où")))
    en, fr, end = _question(scene, s)
    return f"{word} {en}", f"{mot} {fr}", end


@kind(ALL_TENSES, "yes not", adjectives="none before after")
def _asks_who(scene: Scene, s: Structure) -> tuple[str, str, str]:
    en, fr = _and(
        ("who", "qui"), predicate(scene.verb(), NP("who", "qui"), s.tense, s.polarity), scene.object(s)
    )
    return en, fr, "?"


@kind(ALL_TENSES, "yes", "tapfe")
def _where(scene: Scene, s: Structure) -> tuple[str, str, str]:
    theme = scene.subject("theme", s.adjective)
    en, fr = be(theme, s.tense)
    en = f"where will {theme.english} be" if s.tense == "future" else f"where {en} {theme.english}"
    return (
        en,
        f"où {fr} {theme.french}" if theme.french[:2] not in ("il", "el") else f"où {fr}-{theme.french}",
        "?",
    )


@kind("", "yes not never", opens=True)
def _order(scene: Scene, s: Structure) -> tuple[str, str, str]:
    verb, theme = scene.verb(asked=s.polarity), scene.object(s)
    en = {"yes": "", "not": "do not ", "never": "never "}[s.polarity] + verb.english[0]
    return f"{en} {theme.english}", f"{_negated(verb.present[3], s.polarity)} {theme.french}", "!"


@kind("", "yes not", opens=True)
def _request(scene: Scene, s: Structure) -> Pair:
    verb, theme = scene.verb(asked=s.polarity), scene.object(s)
    return (
        f"please {'do not ' * (s.polarity == 'not')}{verb.english[0]} {theme.english}",
        f"veuillez {'ne pas ' * (s.polarity == 'not')}{verb.infinitive} {theme.french}",
    )


@kind("", "yes not", opens=True)
def _rule(scene: Scene, s: Structure) -> Pair:
    word, mot = scene.draw.choice(
        (
            ("forbidden", "interdit"),
            ("possible", "possible"),
            ("dangerous", "dangereux"),
            ("easy", "facile"),
            ("useless", "inutile"),
        )
    )
    verb, theme = scene.verb(asked="yes"), scene.object(s._replace(polarity="yes"))
    return (
        f"it is {'not ' * (s.polarity == 'not')}{word} to {verb.english[0]} {theme.english}",
        f"il {_negated('est', s.polarity)} {mot} de {verb.infinitive} {theme.french}",
    )


@kind("", "yes not")
def _thanks(scene: Scene, s: Structure) -> Pair:
    verb, theme = scene.verb(asked=s.polarity), scene.object(s)
    return (
        f"thank you for {'not ' * (s.polarity == 'not')}{verb.english[4]} {theme.english}",
        f"merci de {'ne pas ' * (s.polarity == 'not')}{verb.infinitive} {theme.french}",
    )


@kind("present", "yes", "tapfl")
def _if(scene: Scene, s: Structure) -> Pair:
    first, second = scene.verb(), scene.draw.choice(scene.words.transitive["person"])
    theme, other = scene.object(s, "your"), scene.phrase("other", "the")
    return (
        f"if you {first.english[0]} {theme.english}, please {second.english[0]} {other.english}",
        f"si vous {first.present[3]} {theme.french}, {second.present[3]} {other.french}, s'il vous plaît",
    )


@kind("present future", "yes not")
def _when(scene: Scene, s: Structure) -> Pair:
    other, subject, verb = scene.subject("other"), scene.actor(), scene.verb()
    coming = scene.draw.choice(scene.words.intransitive)
    en = predicate(coming, other, "present", "yes")[0]
    first = (
        f"when {other.english} {en},",
        f"quand {other.french} {predicate(coming, other, s.tense, 'yes')[1]},",
    )
    return _and(first, subject, predicate(verb, subject, s.tense, s.polarity), scene.object(s, subject.own))


_HEADLINES = (
    ("lost:", "perdu", "ta"),
    ("found:", "trouvé", "ta"),
    ("stolen:", "volé", "tfa"),
    ("wanted:", "recherché", "p"),
    ("rescued:", "sauvé", "ap"),
    ("for sale:", "à vendre", "tfal"),
    ("to let:", "à louer", "l"),
    ("cancelled:", "annulé", "e"),
    ("postponed:", "reporté", "e"),
    ("not to be missed:", "à ne pas manquer", "e"),
    ("free of charge:", "offert", "tf"),
)


@kind("", "yes", opens=True)
def _headline(scene: Scene, s: Structure) -> Pair:
    word, mot, _ = scene.draw.choice([h for h in _HEADLINES if LETTERS[scene.theme] in h[2]])
    determiner = scene.draw.choice(COUNTS) if scene.plural else "a" if scene.theme != "event" else "the"
    theme = scene.phrase("theme", determiner, s.adjective)
    return f"{word} {theme.english}", f"{mot if mot[0] == 'à' else _agreed(mot, theme)} : {theme.french}"


def _agreed(participle: str, np: NP) -> str:
    return participle + "e" * np.feminine + "s" * np.plural


@kind(ALL_TENSES, "yes not longer", "ta")
def _belongs(scene: Scene, s: Structure) -> Pair:
    theme, owner = scene.subject("theme", s.adjective), scene.phrase("other", "the")
    return _and(theme, predicate(BELONG, theme, s.tense, s.polarity), ("", "à"), owner)


@kind(ALL_TENSES, "yes not", "l", opens=True)
def _hours(scene: Scene, s: Structure) -> Pair:
    theme, verb = scene.subject("theme", s.adjective), scene.draw.choice(OPENING)
    body = _and(theme, predicate(verb, theme, s.tense, s.polarity), scene.draw.choice(HOURS))
    return _and(body, scene.time("present")) if s.tense == "present" and scene.draw.chance(0.5) else body


@kind(ALL_TENSES, "yes not", "e", opens=True)
def _happens(scene: Scene, s: Structure) -> Pair:
    theme = scene.subject("theme", s.adjective)
    body = _and(theme, predicate(TAKE_PLACE, theme, s.tense, s.polarity), ("", "lieu"), scene.place())
    return _and(body, scene.draw.choice(HOURS) if scene.draw.chance(0.5) else scene.time(s.tense))


_MODALS: dict[str, tuple[str, tuple[tuple[str, str], ...]]] = {
    # tense and polarity: the English verb and the forms of the French one
    "devoir": (
        "must",
        (
            ("present yes", "must"),
            ("present not", "must not"),
            ("future yes", "will have to"),
            ("past yes", "had to"),
        ),
    ),
    "pouvoir": (
        "can",
        (
            ("present yes", "can"),
            ("present not", "cannot"),
            ("future yes", "will be able to"),
            ("future not", "will not be able to"),
            ("past yes", "was able to"),
            ("past not", "was not able to"),
        ),
    ),
}


@kind(ALL_TENSES, "yes not", opens=True)
def _modal(scene: Scene, s: Structure) -> Pair:
    subject, verb = scene.actor(), scene.verb()
    options = [
        (name, dict(forms)[f"{s.tense} {s.polarity}"])
        for name, (_, forms) in _MODALS.items()
        if f"{s.tense} {s.polarity}" in dict(forms)
    ]
    name, en = scene.draw.choice(options)
    if subject.person > 1:
        en = en.replace("was", "were")
    modal = MODAL_VERBS[name]
    fr = predicate(modal, subject, s.tense, s.polarity)[1]
    theme = scene.object(s, subject.own)
    return (
        f"{subject.english} {en} {verb.english[0]} {theme.english}",
        f"{subject.french} {fr} {verb.infinitive} {theme.french}",
    )


MODAL_VERBS = {"devoir": lexicon.verb("must = devoir"), "pouvoir": lexicon.verb("can = pouvoir")}


@kind(ALL_TENSES, "yes not", "tfa")
def _price(scene: Scene, s: Structure) -> Pair:
    theme, (en, fr) = scene.subject("theme", s.adjective), scene.draw.choice(NUMBERS)
    return _and(theme, predicate(COST, theme, s.tense, s.polarity), (f"{en} euros", f"{fr} euros"))


@kind(ALL_TENSES, "yes not")
def _as(scene: Scene, s: Structure) -> Pair:
    theme = scene.subject("theme", s.adjective)
    adjective, rival = scene.predicate(theme), scene.phrase("rival", "the")
    return _and(theme, be(theme, s.tense, s.polarity), ("as", "aussi"), adjective, ("as", "que"), rival)


@kind(ALL_TENSES, "yes not never", "tfa", opens=True)
def _gives(scene: Scene, s: Structure) -> Pair:
    subject, verb = scene.actor(), scene.draw.choice(scene.words.ditransitive)
    theme, other = scene.object(s, subject.own), scene.phrase("other", "the")
    return _and(subject, predicate(verb, subject, s.tense, s.polarity), theme, ("to", "à"), other)


@kind(ALL_TENSES, "yes not longer", "ta", "none before after")
def _of(scene: Scene, s: Structure) -> Pair:
    owner = scene.phrase("other", "the")
    theme = scene.phrase("theme", "", s.adjective)
    french = scene.phrase("theme", "the", s.adjective).french
    genitive = owner.english + ("'" if owner.plural and owner.english.endswith("s") else "'s")
    subject = NP(
        f"{genitive} {theme.english.strip()}", f"{french} de {owner.french}", theme.person, theme.feminine
    )
    return _and(subject, be(subject, s.tense, s.polarity), scene.predicate(subject))


# --- structures -----------------------------------------------------------------------------------

STRUCTURES: tuple[Structure, ...] = tuple(
    Structure(name, tense, polarity, number, adjective)
    for name, tenses, polarities, _, adjectives in _GRAMMAR
    for tense in tenses.split() or [""]
    for polarity in polarities.split()
    for number in ("singular", "plural")
    for adjective in adjectives.split()
    if (tense, polarity) != ("past", "longer") or name in ("quality", "exists", "of")
)
SPLIT = split(STRUCTURES, key="bilingual structures")
_CLASSES = {name: classes for name, _, _, classes, _ in _GRAMMAR}
_THEMES = (
    ("thing", 0.3),
    ("animal", 0.16),
    ("place", 0.16),
    ("person", 0.12),
    ("food", 0.13),
    ("event", 0.13),
)


def _sorted_structures(part: Part) -> dict[tuple[str, bool], tuple[tuple[str, tuple[Structure, ...]], ...]]:
    """The structures of a part by theme and number, grouped by clause type each type equally likely."""
    table = {}
    for theme in CLASSES:
        for plural in (False, True):
            kinds: dict[str, list[Structure]] = {}
            for s in SPLIT.part(part):
                if (s.number == "plural") == plural and LETTERS[theme] in _CLASSES[s.kind]:
                    kinds.setdefault(s.kind, []).append(s)
            table[theme, plural] = tuple((name, tuple(structures)) for name, structures in kinds.items())
    return table


_STRUCTURES = {part: _sorted_structures(part) for part in PARTS}
_OPENING = {
    key: tuple(entry for entry in entries if entry[0] in OPENERS)
    for key, entries in _STRUCTURES["all"].items()
}


def _scene(draw: Draw, part: Part) -> Scene:
    return Scene(draw, WORDS[part], draw.weighted(_THEMES), draw.chance(0.35))


def _render(scene: Scene, structure: Structure) -> Pair:
    en, fr, *end = _BUILDERS[structure.kind](scene, structure)
    mark = end[0] if end else "."
    return spell_english(en, mark), spell_french(fr, mark)


def notice(draw: Draw) -> list[Pair]:
    """Two or three sentences about one thing, in both languages."""
    scene = _scene(draw, "all")
    key = scene.theme, scene.plural
    first = draw.choice(_OPENING[key])
    others = draw.sample(
        [entry for entry in _STRUCTURES["all"][key] if entry is not first], draw.integer(1, 2)
    )
    return [_render(scene, draw.choice(structures)) for _, structures in (first, *others)]


def document(draw: Draw) -> tuple[Phrase, ...]:
    """An unlabelled notice: English and French as two segments, or one language alone."""
    languages = draw.weighted((((0, 1), 0.6), ((0,), 0.2), ((1,), 0.2)))
    pairs = notice(draw)
    return tuple(Phrase(" ".join([pair[language] for pair in pairs])) for language in languages)


def labelled(draw: Draw, part: Part, structures: Part | None = None) -> dict[str, object]:
    """One sentence and its translation, with the columns of opus_books; `id` is left to the task set.

    Words are those of `part`, and so are structures unless `structures` names another one: known words in a structure
    that no labelled row has are a composition held out.
    """
    scene = _scene(draw, part)
    _, options = draw.choice(_STRUCTURES[structures or part][scene.theme, scene.plural])
    en, fr = _render(scene, draw.choice(options))
    return {"id": "", "translation": {"en": en, "fr": fr}}
