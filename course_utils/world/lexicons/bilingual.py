"""Word pairs of the bilingual notices: nouns, adjectives and verbs with what the grammar must know of them.

Written by hand, one entry a line, in the shortest notation that loses nothing;
the rules at the end inflect them. No English word stands for two French words of
the same class, so that a pair has one derivation.
"""

from __future__ import annotations

from typing import NamedTuple

# English (plural if irregular) = French gender (plural if irregular); "~" marks what is not counted.
NOUNS: dict[str, str] = {
    "person": """
        baker = boulanger m; postman/postmen = facteur m; nurse = infirmière f; mayor = maire m;
        singer = chanteuse f; schoolmistress = institutrice f; gardener = jardinier m;
        neighbour = voisin m; grandmother = grand-mère f/grands-mères; clockmaker = horloger m;
        student = étudiant m; actress = actrice f; fisherman/fishermen = pêcheur m; tailor = tailleur m;
        dancer = danseuse f; doctor = médecin m; lawyer = avocate f; plumber = plombier m;
        waiter = serveur m; uncle = oncle m; aunt = tante f; twin sister = jumelle f;
        apprentice = apprenti m; beekeeper = apicultrice f; ferryman/ferrymen = passeur m;
        librarian = bibliothécaire f; widow = veuve f; cousin = cousin m; organist = organiste m;
        violinist = violoniste f; poet = poète m; inventor = inventeur m; butcher = boucher m;
        chimney sweep = ramoneur m; grocer = épicière f; judge = juge m; watchman/watchmen = veilleur m;
        tourist = touriste m; hero/heroes = héros m; witness = témoin m""",
    "thing": """
        key = clé f; umbrella = parapluie m; bicycle = vélo m; hat = chapeau m; chair = chaise f;
        table = table f; lamp = lampe f; clock = horloge f; scarf/scarves = écharpe f; glove = gant m;
        coat = manteau m; trunk = malle f; letter = lettre f; parcel = colis m; book = livre m;
        piano = piano m; axe = hache f; trumpet = trompette f; violin = violon m; ladder = échelle f;
        wheelbarrow = brouette f; boat = bateau m; teapot = théière f; armchair = fauteuil m;
        mirror = miroir m; carpet = tapis m; pillow = oreiller m; bucket = seau m; flag = drapeau m;
        ring = bague f; purse = bourse f; wardrobe = armoire f;
        typewriter = machine à écrire f/machines à écrire; saw = scie f; suitcase = valise f;
        tie = cravate f; stamp = timbre m; portrait = portrait m; kettle = bouilloire f;
        fishing rod = canne à pêche f/cannes à pêche; hammer = marteau m; scale model = maquette f;
        postcard = carte postale f/cartes postales; watering can = arrosoir m""",
    "food": """
        bread~ = pain m; butter~ = beurre m; cheese~ = fromage m; soup~ = soupe f; jam~ = confiture f;
        honey~ = miel m; garlic~ = ail m; oil~ = huile f; mustard~ = moutarde f; salad~ = salade f;
        apple = pomme f; pear = poire f; egg = œuf m; onion = oignon m; lobster = homard m;
        oyster = huître f; cake = gâteau m; tart = tarte f; pancake = crêpe f; orange = orange f;
        bean = haricot m; biscuit = biscuit m; potato/potatoes = pomme de terre f/pommes de terre;
        sausage = saucisse f; pie = tourte f; cherry = cerise f; omelette = omelette f; melon = melon m""",
    "animal": """
        goose/geese = oie f; cat = chat m; dog = chien m; hen = poule f; owl = hibou m;
        hedgehog = hérisson m; donkey = âne m; goat = chèvre f; horse = cheval m; rabbit = lapin m;
        parrot = perroquet m; tortoise = tortue f; swan = cygne m; squirrel = écureuil m; cow = vache f;
        heron = héron m; duck = canard m; bird = oiseau m; wasp = guêpe f; bear = ours m;
        frog = grenouille f""",
    "place": """
        library = bibliothèque f; bakery = boulangerie f; school = école f; market = marché m;
        church = église f; bridge = pont m; town hall = mairie f; station = gare f; museum = musée m;
        harbour = port m; mill = moulin m; post office = poste f; theatre = théâtre m; park = parc m;
        garden = jardin m; tower = tour f; hotel = hôtel m; inn = auberge f; hospital = hôpital m;
        lighthouse = phare m; factory = usine f; shed = hangar m; swimming pool = piscine f;
        laundry = blanchisserie f; castle = château m; orchard = verger m; chapel = chapelle f;
        pharmacy = pharmacie f; workshop = atelier m; lock = écluse f; gate = portail m;
        cemetery = cimetière m; square = place f; tunnel = tunnel m""",
    "event": """
        concert = concert m; meeting = réunion f; fair = foire f; lesson = leçon f;
        auction = vente aux enchères f/ventes aux enchères; ball = bal m; race = course f;
        wedding = mariage m; rehearsal = répétition f; lecture = conférence f;
        exhibition = exposition f; parade = défilé m; picnic = pique-nique m; raffle = tombola f;
        funeral = enterrement m; debate = débat m; play = pièce f; party = fête f;
        tournament = tournoi m; inauguration = inauguration f; procession = procession f;
        opera = opéra m""",
}

