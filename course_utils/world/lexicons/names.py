"""The names of the mini world, all invented or ordinary: one string of words per list, `|` between longer names.

A few dozen morphemes (Brind-, Hart-, Mar-; -ley, -well, -low) make most of the
surnames and towns, so that a piece of a name says something about the rest.
"""

from __future__ import annotations


def listed(text: str, separator: str = " ") -> list[str]:
    """The names of a text, told apart by spaces (or another separator) and line ends."""
    return [name for line in text.strip().splitlines() for name in line.split(separator)]


# Each of these is a surname, a town and a company: only its company tells which.
AMBIGUOUS = listed("""
Hartwell Brindley Marlow Tallis Fenwick Hollin Cressing Dunmore Pendle Thornby Oakham Wexley Sallow Garrow
Lindley Ashcombe Barrowby Harlow Merrin Kestle Stanbury Wickham Farrow Coldwell Ambley Penrow Torrin Haddow
Rudley Selwick Larkham Bexwell Mossley Quillan Orwick Tilbrook Velling Yarrow Ellwood Corvin Dapley Hexwell
Marwick Brindwell Fenlow Thornley Oakwell Sallowby
""")

GIVEN = listed("""
Orla Tobin Maud Enid Basil Clement Dora Edwin Flora Gideon Hester Ivo Jasper Kitty Lionel Mabel Ned Olive Percy
Queenie Rufus Sybil Thea Ursula Verity Wilf Yolanda Zadie Agnes Barnaby Cora Desmond Effie Fergus Greta Hugo Iris
Jonas Keziah Leonie Magnus Nell Oswin Petra Quentin Rosalind Silas Tamsin Una Vernon Winifred Xanthe Yusuf Zora
Ambrose Beatrix Casper Delphine Elspeth Felix Gwen Horace Imogen Joan Kofi Lettice Mungo Nadia Otis Phoebe Ravi
Selma Theo Umar Viola Wanda Amara Bruno Cecily Dilip Esme Farida Gunnar Hattie Idris Juno Kamala Lorcan Minna
Nils Odette Paloma Rhoda Sunil Tilda Ulric Vesna Wolf Anouk Bashir Clover Dmitri Elke Fabian Gilda Henrik Isolde
Jarvis Leoba Marguerite Noor Olga Piers Rosamund
""")

SURNAMES = listed("""
Finch Tanner Pettifer Grubb Haycock Ludd Mobbs Nettleship Ottway Plum Quill Rusk Sprake Tuckwell Underhay Venn
Wragg Yelland Ablett Bunce Cudlip Dowsett Eddowes Fothergill Gosling Hobday Inchbald Jellicoe Kettlewell Lovibond
Mapplebeck Nunn Oxspring Peabody Quaife Rumbold Scattergood Tweddle Uttley Vosper Whipple Yapp Amory Bottrill
Catchpole Dimmock Entwistle Featherby Gathercole Hurley Ingleby Jessop Kindred Larkin Muddiman Nasmith Orchard
Pobjoy Quiney Ramsbottom Spindler Thistleton Umfrey Vickery Wetherby Yeo Arkwell Blenkin Cobbledick Drinkwater
Eastoe Fairweather Goodbody Hathersage Iveson Jolliffe Kerslake Lightowler Merriman Nightingale Oldcastle Pinchbeck
Rainbird Shilling Trelawn Unwin Vellacott Wildgoose Youlden Attwater Birdwhistle Crump Dabney Eggleton Fiddler
Gotobed Honeyball Idle Jobling Kibble Leadbeater Makepeace Narracott Oddy Prowse Rackstraw Sneddon Tiplady
Wainscott Adeyo Banerji Castellan Dragan Eklund Farouk Grimaud Haldor Ibarra Jankow Kowal Lindqvist Moreno Nakata
Okoro Petrov Rahimi Soler Tanaka Ulvang Vasquez Wozny Zeller
""")

