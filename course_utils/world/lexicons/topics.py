"""Words and frames of the town's notices by topic.

The frames fit every topic; only the words tell which it is. `present/past`
verbs take any object of their topic.
"""

# topic: what kind of word: the words
TOPIC_WORDS: dict[str, dict[str, tuple[str, ...]]] = {
    "World": {
        "actor": tuple(
            """
            ambassador; foreign minister; envoy; consul; prime minister; king; queen's cousin;
            peacekeeper; border guard; interpreter; refugee committee; dictator's nephew; president;
            diplomat; rebel leader; general; parliament; viceroy; exiled poet; electoral commission;
            admiral; coalition; archduchess; spokesman for the capital""".split(";")
        ),
        "verb": tuple(
            """
            ratifies/ratified; denounces/denounced; signs/signed; rejects/rejected;
            negotiates/negotiated; vetoes/vetoed; proclaims/proclaimed; renounces/renounced;
            condemns/condemned; welcomes/welcomed; repeals/repealed; enforces/enforced;
            brokers/brokered; deplores/deplored; violates/violated; recognises/recognised""".split(";")
        ),
        "object": tuple(
            """
            treaty; ceasefire; border agreement; sanction; summit communiqué; constitution; visa rule;
            embargo; peace plan; coup; referendum; annexation; fishing truce; extradition order;
            state visit; alliance; ultimatum; curfew; election result; charter; asylum law;
            protectorate; armistice; declaration of independence""".split(";")
        ),
        "matter": tuple(
            """
            diplomacy; sovereignty; neutrality; foreign policy; democracy; the old empire;
            national honour; war; human rights; emigration; disarmament; the monarchy""".split(";")
        ),
    },
    "Sports": {
        "actor": tuple(
            """
            goalkeeper; captain; referee; coach; home team; striker; cyclist; sprinter; champion;
            wrestler; umpire; rowing crew; bowls club; linesman; gymnast; midfielder; jockey;
            relay squad; javelin thrower; left winger; substitute; oarswoman; tennis pair;
            marathon runner""".split(";")
        ),
        "verb": tuple(
            """
            wins/won; loses/lost; trains for/trained for; forfeits/forfeited; dominates/dominated;
            equalises in/equalised in; scores in/scored in; referees/refereed; replays/replayed;
            sprints through/sprinted through; limps out of/limped out of; leads/led;
            warms up for/warmed up for; kicks off/kicked off; stumbles in/stumbled in;
            concedes/conceded""".split(
                ";"
            )
        ),
        "object": tuple(
            """
            match; cup final; penalty shoot-out; relay; regatta; derby; semi-final; egg-and-spoon race;
            tournament; hurdles event; league fixture; play-off; steeplechase; second half; sack race;
            championship; three-legged race; friendly; time trial; bowls round; tug-of-war; qualifier;
            quarter-final; rematch""".split(";")
        ),
        "matter": tuple(
            """
            fair play; offside; team spirit; the long jump; goal difference; fitness; extra time;
            backstroke; stamina; the league table; athletics; sportsmanship""".split(";")
        ),
    },
    "Business": {
        "actor": tuple(
            """
            banker; shareholder; auditor; accountant; shopkeeper; chief executive; trade union;
            investor; brewery; landlord; stockbroker; wholesaler; insurer; cooperative; pawnbroker;
            creditor; tax inspector; start-up; estate agent; merchant; button factory; sales director;
            treasurer; franchise""".split(";")
        ),
        "verb": tuple(
            """
            buys/bought; sells/sold; audits/audited; finances/financed; insures/insured;
            underwrites/underwrote; mortgages/mortgaged; prices/priced; markets/marketed; values/valued;
            subsidises/subsidised; invests in/invested in; profits from/profited from; taxes/taxed;
            overcharges for/overcharged for; invoices for/invoiced for""".split(";")
        ),
        "object": tuple(
            """
            merger; loan; takeover; bond; pension fund; warehouse; contract; dividend; shop lease;
            invoice; patent licence; export deal; share issue; bankruptcy estate; supply chain;
            retail outlet; savings account; tariff; discount scheme; brand; stall permit; refinancing;
            commodity; balance sheet""".split(";")
        ),
        "matter": tuple(
            """
            inflation; interest; turnover; credit; unemployment; wholesale trade; debt; liquidity;
            consumer demand; profit; overhead; the stock market""".split(";")
        ),
    },
    "Sci/Tech": {
        "actor": tuple(
            """
            astronomer; engineer; laboratory; programmer; botanist; physicist; chemist; inventor;
            geologist; software team; mathematician; radio amateur; zoologist; robot; meteorologist;
            satellite crew; biologist; computer club; microscope society; technician; statistician;
            science teacher; data centre; palaeontologist""".split(";")
        ),
        "verb": tuple(
            """
            measures/measured; tests/tested; calibrates/calibrated; debugs/debugged;
            discovers/discovered; simulates/simulated; digitises/digitised; magnifies/magnified;
            assembles/assembled; programs/programmed; dissects/dissected; upgrades/upgraded;
            decodes/decoded; reboots/rebooted; classifies/classified; X-rays/X-rayed""".split(";")
        ),
        "object": tuple(
            """
            telescope; battery; sensor; fossil; comet; algorithm; chip; prototype; molecule; antenna;
            virus; drone; circuit; microbe; laser; magnet; solar panel; spectrum; meteorite;
            operating system; genome; barometer; touchscreen; particle""".split(";")
        ),
        "matter": tuple(
            """
            electricity; gravity; photosynthesis; radiation; encryption; bandwidth; static; evolution;
            nanotechnology; chemistry; outer space; machine learning""".split(";")
        ),
    },
}
TOPIC_WORDS = {
    topic: {kind: tuple(" ".join(word.split()) for word in words) for kind, words in kinds.items()}
    for topic, kinds in TOPIC_WORDS.items()
}