# English = French masculine [feminine, when it is not masculine + e], and the classes it describes by their
# first letters. Adjectives in BEFORE stand before the noun; a third form is the masculine before a vowel.
BEFORE = """
        small = petit: ptfale; large = grand: ptfale; old = vieux vieille vieil: ptale;
        beautiful = beau belle bel: ptale; new = nouveau nouvelle nouvel: tle; young = jeune jeune: pa;
        good = bon bonne: ptfe; bad = mauvais: ptfe; fat = gros grosse: fa; pretty = joli: tale;
        long = long longue: te; excellent = excellent: ptfe; vast = vaste vaste: le;
        dreadful = affreux affreuse: ptfale; modest = modeste modeste: le;
        magnificent = magnifique magnifique: tale; famous = célèbre célèbre: ptfale;
        tiny = minuscule minuscule: tfale; enormous = énorme énorme: tfal; charming = charmant: ptale"""
AFTER = """
        red = rouge rouge: tfl; black = noir: tfa; white = blanc blanche: tfal; green = vert: tfl;
        blue = bleu: tl; yellow = jaune jaune: tfl; grey = gris: tal; purple = violet violette: t;
        golden = doré: tl; broken = cassé: t; lost = perdu: pta; empty = vide vide: tl;
        heavy = lourd: ta; fragile = fragile fragile: tl; expensive = cher chère: tfle;
        precious = précieux précieuse: ta; ancient = ancien ancienne: tl; modern = moderne moderne: tle;
        useful = utile utile: te; useless = inutile inutile: te; dirty = sale sale: tal;
        clean = propre propre: tal; noisy = bruyant: pale; quiet = tranquille tranquille: pale;
        nervous = nerveux nerveuse: pa; jealous = jaloux jalouse: pa; proud = fier fière: pa;
        polite = poli: p; shy = timide timide: pa; curious = curieux curieuse: pa;
        patient = patient: pa; lazy = paresseux paresseuse: pa; absent-minded = distrait: p;
        stubborn = têtu: pa; honest = honnête honnête: p; mysterious = mystérieux mystérieuse: ptale;
        local = local: pfle; annual = annuel annuelle: e; free = gratuit: fe;
        public = public publique: le; secret = secret secrète: le; official = officiel officielle: e;
        musical = musical: e; traditional = traditionnel traditionnelle: fe;
        boring = ennuyeux ennuyeuse: pe; interminable = interminable interminable: e;
        closed = fermé: tl; open = ouvert: tl; haunted = hanté: l; deserted = désert: l;
        sweet = sucré: f; salty = salé: f; bitter = amer amère: f; cold = froid: fl; hot = chaud: f;
        burnt = brûlé: f; fresh = frais fraîche: f; ripe = mûr: f; wet = mouillé: tal;
        hungry = affamé: pa; courageous = courageux courageuse: pa; deaf = sourd: pa;
        furious = furieux furieuse: pa; friendly = amical: pa; dangerous = dangereux dangereuse: ptale;
        round = rond: tfl; pointed = pointu: t; wooden = en bois en bois: t; crooked = tordu: t;
        popular = populaire populaire: ptfle; discreet = discret discrète: pl;
        invisible = invisible invisible: pt; suspicious = suspect: ptfale;
        unforgettable = inoubliable inoubliable: pe"""

