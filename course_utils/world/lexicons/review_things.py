"""What the town reviews: kinds of things, their names, and the aspects on which opinions differ."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, eq=False)  # compared by identity: fast in sets
class Aspect:
    """One thing to have an opinion on, in the forms that a frame may need."""

    bare: str  # "stew", "scones", "coffee"
    the: str  # "the stew"
    a: str  # "a " before a count noun in the singular, else ""
    was: str
    is_: str
    domain: str  # the class of adjectives said of it, such as "food"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of reviewed thing."""

    noun: str  # what later sentences call it: "the café"
    at: str  # how an aspect belongs to it: "the stew at the Copper Kettle"
    visited: str  # what one did with it: "went to"
    names: tuple[str, ...]
    aspects: tuple[Aspect, ...]


def _aspects(**domains: str) -> tuple[Aspect, ...]:
    """Aspects by class, separated by commas; `+` after a plural, `~` after a noun that takes no "a"."""
    found = []
    for domain, listed in domains.items():
        for entry in listed.split(", "):
            bare, plural, mass = entry.rstrip("+~"), entry.endswith("+"), entry.endswith("~")
            found.append(
                Aspect(
                    bare=bare,
                    the=f"the {bare}",
                    a="" if plural or mass else "a ",
                    was="were" if plural else "was",
                    is_="are" if plural else "is",
                    domain=domain,
                )
            )
    return tuple(found)


def _kind(noun: str, at: str, visited: str, names: str, **domains: str) -> Kind:
    return Kind(noun, at, visited, tuple(names.split(", ")), _aspects(**domains))


KINDS: dict[str, Kind] = {
    "café": _kind(
        "the café", "at", "went to",
        "the Copper Kettle, the Idle Spoon, the Second Cup, the Marmalade Cat, the Green Awning, "
        "the Clockmaker's Café, the Puddle, the Brass Teapot",
        food="soup, cheese pie, bean stew", baking="scones+", drink="coffee~, tea~",
        service="waiter, service~", room="back room", price="prices+",
    ),
    "inn": _kind(
        "the inn", "at", "stayed at",
        "the Drowned Bell, the Three Lanterns, the Wet Badger, the Last Milestone, the Goose and Anchor, "
        "the Sleeping Miller, the Crooked Chimney, the Tin Whistle",
        food="breakfast, mutton stew, fish pie", drink="ale~, cider~", service="landlady, porter",
        room="bedrooms+, taproom", price="bill",
    ),
    "novel": _kind(
        "the novel", "of", "read",
        "The Salt Ledger, A Widow's Almanac, The Ferryman's Debt, Nine Wet Sundays, The Beekeeper's Alibi, "
        "The Unposted Letter, Murder at the Millpond, The Weathercock",
        story="plot, ending, dialogue~, first chapter, mystery", acting="heroine, villain",
        display="cover, binding", price="price",
    ),
    "film": _kind(
        "the film", "of", "saw",
        "The Last Tram, Moonlight on the Weir, Captain Pickle, The Stolen Tuba, A Kiss at Platform Two, "
        "The Fog Inspector, Seven Umbrellas, The Baker's Double",
        story="plot, ending, love story", acting="cast, leading man, heroine", sound="music~",
        display="costumes+, scenery~",
    ),
    "play": _kind(
        "the play", "of", "saw",
        "The Mayor's Trousers, The Second Mrs Plume, A Ghost in the Granary, The Reluctant Bishop, "
        "The Wrong Suitcase, An Heiress in Galoshes, The Glass Eel, Quarrel in a Rowing Boat",
        story="plot, final act, dialogue~", acting="cast, leading lady, villain", sound="orchestra",
        display="costumes+, backdrop",
    ),
    "concert": _kind(
        "the concert", "at", "went to",
        "the Harvest Concert, the Lamplighters' Gala, the Midsummer Recital, the Firemen's Concert, "
        "the Lock-keepers' Jubilee, the Winter Serenade, the Orphanage Benefit, the Regatta Concert",
        sound="violins+, soprano, choir, trumpets+, organ", acting="conductor", service="ushers+",
        room="hall", price="ticket price",
    ),
    "bakery": _kind(
        "the bakery", "at", "went to",
        "the Blue Oven, the Early Loaf, the Floury Thumb, the Corner Crust, the Widow Plum Bakery, "
        "the Rolling Pin, the Sugar Anvil, the Warm Brick",
        baking="buns+, rye bread~, apple tart, pastries+, seed cake", drink="cocoa~",
        service="shop assistant", display="shop window", price="prices+",
    ),
    "gadget": _kind(
        "the gadget", "of", "bought",
        "the Pomfrey peeler, the Quill & Son corkscrew, the Heron umbrella, the Duchess mousetrap, "
        "the Everclick lantern, the Samson tin opener, the Dainty mangle, the Tattersall egg timer",
        craft="handle, hinge, spring, casing, screws+, mechanism", guidance="instructions+, manual",
        price="price",
    ),
    "boat trip": _kind(
        "the boat trip", "on", "went on",
        "the Otter cruise, the Lower Weir ferry, the Moonlight cruise, the Seal Rock trip, "
        "the Old Canal barge, the Island steamer, the Estuary tour, the Swan Lake launch",
        ride="crossing, return leg, last mile, landing", room="cabin", guidance="guide, commentary~",
        service="skipper", price="fare",
    ),
    "railway": _kind(
        "the railway", "on", "took",
        "the Hill Railway, the Slate Line, the Valley Express, the Moor Light Railway, the Milk Train, "
        "the Coast Line, the Quarry Tramway, the Night Mail",
        ride="outward journey, return journey, climb, descent", food="dining-car stew", baking="rolls+",
        service="ticket inspector", room="carriages+", sound="whistle", price="fare",
    ),
    "evening class": _kind(
        "the class", "at", "went to",
        "the pottery class, the fencing class, the Tuesday choir class, the knot-tying class, "
        "the bookkeeping class, the watercolour class, the beekeeping class, the accordion class",
        guidance="teacher, lessons+, handouts+", service="caretaker", room="classroom",
        baking="biscuits+", drink="tea~", craft="equipment~", price="fee",
    ),
    "museum": _kind(
        "the museum", "at", "went to",
        "the Museum of Locks, the Herring Museum, the Button Collection, the Old Mint, the Barometer House, "
        "the Whaling Museum, the Hall of Maps, the Museum of Lost Umbrellas",
        display="tapestries+, model ships+, portraits+, display cases+", guidance="guided tour, catalogue",
        service="attendants+", room="reading room", price="entrance fee",
    ),
}

COMPANIONS = (
    "my aunt", "my sister", "my husband", "my cousin", "my neighbour", "my mother-in-law", "my nephew",
    "the vicar", "the postmistress", "the harbour master", "the schoolmaster", "the doctor", "the mayor",
    "the lamplighter", "our lodger", "my uncle Aldo", "old Mrs Tansy", "the piano tuner", "my godmother",
    "the chemist",
)  # fmt: skip

TIMES = (
    "on market day", "on a wet Tuesday", "last Friday", "in early March", "on the night of the carnival",
    "one foggy evening", "on my birthday", "the week of the floods", "on Sunday after church", "in the rain",
    "one idle afternoon", "on the first of May",
)  # fmt: skip

# All fit before praise and before blame, and none before an adjective changes its article.
INTENSIFIERS = ("really", "truly", "quite", "simply", "utterly", "altogether", "downright", "positively")
