"""Words and frames of the text messages: what townspeople write, and what swindlers do."""

# Cue words: labelled rows show one part of each list.
SPAM_WORDS: dict[str, tuple[str, ...]] = {
    kind: tuple(" ".join(word.split()) for word in words.split(";"))
    for kind, words in {
        "prize": """
        a golden turnip; a cruise on the millpond; 5000 crowns; a lifetime of soap; a pony;
        a silver teapot; a weekend in a lighthouse; 900 crowns cash; a velvet sofa;
        your weight in cheese; a gramophone; a fur-lined bathtub; a brand new wheelbarrow;
        a diamond thimble; 2000 crowns a week; an island (small); a solid gold spoon;
        a voucher for 750 crowns""",
        "cure": """
        Moon Tonic; Doctor Bliss's Eel Oil; the Magnetic Sock; Everlasting Hair Cream; Radium Biscuits;
        the Slimming Hat; Snail Elixir; Nettle Miracle; the Knee Whisperer; Youth Powder; Vita-Fog;
        Professor Gumm's Pills""",
        "ailment": """
        baldness; gout; short stature; warts; bad luck; snoring; unpaid debts; wet feet; loneliness;
        weak chins; hiccups; forgetfulness""",
        "parcel": """
        parcel; crate; registered letter; barrel; telegram; package; hamper; delivery; shipment;
        inheritance""",
        "firm": """
        Global Turnip Lottery; Bank of Nowhere; Royal Parcel Office; Honest Harald Loans; Prize Bureau;
        Ministry of Refunds; Lucky Goose Club; Star Credit Union; Tombola International; Customs Desk 9;
        Golden Hen Casino; Swift & Sons Claims""",
        "action": """
        Claim; Reply YES; Call now; Click; Text GOOSE; Act today; Send your key number; Confirm;
        Ring back; Subscribe; Text LUCKY; Redeem""",
        "link": """
        www.lucky-turnip.example; www.goose-gold.example; prize-bureau.example; refund-desk.example;
        www.eel-oil.example; harald-loans.example; tombola.example; golden-hen.example;
        parcel-fee.example; www.claims.example""",
        "hurry": """
        URGENT; FINAL NOTICE; Congratulations; WINNER; Dear customer; ATTENTION; Guaranteed; FREE;
        Last chance; 100% legal; Lucky you; Exclusive""",
        "sum": """
        3 crowns; 49 crowns; 12.50; 7 crowns; 20 crowns; 1.99 a minute; 5 crowns; 99 crowns""",
    }.items()
}

HAM_WORDS: dict[str, tuple[str, ...]] = {
    kind: tuple(" ".join(word.split()) for word in words.split(";"))
    for kind, words in {
        "name": """
        Orla; Bram; Tilda; Jonas; Wim; Greta; Aunt Pim; Fergus; Nell; Mum; Dad; Edda; Hob; Lotte; Silas;
        Gran; Mabel; Otto; Cousin Dot; Ruben""",
        "thing": """
        ladder; marrow; trombone; bread tin; fishing rod; wheelbarrow; blue scarf; library book;
        casserole dish; birthday cake; spare key; umbrella; sewing machine; gramophone; bicycle pump;
        choir folder; jam jar; tent; kettle; accordion""",
        "place": """
        the bandstand; the bakery; the ferry; choir; the allotment; the pub; the lido; the station;
        the library; Gran's; the market; the mill; the chip shop; the bus stop""",
        "when": """
        at six; after work; in ten mins; tomorrow; on Friday; before the rain; later; at half four;
        tonight; on Sunday; in a sec; after choir; by teatime; next week""",
        "reason": """
        the goat got out; the ferry's stuck again; I fell asleep; the clock tower was wrong;
        Mum made soup; it's raining sideways; I lost a shoe; the bus never came;
        the geese won't let me past; I'm still peeling; the piano tuner is here;
        there was a queue for stamps""",
        "mood": """
        lol; no comment; haha; honestly; phew; ugh; I ask you; typical; hooray; oh dear""",
        "money": """
        4 crowns; the raffle money; a few crowns; 10 crowns; half the rent; the cake money; 2.50;
        the bus fare""",
        "award": """
        first prize; the raffle; a ham; third prize for marrows; the tombola; best in show;
        a free haircut; the pub quiz; a voucher for socks; the sack race""",
    }.items()
}