TOWNS = listed("""
Brindlow Hartley Hartlow Martley Tallowby Fenley Fenstead Hollinby Cresswell Dunstead Pendlow Thornmere Oakstead
Wexford Sallowmere Garstead Lindmere Ashmere Barrowstead Harby Merriford Kestleby Stanmere Wickmere Farby
Coldmere Ambleby Penmere Torstead Haddenby Rudmere Selmere Larkstead Bexmere Mossby Quillby Orstead
Tilmere Vellmere Yarmere Ellmere Corstead Dapmere Hexmere Underwick Saltby Gullhaven Herringstead Eelport
Lamphaven Ropeport Candleford
""")
RIVERS = listed("""
Wend Lissom Ouzel Brill Tansy Merle Dribble Sedge Ammer Fallow Yill Corrie Pell Rushey Silt Teasel Willow Otterby
Ebble Swithe Glim Mirk Loom Hobble
""")
HILLS = listed("""
Cragmoor Owlback Harefell Gallowstone Windrigg Sheepcote Ravenback Cloudberry Stonefell Brackenrigg Foxback
Beaconfell Ewemoor Hawkrigg Thimblefell Toadstone Blackmoor Greyrigg Larkfell Kettlemoor Saddleback Hogback
""")
STREETS = listed("""
Tallowgate Needlegate Fishergate Chandlergate Butterside Bakersrow Cheesegate Spindlegate Pottergate Weavergate
Eelgate Ropewalk Horsegate Mustardgate Goosegate Lanternside Quayside Thimblegate Ferrygate Wooltack Hempgate
Barleyside Pewtergate Tinsmithy Gingerside
""")
DISTRICTS = listed("""
Saltmarket Northgarth Southgarth Kilnside Netherend Weirside Mudlark Gasworks Overbridge Underbridge Dyehouse
Malthouse Priorygarth Coalstaithe Cinderford Appleyard Lowtown Hightown Springgarth Kettlegarth Parsonage
Paperfold Ferrymead Bleachfield Cowmead
""")
# Heads that follow a surname or a town: hills, streets and districts of two words.
PLACE_HEADS = {
    "hill": ["Hill", "Tor", "Knoll", "Beacon", "Down"],
    "street": ["Street", "Lane", "Road", "Alley", "Terrace"],
    "district": ["Green", "Quarter", "Park", "Cross", "Fields"],
}

COMPANIES = listed("""
Lampworks Ovenbird Breadline Kettlecraft Bootways Woolgather Clockhouse Gratefire Saltware Ironlark Teaport
Cobblefast Umbrellix Spadework Picklecraft Turniphaul Lanternfare Wagonex Beltbright Quiltmart Soapstead
Buttonways Ladderwell Barrelmart Candlex Ropecraft Timberfast Doughware Jellymart Snugware Beamline Bellcraft
Parcelways Puddlecoat Haulfast Plumbright Trellix Marrowfare Cakecraft Inkmart Kilnware Mothproof Needleworks
Oatways Pumphouse Rivetline Scrubwell Stovex Tinways Varnishall Waxworks Yarnmart Zincline Drainfast Eggways
Feltware Gluecraft Hingewell Jamline Knitfast
""")
CLUBS = listed("""
Wanderers Rovers Otters Herons Wasps Badgers Harriers Paddlers Strollers Plodders Mudlarks Terriers Kingfishers
Stoats Bantams Lapwings
""")
SOCIETIES = listed("""
Earlybirds Bellringers Ramblewell Hedgewatch Mothwatch Singalong Bookworms Treacle Stargazers Whittlers Knitwits
Lamplighters Fungiwatch Beefolk Crumbles Canalfolk
""")
SCHOOLS = listed(
    "Greycoats Bluecoats Inkwells Slatehouse Primers Larchfield Chalkstead Satchels Roundhouse Abacus"
)
BANDS = listed("""
Tinwhistles Brassbound Kettledrums Thunderbuns Spoonfuls Accordionix Hornpipers Foghorns Washboards Pennyreeds
Marrowbones Dampmoths
""")
# What makes an organisation out of a surname (company) or a town (the rest).
# One list is one group of heads that share words; a group stays on one side.
ORGANISATION_HEADS = {
    "company": [
        ["& Daughters"], ["& Sons"], ["Brothers"], ["Bakery"], ["Removals"], ["Ironmongers"], ["Cycles"],
        ["Seeds"], ["Ferries"], ["Motors"], ["Joinery"], ["Biscuits"],
    ],
    "club": [
        ["Rowing Club", "Chess Club", "Cricket Club"], ["United"], ["Athletic"], ["Bowls Association"],
        ["Town"], ["Skittles League"],
    ],
    "society": [
        ["Historical Society", "Camera Society"], ["Gardeners' Guild"], ["Beekeepers' Union"], ["Players"],
        ["Knitting Circle"], ["Civic Trust"],
    ],
    "school": [["Grammar School", "Primary School"], ["Academy"], ["College"], ["Nursery"], ["Seminary"]],
    "band": [["Brass Band"], ["Choir"], ["Orchestra"], ["Quartet"], ["Minstrels"], ["Pipers"]],
}  # fmt: skip