# English base [past [participle, if another]] = French infinitive: the classes of its object.
TRANSITIVE = """
        lose lost = perdre: ta; find found = trouver: pta; sell sold = vendre: tfa;
        buy bought = acheter: tfa; repair = réparer: t; paint = peindre: tal; clean = nettoyer: tl;
        borrow = emprunter: t; carry = porter: ta; hide hid hidden = cacher: tfa; return = rendre: t;
        break broke broken = casser: t; forget forgot forgotten = oublier: ptfe;
        steal stole stolen = voler: tf; throw_away threw_away thrown_away = jeter: tf;
        draw drew drawn = dessiner: pal; choose chose chosen = choisir: ptfa;
        bring brought = apporter: tf; keep kept = garder: tfa; look_for = chercher: pta;
        receive = recevoir: ptf; examine = examiner: ptfal; photograph = photographier: ptfale;
        wash = laver: t; eat ate eaten = manger: f; prepare = préparer: fe; taste = goûter: f;
        order = commander: f; serve = servir: f; cut cut = couper: f; share = partager: f;
        burn burnt = brûler: f; weigh = peser: tfa; praise = vanter: tfle; feed fed = nourrir: a;
        follow = suivre: pa; catch caught = attraper: a; frighten = effrayer: pa;
        hear heard = entendre: pa; see saw seen = voir: ptfale; brush = brosser: a;
        tame = apprivoiser: a; invite = inviter: p; thank = remercier: p; greet = saluer: p;
        help = aider: pa; congratulate = féliciter: p; meet met = rencontrer: pa; insult = insulter: pa;
        protect = protéger: pal; admire = admirer: ptale; visit = visiter: l; close = fermer: l;
        open = ouvrir: l; leave left = quitter: l; cross = traverser: l; decorate = décorer: tl;
        inspect = inspecter: tfl; build built = construire: l; rent = louer: l; restore = restaurer: tl;
        announce = annoncer: e; organise = organiser: e; cancel = annuler: e; postpone = reporter: e;
        miss = manquer: e; film = filmer: pale; interrupt = interrompre: pe; spoil = gâcher: e;
        improve = améliorer: fe"""
ACCIDENTS = frozenset(
    "trouver recevoir voir entendre rencontrer".split()
)  # nobody is asked to do these, or not to
MISHAPS = frozenset("perdre oublier manquer gâcher casser".split())  # nobody is asked to do these
OF_SHAPE = frozenset("small large fat tiny enormous round pretty ripe".split())  # not of what is not counted
# What one person does with a thing for another.
DITRANSITIVE = """
    give gave given = donner; lend lent = prêter; show showed shown = montrer; offer = offrir;
    entrust = confier
"""
# What a person or an animal does: by its auxiliary.
INTRANSITIVE = """
        arrive = arriver; leave left = partir; come_back came_back come_back = revenir;
        go_out went_out gone_out = sortir; fall fell fallen = tomber; stay = rester;
        come came come = venir; come_in came_in come_in = entrer; sleep slept = dormir;
        sing sang sung = chanter; dance = danser; work = travailler; wait = attendre; laugh = rire;
        sneeze = éternuer; swim swam swum = nager; cry = pleurer; run ran run = courir;
        whistle = siffler; grumble = râler; yawn = bâiller; disappear = disparaître; insist = insister;
        dream = rêver; snore = ronfler"""
