"""The polarity words of the town's reviews: what praises and what blames, by what it is said of.

Every word is a single whole word, of one polarity only, and no two words share
a stem (there is "delighted", so there is no "delight"): a word that no label
ever showed must not be guessable from its spelling. Some adjectives serve two
classes. Nouns all begin with a consonant, so that the article before them gives
nothing away.
"""

ADJECTIVES: dict[str, tuple[str, str]] = {  # class: (positive, negative)
    "food": (
        (
            "delicious flavourful satisfying scrumptious wholesome nourishing appetising hearty succulent "
            "toothsome savoury luscious"
        ),
        "bland scorched insipid greasy inedible overcooked unpalatable burnt gristly rancid gluey stodgy",
    ),
    "baking": (
        (
            "buttery fluffy golden moist feathery delectable wholesome fragrant moreish mouthwatering airy "
            "luscious"
        ),
        "soggy stale doughy leathery stodgy rubbery mouldy claggy leaden gritty greasy lumpy",
    ),
    "drink": (
        "refreshing fragrant mellow aromatic invigorating velvety soothing reviving warming smooth",
        "watery bitter tepid murky sour insipid weak lukewarm brackish acrid vinegary",
    ),
    "service": (
        (
            "attentive courteous obliging jolly prompt polite gracious considerate thoughtful amiable "
            "hospitable patient kindly tactful"
        ),
        (
            "surly rude sullen brusque negligent grumpy haughty curt churlish forgetful sluggish offhand "
            "gruff snooty"
        ),
    ),
    "room": (
        "cosy airy snug spacious inviting orderly spotless tidy sunny restful comfortable peaceful",
        "draughty cramped damp dingy gloomy grubby musty stuffy chilly cluttered poky filthy bleak",
    ),
    "story": (
        (
            "gripping witty touching absorbing suspenseful ingenious clever poignant riveting believable "
            "thrilling amusing stirring"
        ),
        (
            "tedious contrived predictable muddled dull implausible rambling hackneyed plodding trite "
            "preposterous flat weak"
        ),
    ),
    "acting": (
        (
            "convincing spirited dignified charismatic assured soulful lively nuanced magnetic expressive "
            "poised"
        ),
        "wooden stilted hammy lifeless listless mannered insincere stiff overwrought colourless flat",
    ),
    "sound": (
        (
            "melodious resonant sonorous crystalline rousing harmonious lyrical tuneful vibrant silvery "
            "soaring stirring"
        ),
        "shrill tinny squeaky discordant muffled screechy raucous grating deafening strident wheezy",
    ),
    "craft": (
        "sturdy reliable durable handy solid rugged dependable practical robust ingenious neat",
        "flimsy rickety wobbly brittle rusty fiddly shoddy faulty clunky cumbersome warped",
    ),
    "price": (
        ("fair reasonable modest affordable honest sensible moderate economical humane merciful unbeatable"),
        (
            "exorbitant excessive steep inflated extortionate outrageous greedy shameless ruinous ludicrous "
            "astronomical"
        ),
    ),
    "guidance": (
        (
            "insightful informative illuminating helpful lucid instructive encouraging methodical inspiring "
            "thorough clear"
        ),
        (
            "condescending evasive pompous vague pedantic bewildering incoherent monotonous disorganised "
            "patronising rambling muddled"
        ),
    ),
    "ride": (
        (
            "smooth serene tranquil leisurely bracing exhilarating scenic relaxing picturesque gentle "
            "thrilling"
        ),
        "jerky bumpy nauseating jolting perilous harrowing lurching queasy rough interminable juddering",
    ),
    "display": (
        (
            "dazzling vivid exquisite handsome radiant striking elegant magnificent resplendent gorgeous "
            "fascinating"
        ),
        "drab faded garish tatty dowdy shabby grimy gaudy tawdry dusty dreary ugly",
    ),
    # Said of anything at all, and so what ties the classes together.
    "general": (
        (
            "splendid wonderful excellent superb admirable lovely stupendous glorious exceptional brilliant "
            "impeccable agreeable fantastic outstanding"
        ),
        (
            "dreadful awful terrible horrid abysmal lamentable deplorable wretched atrocious ghastly "
            "pitiful woeful mediocre dismal"
        ),
    ),
}

VERBS: tuple[str, str] = (  # past tense, with a person as their object
    (
        "delighted pleased enchanted impressed gratified tickled bewitched gladdened uplifted "
        "enthralled charmed cheered enraptured beguiled"
    ),
    (
        "annoyed disappointed mortified irritated vexed depressed exasperated disgusted appalled "
        "saddened infuriated bored irked repelled"
    ),
)

NOUNS: tuple[str, str] = (  # after "a"
    (
        "joy triumph treat marvel blessing success gem tonic revelation treasure boon godsend sensation "
        "highlight"
    ),
    (
        "letdown disgrace nuisance disaster shambles menace misery chore failure fiasco calamity mess "
        "travesty scandal"
    ),
)