FESTIVALS = listed(
    """
Lanternmas|Plumtide|Eelfest|Cobblefair|Goosemas|Wickerday|Puddingtide|Mothnight|Swanfair|Herringmas|Bellsday
Marrowfest|Frogtide|Candlefair|Haymas|Dumplingday|Kitefest|Soapboxday|Barleytide|Rooknight|Onionmas|Mudfest
Fiddlefair|Whistletide
""",
    "|",
)
PAPERS = listed(
    """
Bugle|Crier|Argosy|Packet|Intelligencer|Sentinel|Lookout|Weathercock|Echo|Examiner|Clarion|Foreshore|Postbag|Plover
Tidings|Dispatch
""",
    "|",
)
SHIPS = listed(
    """
Patient Gull|Grey Duchess|Second Helping|Marigold|Stormproof|Wet Kipper|Obstinate|Dabchick|Sulky Mermaid|Turnstone
Reluctant|Brown Teapot|Halcyon|Fair Enough|Pintail|Mother Hubbard|Barnacle|Cormorant|Lazy Susan|Evening Primrose
""",
    "|",
)
BOOKS = listed(
    """
Salt and Pears|The Drowned Piano|Turnips|A Winter of Buckets|Bargemaster|The Widow's Ladder|Nettlerash|Fog|Gooseberries
The Crooked Kitchen|Undertow|Thirteen Umbrellas|Cold Porridge|Haystacks|The Clockmender|Sandbanks|A Parish of Crows
Moonrakers|Dust on the Organ|Slipway
""",
    "|",
)
PRIZES = listed(
    """
Golden Ladle|Silver Trowel|Copper Carrot|Bargepole|Wooden Spoonbill|Pewter Thimble|Tankard|Rosebowl|Mallet|Acorn Shield
Thistle Medal|Goosequill|Horseshoe|Velvet Marrow|Lanyard|Doorstep Plaque
""",
    "|",
)
PEOPLES = listed(
    """
Brindler|Hartling|Marlovian|Wexonian|Fenlander|Eelporter|Saltbyan|Gullhavener|Thornbyite|Oakhammer|Pendlean|Yarrowite
Quillbian|Ropeporter|Lindlander|Mosslander|Hexonian|Coldlander|Torriner|Ashlander
""",
    "|",
)
BREEDS = listed(
    """
Dunhorn|Speckleback|Longwether|Mudfoot|Frostlamb|Ruddyrump|Blueshank|Lopling|Curlyback|Bentnose|Shortwether|Greyhock
Tufted Wendle|Bristlecob|Softpad|Clayfoot
""",
    "|",
)

# Titles stand before a name and outside its span.
TITLES = listed(
    """
Mayor|Councillor|Dr|Sergeant|Inspector|Professor|Captain|Alderman|Constable|Nurse|Judge|Major|Canon|Reverend|Corporal
""",
    "|",
)

# Syllables of names that exist in no list: stem + middle + ending.
STEMS = listed("""
Brind Hart Mar Tal Fen Hol Cres Dun Pen Thorn Oak Wex Sal Gar Lind Ash Bar Har Mer Kes Stan Wick Far Cold Amb Tor
Had Rud Sel Lark Bex Moss Quil Or Til Vel Yar Ell Cor Dap Hex Bol Cad Dew Fos Gil Hud Jem Kel Lom Nor Pol Rav Sut
Tren Ul Wil Zel Bram Drum
""")
MIDDLES = ["", "a", "e", "i", "o", "er", "en", "in", "ing", "on", "ar", "el", "ber", "der", "man", "ter"]
ENDINGS = {
    "PER": listed("ley well low by wick ham son man ard sby combe cott kin ock field gate sell ridge worth dale"),
    "LOC": listed("ley well low by wick ham mere stead ford haven port combe garth fell rigg side moor den worth dale"),
    "ORG": listed("ley well low by wick ham works craft ware mart ways line fast ex fare combe bright house worth dale"),
    "MISC": listed("ley low by wick mas tide fest ite ian ler horn back foot ling fair craft ton worth dale"),
}  # fmt: skip
GIVEN_ENDINGS = listed("a ie us o ina et wyn ric ora old is ette")