TAKES_ETRE = frozenset("arriver partir revenir sortir tomber rester venir entrer".split())

# Verbs that no rule gives: present (je, il, nous, vous, ils), stem of the future, past participle.
IRREGULAR: dict[str, str] = {
    "être": "suis est sommes êtes sont ser été",
    "avoir": "ai a avons avez ont aur eu",
    "devoir": "dois doit devons devez doivent devr dû",
    "pouvoir": "peux peut pouvons pouvez peuvent pourr pu",
    "vouloir": "veux veut voulons voulez veulent voudr voulu",
    "peindre": "peins peint peignons peignez peignent peindr peint",
    "recevoir": "reçois reçoit recevons recevez reçoivent recevr reçu",
    "servir": "sers sert servons servez servent servir servi",
    "suivre": "suis suit suivons suivez suivent suivr suivi",
    "voir": "vois voit voyons voyez voient verr vu",
    "ouvrir": "ouvre ouvre ouvrons ouvrez ouvrent ouvrir ouvert",
    "offrir": "offre offre offrons offrez offrent offrir offert",
    "construire": "construis construit construisons construisez construisent construir construit",
    "interrompre": "interromps interrompt interrompons interrompez interrompent interrompr interrompu",
    "partir": "pars part partons partez partent partir parti",
    "sortir": "sors sort sortons sortez sortent sortir sorti",
    "dormir": "dors dort dormons dormez dorment dormir dormi",
    "revenir": "reviens revient revenons revenez reviennent reviendr revenu",
    "venir": "viens vient venons venez viennent viendr venu",
    "rire": "ris rit rions riez rient rir ri",
    "courir": "cours court courons courez courent courr couru",
    "disparaître": "disparais disparaît disparaissons disparaissez disparaissent disparaîtr disparu",
    "appartenir": "appartiens appartient appartenons appartenez appartiennent appartiendr appartenu",
}
# -er verbs whose stem changes before a silent e (and, but for é, in the future).
STEMS = {
    "acheter": "achèt",
    "jeter": "jett",
    "peser": "pès",
    "protéger": "protèg",
    "nettoyer": "nettoi",
    "effrayer": "effrai",
}

# Before these words nothing is elided, though they begin with h (or sound as if they did).
ASPIRATE = frozenset(
    """hache haches homard homards haricot haricots hibou hiboux hérisson hérissons héron hérons hangar
    hangars héros hanté hantée huit onze""".split()
)

NUMBERS = (
    "two deux",
    "three trois",
    "four quatre",
    "five cinq",
    "six six",
    "seven sept",
    "eight huit",
    "nine neuf",
    "ten dix",
    "eleven onze",
    "twelve douze",
)
DAYS = (
    "Monday lundi",
    "Tuesday mardi",
    "Wednesday mercredi",
    "Thursday jeudi",
    "Friday vendredi",
    "Saturday samedi",
    "Sunday dimanche",
)
PREPOSITIONS = (
    "at = à",
    "behind = derrière",
    "near = près de",
    "in front of = devant",
    "opposite = en face de",
    "next to = à côté de",
    "far from = loin de",
)


# --- how they inflect -----------------------------------------------------------------------------

Pair = tuple[str, str]


class Noun(NamedTuple):
    english: Pair  # singular, plural
    french: Pair
    feminine: bool
    kind: str
    mass: bool


class Adjective(NamedTuple):
    english: str
    french: tuple[str, str, str, str]  # masculine, feminine; the same in the plural
    before: bool
    liaison: str  # the masculine before a vowel: "bel", "vieil"
    classes: str  # first letters of the classes it describes


class Verb(NamedTuple):
    english: tuple[str, str, str, str, str]  # base, third person, past, participle, -ing
    infinitive: str
    present: tuple[str, ...]  # je, il, nous, vous, ils
    future: str  # the stem
    participle: str
    etre: bool
    classes: str  # first letters of the classes of its object