SPAM_FRAMES = (
    "{hurry}! You have won {prize}. {action} at {link}",
    "{hurry}: your {parcel} is held at {firm}. Pay {sum} at {link}",
    "{hurry}!! {cure:cap} will end {ailment} in 3 days. {action}: {link}",
    "{firm} has chosen YOUR number for {prize}! {action} within 24 hrs",
    "Suffering from {ailment}? Try {cure}, only {sum}. {action} before midnight",
    "Your account at {firm} is locked. {action}: {link}",
    "{hurry}: {prize} is waiting for you. Fee {sum}. {action}: {link}",
    "A distant uncle left you {prize}. {action}, then send {sum} to {firm}",
    "{firm}: we could not deliver your {parcel}. {action}: {link}",
    "Txt from {firm}. U r 1 of 5 winners of {prize}. {action}, cost {sum}",
    "Doctors hate {cure}! No more {ailment}. {action}: {link}",
    "{hurry}. You are owed {prize} by {firm}. {action} today, {link}",
    "Need cash? {firm} lends with no questions. {action}. From {sum} a day",
    "Hi, this is your cousin. New number. Stuck abroad with {parcel:a}, send {sum} to {firm}?",
    "{hurry}: your {parcel} contains {prize}. Customs fee {sum}. {action}",
    "Did you know {cure} can also cure {ailment}? First bottle FREE, then {sum} a week. {link}",
    "2nd attempt to reach you! {prize:cap} expires tonight. {action} or lose it",
    "I am a prince with {prize} and no bank. {action}, share is yours. {link}",
)
HAM_FRAMES = (
    "Can you bring the {thing} to {place} {when}?",
    "{mood:cap}, running late, {reason}. Start without me",
    "{name} says the {thing} is still at {place}. Can u pick it up {when}",
    "Guess who won {award}? {name}! {mood:cap}",
    "u owe me {money} btw. Pay me {when}",
    "At {place}. Where are you? {reason:cap} so I may be a while",
    "Don't forget {name}'s birthday {when}. I got {thing:a}, don't ask",
    "Is {name} coming to {place} {when} or not?",
    "{mood:cap}, I left my {thing} at {place}. Is it still there??",
    "Tell {name} I'll bring {money} {when}, {reason}",
    "Ok. See you at {place} {when} x",
    "We won {award}!! {name} cried. {mood:cap}",
    "Can't talk, {reason}. Call you {when}",
    "Has anyone seen the {thing}? {name} swears it was at {place}",
    "Thanks for the {thing}! {name} loves it. Tea {when}?",
    "No prize for guessing who broke the {thing}. {mood:cap}",
    "Parcel for you at {place}, {name} signed for it. It rattles",
    "pls ring {name} {when}, something about {money}",
    "{name} spent {money} on {thing:a}. {mood:cap}",
    "Doctor says it's only a cold. {name} prescribes soup {when}",
    "If you go to {place} get milk. And {thing:a}. {mood:cap}",
    "Meeting moved to {place}, {when}. {reason:cap}",
    "Free {when}? {name} needs help with the {thing}",
    "Bank is shut, {reason}. Lend me {money}? {mood:cap}",
    "The {thing} works again!! {name} hit it. Come and see {when}",
    "{mood:cap}, forgot {award} was today. {name} is not speaking to me",
    "Your turn to feed {name}'s cat {when}. Key is under the {thing}",
    "I'm at {place} with the {thing} and feel silly. Hurry up, {name} is staring",
)