# {actor} {object} {object2} {matter}: of the topic; {does} {did}: its verbs;
# {place} {time} {townsman} {crowd}: of the town.
HEADLINES = (
    "{actor:cap} {does} {object}",
    "{object:cap} at {place}: {actor} blamed",
    "{actor:cap} and {object}: no comment",
    "{object:cap} row divides {crowd}",
    "More {matter}, says {actor}",
    "{townsman:cap} asks: why {matter}?",
    "{actor:cap} vows second {object}",
    "{object:cap} found wanting",
    "No {object} before tea",
    "{matter:cap}: an apology",
    "{actor:cap} {does} {object} again",
    "Town weighs {matter}",
    "{actor:cap} late; {object} not",
    "{object:a} for {place}",
    "{object:cap} or {object2}?",
    "{actor:cap} on {matter}",
    "{place:cap} lends room to {actor}",
    "Quiet end for {object}",
)
SENTENCES = (
    "The {actor} {did} {object:a} {time}, to the surprise of {crowd}.",
    "On {place} steps, the {actor} {did} the {object} and then asked for a chair.",
    "{time:cap}, the {actor} {did} the {object}, and {townsman} kept the receipt.",
    "Nobody expected the {actor} to mention {matter}, least of all {crowd}.",
    "“It was never about {matter},” said the {actor}, who {did} the {object} all the same.",
    "The {object}, which the {actor} {did} {time}, is on view at {place}.",
    "After two hours of {matter}, {crowd} went home and left the {actor} with the {object}.",
    "{townsman:cap} never understood the {object} but remembers the {actor} fondly.",
    "The {actor} spoke on {matter} at {place} until the lamps were put out.",
    "There is {object:a} in every family, the {actor} told {crowd}.",
    "The {actor} {did} one {object} too many, and {townsman} has written to say so.",
    "A second {object} is planned, provided that the {actor} brings {matter} into it less often.",
    "{crowd:cap} applauded when the {actor} {did} the {object} {time}.",
    "What the {actor} knows of {matter} would fit on the back of {object:a}.",
    "The {actor} {did} the {object}; the {object2} will have to wait.",
    "Between the {object} and the {object2} there was barely time for soup.",
    "According to {townsman}, the {actor} {did} the {object} with the window open.",
    "The {object} was a triumph of {matter}, and it rained only twice.",
    "{time:cap} the {actor} {did} {object:a}, then another, then lunch.",
    "{townsman:cap} lent the {actor} an umbrella to keep the rain off the {object}.",
    "The {actor} refuses to discuss {matter} in front of the {object}.",
    "A notice at {place} regrets the {object} and thanks the {actor}.",
    "The {actor}, last seen at {place}, {did} the {object} without telling {crowd}.",
    "Tickets for the talk on {matter} may be had from the {actor}, who still has all of them.",
    "In a hush, the {actor} {did} the {object} that {townsman} had called impossible.",
    "Forty years after the first {object}, the {actor} has learnt something about {matter}.",
    "The {actor} blames {matter}; {crowd} blame the {actor}.",
    "The {object} failed, the {object2} did not, and {townsman} takes credit for both.",
    "The debate on {matter} ended when the {actor} {did} the {object}.",
    "“Every {object} begins with a good sandwich,” the {actor} assured {crowd}.",
    "Only {townsman} noticed that the {actor} {did} the wrong {object}.",
    "The {actor} {did} the {object} {time}, with some help from a ladder.",
)
# The second or third sentence of an unlabelled notice.
FOLLOW_UPS = (
    "The {object2} follows {time2}.",
    "Questions about {matter} go to the {actor2}.",
    "The {actor2} could not be reached.",
    "A cake in the shape of {object2:a} was served.",
    "The {actor2} had predicted as much.",
    "Next month: {matter}, with slides.",
    "The {object2} remains in the cloakroom of {place}.",
    "The {actor2} {did2} the {object2} in reply.",
    "As for {matter}, {townsman} has heard enough.",
    "Volunteers for the next {object2} should own boots.",
)
# What brings in another topic: {actor}, {object} and {matter} are the other one's.
INTRUSIONS = (
    "The {actor} happened to be passing.",
    "It shared the bill with {object:a}.",
    "A talk on {matter} had been cancelled to make room.",
    "The {actor} held the coats.",
    "Some had come for the {object} and stayed out of politeness.",
    "The {actor} disagreed, but about {matter}.",
    "The room smelt faintly of {matter}.",
    "Next door, the {actor} {did} {object:a}.",
)

PLACES = (
    "the bandstand", "the town hall", "the tannery", "the old lido", "the corn exchange",
    "the ferry landing", "the reading room", "the clock tower", "the school gym", "the pump house",
    "the fish market", "the chapel hall",
)
TIMES = (
    "on Monday", "on Tuesday", "on Wednesday", "on Thursday", "on Friday", "on Saturday",
    "before breakfast", "at noon", "shortly after midnight", "in the rain", "during the lunch hour",
    "twice last week",
)
LATER = (
    "on Sunday", "next week", "in spring", "when the fog lifts", "after the harvest",
    "weather permitting",
)
TOWNSMEN = (
    "the sexton", "Mrs Quill", "the lamplighter", "old Mr Tansy", "the ferryman", "Miss Pennywhistle",
    "the night porter", "the piano tuner", "the widow Brack", "the second verger", "Major Moss",
    "the girl from the kiosk",
)
CROWDS = (
    "the knitting circle", "eleven onlookers", "the choir", "most of the front row",
    "a party of tourists", "the pigeon fanciers", "the allotment holders", "both reporters",
    "the late shift", "the ladies of the bridge club",
)
