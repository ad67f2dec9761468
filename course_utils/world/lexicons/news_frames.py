"""What happens in the mini world: events of openings and follow-ups, written by hand.

A slot named after a sort of `names` ("person", "town", "club2") is a name, kept
through the document; "surname" is the person's; "actor" is a person or an
organisation, "any" a name of any type. The other slots are `WORDS`.
Verbs after an organisation are in the past, since "Otters" is one and so is "Lampworks".
"""

from __future__ import annotations

# event: (openings, follow-ups). Every frame has at least one name and can stand alone.
EVENTS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "council": (
        (
            "{person} asked the council of {town} on {day} why the new bench faces a wall.",
            "The council of {town} has voted, by {n} to one, to repaint the bandstand; only {person} objected.",
            "After {n} hours of debate {town} agreed to buy a second ladder, a plan first put forward by {person}.",
            "A motion to rename {street} was defeated on {day}, to the visible relief of {person}.",
            "On {day} {person} and {person2} were elected to share the office of mayor in {town}.",
        ),
        (
            "The bill, said {surname}, would go to {company}.",
            "{surname} spoke for {n} minutes and was thanked for stopping.",
            "{person2} seconded the motion and then left to catch the last bus to {town2}.",
            "{company}, which made the old one, has asked not to be named again.",
            "It was noted that {town2} managed the same thing in {month} without a committee.",
            "A show of hands was spoiled when {surname} raised both.",
        ),
    ),
    "opening": (
        (
            "{company} opened a shop in {street} on {day}, and by noon had sold {n} {objects}.",
            "A branch of {company} is to open in {town} in {month}, opposite the branch of {company2}.",
            "The ribbon at {company} was cut by {person}, with scissors lent by {company2}.",
            "{street} has a new neighbour: {company}, makers of {objects} since before the war.",
        ),
        (
            "The manager, {person}, promised that the smell would fade.",
            "{company} will close on {day}s, as everything in {town} does.",
            "First in the queue was {person2} of {district}, who had come for the biscuits.",
            '"We never liked {town2} anyway," said {surname}.',
            "{company} has taken on {n} people from {district}, and one dog.",
        ),
    ),
    "match": (
        (
            "{club} beat {club2} by {n} goals to one at {town} on {day}.",
            "Two late goals by {person} saved {club} from defeat in {town}.",
            "{club} lost to {club2} again, this time because of the goalkeeper, {person}.",
            "Fog stopped the match between {club} and {club2}, although {person} played on until dark.",
            "With {n} minutes left {person}, the captain of {club}, sat on the ball.",
        ),
        (
            "{surname} scored twice, once at the right end.",
            "{club2} blamed the slope, the wind from {hill} and {person2}.",
            "The referee, {person2}, was given a lift home to {town2} under a blanket.",
            "For {club} it was the best afternoon since {month}.",
            "Supporters carried {surname} through {street} and left their hero outside {company}.",
        ),
    ),
    "race": (
        (
            "{person} of {club} won the race up {hill} on {day}, ahead of {n} walkers and a goat.",
            "The regatta on the {river} was won by {club}, the only crew to finish.",
            "Three runners from {town} came home together on {day}: {person}, {person2} and {person3}.",
            "{club} will row from {town} to {town2} in {month}, tide and {person} permitting.",
        ),
        (
            "{surname} trains at night, when {hill} is free of sheep.",
            "{person2} was second, having stopped to close a gate near {hill}.",
            "The winner received the {prize} from {company}, and a towel.",
            "{club2} sank within sight of {street}.",
            "A spectator from {town2} caught the baton and would not give it back to {surname}.",
        ),
    ),
    "mishap": (
        (
            "A cart belonging to {company} overturned in {street} on {day}, covering {person} in {crop}.",
            "{person}, a roofer from {district}, fell off a chair on {day} but not off the roof.",
            "Firemen from {town} spent {n} hours freeing {animal:a} from the piano of {person}.",
            "The {town} bus took a wrong turn at {district} and was found on {hill} with {person} at the wheel.",
            "Nobody was hurt when the ceiling of {company} came down on {day}.",
        ),
        (
            "{surname} was treated for surprise.",
            "{company} has apologised to {street}, house by house.",
            '"It has always leaned," said {person2}, who lives next door in {street}.',
            "Traffic was sent round by {district} until {surname} had found both shoes.",
            "The damage was put at {n} pounds by {company2} and at nothing by {company}.",
        ),
    ),
    "award": (
        (
            "The {prize} goes this year to {person}, for {n} years of winding the clock at {town}.",
            "{person} has won the {prize} for a portrait of {person2} made of {objects}.",
            "{company} was given the {prize} on {day} for the quietest lorry in {town}.",
            "{actor} and {actor2} will share the {prize}, which must be sawn in half.",
        ),
        (
            "The judges from {society} could not agree on anything else, so they agreed on {surname}.",
            "Last year the {prize} went to {person2}, who kept it in the bath.",
            "{surname} thanked {company} and one particular teacher at {school}.",
            "Nobody from {town2} has ever won the {prize}.",
            "The {paper} had tipped {person2}.",
        ),
    ),
    "weather": (
        (
            "Snow closed the road over {hill} on {day}, leaving {town} without the {paper}.",
            "The {river} rose {n} feet in a night and is now a guest of {company}.",
            "Hail the size of {crop} fell on {town} and {town2} but, oddly, not on {district}.",
            "It rained on {town} for the whole of {month}, according to {person}, who counted.",
            "Wind from {hill} carried a tent of {society} as far as {town}.",
        ),
        (
            "In {district} people went to work by window.",
            "{person}, who measures the rain for the {paper}, has asked for a larger bucket.",
            "{company} handed out {n} {objects} to families from {street}.",
            "The bridge over the {river} is shut, and so is {person2}, the keeper.",
            "{town2}, which is downstream of {town}, has been told to expect furniture.",
        ),
    ),
    "farming": (
        (
            "{breed:a} ram owned by {person} took first prize at {town} on {day}, then a bite of the judge.",
            "{person} has sold {n} {breed} ewes to a buyer from {town2}.",
            "The {crop} are late around {town}, says {person}, and smaller than last year.",
            "{people:a} farmer, {person}, has grown {n} tons of {crop} on the north side of {hill}.",
            "At {town} market {breed} pigs were up, {crop} were down, and {person} was asleep.",
        ),
        (
            "{surname} puts it down to soot from {company}.",
            "The {breed} is said to thrive on {hill}, where nothing else does.",
            "{person2} of {town2} offered twice the price and was refused.",
            "{company} has ordered the whole crop for {festival}.",
            "Neighbours in {district} say that {surname} sings to the {crop}.",
        ),
    ),
    "music": (
        (
            "{band} played in {town} on {day} to {n} people and {animal:a}.",
            "{person} will sing with {band} at {festival}, against the advice of {person2}.",
            "The concert by {band} in {street} ended early when {person} leaned on the organ.",
            "{band}, {band2} and the pupils of {school} will play at the same time on {day}.",
        ),
        (
            "{surname} conducted with {instrument:a}.",
            '"Louder than {band2}," said the {paper}, "and longer."',
            "The solo on the {instrument} was by {person2}, a clerk at {company}.",
            "{band} will tour {town2} and {town3} in {month}, if the van is mended.",
            "{person2} wept, but works for {company} and is often tired.",
        ),
    ),
    "school": (
        (
            "Pupils of {school} have built {instrument:a} out of {objects} for {person}, the head.",
            "{person} is to retire from {school} after {n} years of the same joke.",
            '{school} beat {school2} at spelling on {day}; the last word was "rhubarb".',
            "A class from {school} in {town} walked to {hill} and came back with one child too many.",
            "{person}, aged {n}, of {school}, has counted every lamp post in {district}.",
        ),
        (
            "{surname} taught {person2}, now of {company}, to read.",
            "A child left over at the end turned out to belong to {school2}.",
            "{company} gave the glue, and {surname} the patience.",
            "Parents in {district} have asked {school} for a shorter song.",
            'The inspector, {person2}, wrote "brave" and underlined it twice before going home to {town2}.',
        ),
    ),
    "business": (
        (
            "{company} is to buy {company2} for {n} thousand pounds and a field near {town}.",
            "{person} has left {company} after a disagreement about {objects}.",
            "{company} made fewer {objects} this year, but {person}, its director, called them better.",
            "Talks between {company} and {company2} broke off on {day} when the tea ran out.",
            "{actor} bought the old mill at {town} on {day} and will not say why.",
        ),
        (
            "{surname} learned the trade at {company2} in {town2}.",
            "Shares in {company} rose by a penny, or rather by the penny that {person2} paid.",
            "The works in {district} will stay open, said {person2}, as long as the door is broken.",
            "{company2} has promised to keep the horse.",
            "Some in {town} remember when {company} sold nothing but {objects}.",
        ),
    ),
    "crime": (
        (
            "Someone has stolen {n} {objects} from {company} in {street} and left a receipt.",
            "{person} of {town} was fined {n} pounds on {day} for insulting {animal:a}.",
            "Police in {town} are looking for a man with {instrument:a}, last seen by {person} in {street}.",
            "{person} has confessed to moving the {town} signpost so that it points to {town2}.",
            "A window of {company} was broken on {day}, and {person} has sent the ball back in person.",
        ),
        (
            "{surname} told the court of {town2} that it would happen again.",
            "{person2}, for the police, said that the culprit had good taste and small feet, unlike {surname}.",
            "Footprints led through {district} to {person2}, who was in the bath.",
            "{company} has bought a lock.",
            "Suspicion fell on {town2}, as it generally does.",
        ),
    ),
    "harbour": (
        (
            "The {ship} came into {town} on {day} with {n} tons of {crop} for {company}.",
            "The {ship} and the {ship2} met in the mouth of the {river}, gently, on {day}.",
            "{person} has painted the {ship} green, the colour she was before {person2} painted her blue.",
            "The ferry {ship} will not cross the {river} in {month}, because {person} is getting married.",
        ),
        (
            "{surname} has served on the {ship} for {n} years and can still not swim.",
            "The owners, {company}, sent a wreath by mistake to {surname}.",
            "Her captain, {person}, blamed a light in {street}.",
            "{person2} rowed out from {district} with soup.",
            "In {town2} they say that the {ship} is haunted by an accountant.",
        ),
    ),
    "book": (
        (
            "{person} read from {book} in {town} on {day}, skipping the sad parts.",
            "The library in {street} has got back its copy of {book}, lent to {person} {n} years ago.",
            "{book}, a first novel by {person}, is set in {town} and has upset most of it.",
            "{society} will discuss {book} on {day}, unless {person} has given away the ending.",
        ),
        (
            'The {paper} called {book} "long", which {surname} has had printed on the cover.',
            "The wicked aunt in {book} is thought to be {person2}.",
            "{surname} wrote {book} on {people:a} typewriter without the letter k.",
            "{company} sold {n} copies in {town2}, all of them to {person2}.",
            "The sequel to {book} is expected in {month}, says {surname}.",
        ),
    ),
    "festival": (
        (
            "{festival} begins in {town} on {day} with a procession of {objects}.",
            "This year {festival} will be opened by {person}, because {person2} is still angry.",
            "For {festival} the whole of {street} has been hung with {crop}.",
            "{festival} passed off quietly in {town}, if one does not count {band}.",
            "Visitors from {town2} and {town3} came to {festival} and were let in.",
        ),
        (
            "{person}, dressed as {animal:a}, led the dancers down {street}.",
            "The pie of {festival}, baked by {company}, fed {n} and alarmed the rest.",
            "Older people in {district} still call {festival} the noise.",
            "{society} won the tug of war against {club}, who let go.",
            "It was {surname} who remembered the bucket.",
        ),
    ),
    "found": (
        (
            "{animal:a} has been found in {street} and answers to the name of {person}.",
            "{person} of {district} has lost {instrument:a} on the road from {town} to {town2}.",
            "A bottle thrown into the {river} at {town} by {person} has come back from {town2}.",
            "Digging behind {company}, {person} came upon {n} Roman {objects}, one of them marked with a price.",
        ),
        (
            "{surname} would like it returned, but not by {person2}.",
            "Experts from {society} say that it is {people}, or at least damp.",
            "It may be claimed at {company} in {street} on any {day}.",
            "The finder, {person2}, refused the reward and asked for {objects}.",
            "A label on it was addressed to {person2}, care of the {paper}.",
        ),
    ),
    "visitors": (
        (
            "A party of {people} visitors came to {town} on {day} to look at the drains.",
            "{person}, who left {town} for {town2} in {month}, is back and will not discuss it.",
            "The {people} ambassador had lunch with {person} on {hill}, in a gale.",
            "A film about {town} is to be made in {town2}, with {person} as the vicar.",
        ),
        (
            "The guide was {person}, who took them down {street} by mistake.",
            "{surname} served {people} dumplings, which were mistaken for {company}'s.",
            "{town2} has nothing of the kind, said {person2}, taking notes for the {paper}.",
            "The guests bought {n} {objects} from {company} and the bench from outside {school}.",
            "In the evening {band} played the {people} anthem, or something near it.",
        ),
    ),
    "letters": (
        (
            "{person} writes to the {paper} to say that {town} is not what it was.",
            "In a letter to the {paper}, {person} denies having called {person2} a turnip.",
            "{society} announced, in the {paper}, that the moths of {hill} are missing.",
            "The {paper} regrets that {person} was described on {day} as the late {person2}.",
        ),
        (
            "{person2} of {street} replied at once, and in green ink.",
            "{surname} enclosed a drawing of {hill} before the railway.",
            '"Neither is {surname}," wrote a reader in {town2}.',
            "The editor of the {paper} considers the matter closed.",
            "{surname}'s neighbours in {district} have asked for larger type.",
        ),
    ),
    "possessions": (
        (
            "{person}'s {animal} has been seen again in {company}'s window.",
            "{town}'s oldest resident, {person}, was a hundred and {n} on {day}, give or take.",
            "{club}'s captain, {person}, has moved to {town2} for the quiet.",
            "{company}'s new van blocked {street} for most of {day}.",
        ),
        (
            "{surname}'s only comment was a cough.",
            "{town}'s council has looked into it and looked away.",
            "{company}'s answer came by post, in {person2}'s handwriting.",
            "{surname}'s cousin, {person2}, still lives in {district}.",
        ),
    ),
}