def _french_plural(word: str) -> str:
    if word[-1] in "sxz" or word == "en bois":
        return word
    if word.endswith("al") and word != "bal":
        return word[:-1] + "ux"
    return word + ("x" if word.endswith(("eau", "eu", "hibou")) and word != "bleu" else "s")


def _english_s(word: str) -> str:
    head, _, tail = word.partition(" ")
    if head.endswith(("s", "x", "ch", "sh")):
        head += "es"
    elif head == "go":
        head = "goes"
    elif head[-1] == "y" and head[-2] not in "aeiou":
        head = head[:-1] + "ies"
    else:
        head += "s"
    return f"{head} {tail}".strip()


def _plural_noun(word: str) -> str:
    *first, last = word.split(" ")
    return " ".join([*first, _english_s(last)])


def _english_verb(principal: list[str]) -> tuple[str, str, str, str, str]:
    """Base, third person, past, participle and -ing of what the table gives: base [past [participle]]."""
    base, *given = principal
    head, _, tail = base.partition(" ")  # "throw away" inflects its first word
    doubled = head + head[-1] if head in ("cancel", "cut", "forget", "run", "swim") else head
    if head[-1] == "e":
        past, stem = head + "d", head if head[-2] == "e" else head[:-1]
    elif head[-1] == "y" and head[-2] not in "aeiou":
        past, stem = head[:-1] + "ied", head
    else:
        past, stem = doubled + "ed", doubled
    given = given or [f"{past} {tail}".strip()]
    return base, _english_s(base), given[0], given[-1], f"{stem}ing {tail}".strip()


def verb(entry: str) -> Verb:
    english, _, rest = entry.partition(" = ")
    infinitive, _, classes = rest.partition(":")
    principal = _english_verb([form.replace("_", " ") for form in english.split()])
    if infinitive in IRREGULAR:
        *present, future, participle = IRREGULAR[infinitive].split()
    elif infinitive.endswith("er"):
        stem, soft = infinitive[:-2], infinitive[:-2]
        soft = stem + "e" if stem.endswith("g") else stem[:-1] + "ç" if stem.endswith("c") else stem
        weak = STEMS.get(infinitive, stem)
        present = [weak + "e", weak + "e", soft + "ons", stem + "ez", weak + "ent"]
        future = stem + "er" if infinitive == "protéger" else weak + "er"
        participle = stem + "é"
    else:
        stem = infinitive[:-2]
        ends, participle = (
            ("is it issons issez issent", stem + "i")
            if infinitive.endswith("ir")
            else ("s  ons ez ent", stem + "u")
        )
        present, future = [stem + end for end in ends.split(" ")], infinitive.removesuffix("e")
    return Verb(
        principal, infinitive, tuple(present), future, participle, infinitive in TAKES_ETRE, classes.strip()
    )


def entries(table: str) -> list[str]:
    return [" ".join(entry.split()) for entry in table.split(";") if entry.strip()]


def noun(entry: str, kind: str) -> Noun:
    english, _, rest = entry.partition(" = ")
    french, _, french_plural = rest.partition("/")
    singular, _, gender = french.rpartition(" ")
    name, _, plural = english.rstrip("~").partition("/")
    return Noun(
        (name, plural or _plural_noun(name)),
        (singular, french_plural or _french_plural(singular)),
        gender == "f",
        kind,
        english.endswith("~"),
    )


def adjective(entry: str, before: bool) -> Adjective:
    english, _, rest = entry.partition(" = ")
    forms, _, classes = rest.partition(":")
    if forms.startswith("en "):
        masculine = feminine = liaison = "en bois"
    else:
        masculine, *others = forms.split()
        feminine = others[0] if others else masculine + "e"
        liaison = others[1] if len(others) > 1 else masculine
    return Adjective(
        english,
        (masculine, feminine, _french_plural(masculine), _french_plural(feminine)),
        before,
        liaison,
        classes.strip(),
    )