# The type of the name must come from the name, or from what was said before.
CHORUS: tuple[str, ...] = (
    "Nobody had expected this of {any}.",
    "There was no word from {any}.",
    "People will talk about {any} for years.",
    "Next week we shall hear more of {any}.",
    '"I blame {any}," said a man with a ladder.',
    "{any} had nothing to do with it.",
    "What would we do without {any}?",
    "It was, as so often, all about {any}.",
    "A photograph of {any} appears on page {n}.",
    "{any} had a mention in these pages in {month}.",
    "Some prefer {any}, some {any2}.",
    "{any} and {any2} are not on speaking terms.",
    '"{any}?" asked the clerk, and wrote it down wrongly.',
    "Three cheers were given for {any}, and two for {any2}.",
    "We apologise to {any} and, once again, to {any2}.",
    "Opinions about {any} remain divided.",
    "Of {any}, {any2} and {any3} only the first was applauded.",
    "Many still confuse {any} with {any2}.",
    "Children have a rhyme about {any}, which we shall not print.",
    "The rumour about {any} is only half true.",
    "From {any} came a cake and no explanation.",
    "A toast was drunk to {any}, then to {any2}, then to nobody in particular.",
)

# Sentences without a name, full of capitals that mean nothing.
NAMELESS: tuple[str, ...] = (
    "No shop sold any {objects} on {day}.",
    "In {month} it rained on every {day} except when the {instrument} was out.",
    '"Never again," said the owner of the {animal}, and went to buy {objects}.',
    "Trains will run on {day} as they did on {day2}, {n} minutes late.",
    "Last {day} somebody returned {n} {objects} to the station.",
    "The road will be closed from {month} to {month2} because of {animal:a}.",
    "Why the clock struck {n} at noon on {day} is being looked into.",
    "Mist, then drizzle, then {n} {objects} on the line.",
    '"Mind the {animal}," warned a notice, and on {day} people did.',
    "Readers who found {animal:a} last {day} may keep it.",
    "Eggs were dear in {month}, {crop} dearer, and {objects} not to be had.",
    "Anyone who saw {animal:a} with {instrument:a} on {day} should lie down.",
    "Because of the frost there will be no {crop} before {month}.",
    "Every {day} in {month} the fountain is filled with {crop}.",
    '"All {n} {objects}?" asked the judge.',
    "Rehearsals for {n} {objects} and {instrument:a} begin on {day}.",
    "May was wet, April was worse, and {month} brought {crop}.",
    "Sunday is a day of rest, except for the {animal} and the {instrument}.",
)

_WORDS = {
    "day": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
    "month": "January February March April May June July August September October November December",
    "n": "two three four five six seven eight nine ten eleven twelve fourteen twenty thirty forty",
    "animal": "goose goat donkey hen ferret badger parrot calf piglet swan hedgehog terrier tortoise owl",
    "objects": "ladders umbrellas kettles buttons spoons lanterns hats teapots buckets candles clocks boots "
    "trumpets saddles bricks pillows wheelbarrows deckchairs mousetraps cushions",
    "crop": "turnips onions leeks plums pears cabbages beetroots potatoes parsnips apples sprouts radishes",
    "instrument": "trombone tuba violin banjo flute bassoon harp drum accordion cello whistle gong",
}
WORDS: dict[str, tuple[str, ...]] = {slot: tuple(words.split()) for slot, words in _WORDS.items()}
