"""What the almanac knows to say: for every relation, ways to state it and ways to ask for it, one a line.

`{s}` is the subject, `{o}` the object, which is the answer. The lines of one
relation share as few words as they can, so that a question has to be matched
with its statement by meaning. No line has a number word or a possessive of a
slot, and none starts a clause whose verb would have to agree with a thing
("candles" or "soup").
"""

from __future__ import annotations

# relation: (sorts of subject, sort of object, statements, questions).
# The object sort "same" is another of the subject's own sort.
RELATIONS: dict[str, tuple[str, str, str, str]] = {
    "founder": ("town company club school festival paper", "person", """
{s} was founded by {o}.
it was {o} who established {s}.
{s} owes its existence to {o}.
{o} brought {s} into being after a long lunch.
the credit for starting {s} belongs to {o}.
{s} began as a whim of {o}.
""", """
Who created {s}?
Who was the founder of {s}?
Who first thought of {s}?
To whom can we trace the origin of {s}?
Whose brainchild is {s}?
"""),
    "patron": ("town club school", "person", """
{s} enjoys the patronage of {o}.
{o} pays the debts of {s} and asks no questions.
the benefactor of {s} is {o}.
{s} lives on the generosity of {o}.
{o} has taken {s} under a protective wing.
{s} thanks {o} every spring for the money.
""", """
Who is the patron of {s}?
Who supports {s} from a private purse?
On whose kindness does {s} rely?
Which donor keeps {s} alive?
"""),
    "mayor": ("town", "person", """
the mayor of {s} is {o}.
{s} is governed by {o}, who wears the chain to breakfast.
{o} was elected to lead {s}.
the chain of office in {s} hangs around the neck of {o}.
at the town hall of {s}, {o} has the last word.
{o} rules over {s} from a small desk.
""", """
Who handles the affairs of {s}?
Who holds the mayoralty of {s}?
Who heads the council in {s}?
Whom did the voters of {s} choose?
"""),
    "clock": ("town school", "person", """
the clock of {s} is wound by {o}.
{o} keeps the time in {s} with a long key.
in {s}, {o} sees to the hands of the great dial.
the hours of {s} are in the care of {o}.
{o} climbs the tower of {s} each Sunday to set it right.
""", """
Who winds the clock in {s}?
Who makes sure that {s} is punctual?
Who looks after the timepiece of {s}?
Whose task is it to stop {s} from running late?
"""),
    "river": ("town", "river", """
{s} lies on {o}.
{o} flows through {s} without hurrying.
the houses of {s} stand along {o}.
{s} was laid out on both banks of {o}.
the laundry of {s} is rinsed in {o}.
""", """
Which river passes {s}?
What is the name of the water that crosses {s}?
Beside which stream was {s} built?
What do the bridges of {s} span?
"""),
    "twin": ("town", "town", """
{s} is twinned with {o}.
{s} has a sister town in {o}.
every spring the choir of {s} visits its ally {o}.
a treaty of friendship ties {s} to {o}.
{s} exchanges mayors with {o} for a week each year.
""", """
What is the twin of {s}?
With which place does {s} have a partnership?
Where do the official friends of {s} live?
To which town is {s} formally linked?
"""),
    "bells": ("town school", "count", """
the tower of {s} holds {o} bells.
{s} has {o} bells, all of them flat.
on Sundays {o} bells are rung in {s}.
the ringers of {s} must pull {o} ropes.
{o} bronze voices wake {s} at dawn.
""", """
How many bells are there in {s}?
What is the number of bells at {s}?
How large is the peal of {s}?
How many clappers swing in {s}?
"""),
    "year": ("town company club school festival paper ship", "year", """
{s} dates from {o}.
{s} came into being in {o}.
the first mention of {s} is from {o}.
there has been no day without {s} since {o}.
{s} goes back to {o}, a wet year.
{o} was the year that gave us {s}.
""", """
When did {s} begin?
Since when has {s} existed?
In what year was {s} started?
What is the date of birth of {s}?
"""),
    "famous": ("town", "thing", """
{s} is famous for {o}.
travellers come to {s} for {o}.
{s} is praised in every guidebook for its {o}.
{s} has made its name with {o}.
nowhere will you find better {o} than in {s}.
""", """
What is {s} known for?
To what does {s} owe its reputation?
What attracts visitors to {s}?
What does {s} do best?
"""),
    "forbidden": ("town ship school", "thing", """
{s} forbids {o}.
there is a fine for {o} in {s}.
{s} has never permitted {o}.
a notice at the entrance of {s} bans {o}.
nobody may bring {o} into {s}.
""", """
What is prohibited in {s}?
What must be left outside {s}?
What is against the rules of {s}?
What may one not carry in {s}?
"""),
    "archive": ("town company paper", "club", """
the records of {s} are kept by {o}.
{o} guards the archive of {s} in a dry cupboard.
the history of {s} is written down by {o}.
whoever wants the old papers of {s} must ask {o}.
{o} stores the letters and maps of {s}.
""", """
Who preserves the documents of {s}?
Who is the keeper of the past of {s}?
With whom are the files of {s} deposited?
Which body remembers everything about {s}?
"""),
    "bread": ("town school club festival", "company", """
{s} buys its bread from {o}.
{o} delivers the loaves to {s} at dawn.
the buns of {s} come out of the ovens of {o}.
{o} bakes for {s}.
at {s}, every sandwich starts at {o}.
""", """
Who supplies {s} with bread?
Where does {s} get its loaves?
Which baker feeds {s}?
Which firm provides the toast of {s}?
"""),
    "head": ("company school", "person", """
{s} is run by {o}.
{o} gives the orders at {s}.
the director of {s} is {o}.
at {s} the largest desk belongs to {o}.
{o} has been at the helm of {s} for years.
""", """
Who is in charge of {s}?
Who is the head of {s}?
Who manages {s}?
To whom does everybody at {s} report?
"""),
    "rival": ("company club school paper", "same", """
the great rival of {s} is {o}.
{s} cannot stand {o}.
{s} has an old quarrel with {o}.
between {s} and {o} no word is spoken.
{s} measures itself against {o} every autumn.
""", """
Who competes with {s}?
Who is the chief enemy of {s}?
With whom is {s} on bad terms?
Whom does {s} most want to beat?
"""),
    "address": ("company club school paper festival", "street", """
{s} has its rooms in {o}.
the door of {s} opens onto {o}.
letters for {s} should be sent to {o}.
{s} rents an attic in {o}.
the brass plate of {s} is fixed to a wall in {o}.
""", """
Where is {s} based?
What is the address of {s}?
In which street can you visit {s}?
Where are the offices of {s}?
"""),
    "makes": ("company", "thing", """
{s} makes {o}.
the workshops of {s} turn out {o}.
{s} has grown rich on {o}.
customers go to {s} for {o}.
{s} produces {o} and nothing else.
""", """
What does {s} manufacture?
What can one buy from {s}?
In what does {s} trade?
What is the speciality of {s}?
"""),
    "wages": ("company school", "thing", """
the staff of {s} are partly paid in {o}.
{s} settles half of its wages with {o}.
on Fridays the workers of {s} go home with {o}.
instead of a pension, {s} gives {o}.
a month at {s} is worth its weight in {o}.
""", """
What do employees of {s} receive besides money?
With what does {s} reward its people?
What do those who work for {s} earn?
What does {s} hand out on payday?
"""),
    "captain": ("club ship", "person", """
the captain of {s} is {o}.
{s} is commanded by {o}.
{o} shouts the orders for {s}.
{o} leads {s} in all weathers.
whoever is with {s} obeys {o}.
""", """
Who is the skipper of {s}?
Who has command of {s}?
Whose instructions does {s} follow?
Who gives directions on behalf of {s}?
"""),
    "treasurer": ("club festival paper", "person", """
the treasurer of {s} is {o}.
{o} counts the coins of {s}.
the accounts of {s} are kept by {o}.
the cash box of {s} sleeps under the bed of {o}.
{o} signs the cheques for {s}.
""", """
Who looks after the money of {s}?
Who does the bookkeeping for {s}?
Who is responsible for the finances of {s}?
Who holds the purse of {s}?
"""),
    "members": ("club", "number", """
{s} has {o} members.
the list of {s} runs to {o} names.
{o} people pay a subscription to {s}.
at the last count {s} numbered {o}.
{s} orders {o} chairs for its yearly dinner.
""", """
How large is the membership of {s}?
How many belong to {s}?
How many have joined {s}?
What is the size of {s}?
"""),
    "pupils": ("school", "number", """
{s} has {o} pupils.
{o} children are taught at {s}.
the bell of {s} calls {o} scholars to their desks.
at {s} there are hooks for {o} coats.
{s} feeds {o} young mouths at noon.
""", """
How many learners does {s} have?
How many attend {s}?
How big is the school roll at {s}?
How full are the classrooms of {s}?
"""),
    "prize": ("club person", "prize", """
{s} won {o}.
{o} was awarded to {s}.
the judges gave {o} to {s} after a recount.
{s} took home {o}.
{o} stands on the mantelpiece of {s}.
""", """
Which prize went to {s}?
What did {s} win?
Which honour has been earned by {s}?
With which trophy was {s} rewarded?
"""),
    "birthplace": ("person", "town", """
{s} was born in {o}.
{s} comes from {o}.
the cradle of {s} stood in {o}.
{s} first saw the light in {o}.
{o} is the native town of {s}.
""", """
Where is the birthplace of {s}?
From where does {s} hail?
Which place can call {s} its child?
Where did the life of {s} begin?
"""),
    "home": ("person", "district", """
{s} lives in {o}.
{s} has a narrow house in {o}.
you will find {s} at home in {o}.
{s} rents a room in {o}.
the lamp of {s} burns late in {o}.
""", """
Where does {s} reside?
In which quarter does {s} dwell?
Where should one knock to see {s}?
In which part of town does {s} sleep?
"""),
    "spouse": ("person", "person", """
{s} is married to {o}.
{s} shares a name and a teapot with {o}.
{s} exchanged rings with {o} in the rain.
{o} said yes to {s} at the altar.
the wedding of {s} and {o} lasted until Tuesday.
""", """
Who is the spouse of {s}?
Whom did {s} marry?
To whom is {s} wedded?
With whom does {s} share a life?
"""),
    "mentor": ("person", "person", """
{s} learned everything from {o}.
{s} was a pupil of {o}.
{o} taught {s} the trade.
{s} served as apprentice to {o}.
as a child {s} sat at the feet of {o}.
""", """
Who trained {s}?
Who was the teacher of {s}?
Under whom did {s} study?
Who instructed {s}?
"""),
    "teaches": ("person", "school", """
{s} teaches at {o}.
{s} gives lessons in arithmetic at {o}.
{o} employs {s} to explain the weather.
the youngest class at {o} is in the hands of {s}.
{s} has chalk on both sleeves from {o}.
""", """
Where does {s} work as a teacher?
At which school is {s} on the staff?
Where can one be instructed by {s}?
Who pays {s} to educate the young?
"""),
    "book": ("person", "book", """
{s} wrote {o}.
{s} is the author of {o}.
{o} is from the pen of {s}.
{s} spent eleven winters on {o}.
the name of {s} is printed on the cover of {o}.
""", """
Which book is by {s}?
What is the title of the novel of {s}?
What has {s} published?
Which work did {s} compose?
"""),
    "collects": ("person", "thing", """
{s} collects {o}.
{s} has filled a barn with {o}.
the attic of {s} is packed with {o}.
{s} will cross a field for {o}.
no market passes without {s} bringing back {o}.
""", """
What does {s} gather?
What is the great passion of {s}?
What does {s} like to own?
What does {s} hoard?
"""),
    "abhors": ("person", "thing", """
{s} cannot abide {o}.
{s} has a horror of {o}.
{s} leaves the room at the sight of {o}.
doctors have told {s} to avoid {o}.
{s} once wrote a long complaint about {o}.
""", """
What does {s} dislike?
What can {s} not stand?
What annoys {s}?
What is hateful to {s}?
"""),
    "designer": ("ship", "person", """
{s} was designed by {o}.
{o} drew the plans for {s}.
the lines of {s} were sketched by {o} on a napkin.
{s} is a child of the drawing board of {o}.
{o} worked out the shape of {s} in the bath.
""", """
Who was the architect of {s}?
From whose pencil did {s} come?
Who invented the form of {s}?
Who is the designer of {s}?
"""),
    "builder": ("ship", "company", """
{s} was built by {o}.
{o} laid the keel of {s}.
every plank of {s} was nailed down by {o}.
{s} left the yard of {o} without a rudder.
the carpenters of {o} put {s} together.
""", """
Who constructed {s}?
Which firm made {s}?
Who was the builder of {s}?
Whose craftsmen assembled {s}?
"""),
    "owner": ("ship paper", "company", """
{s} belongs to {o}.
{o} owns {s} down to the last screw.
{s} is the property of {o}.
the deeds of {s} are in the safe of {o}.
{o} bought {s} at an auction.
""", """
Who is the owner of {s}?
Whose possession is {s}?
Which firm has {s} on its books?
Who acquired {s}?
"""),
    "port": ("ship", "town", """
the home port of {s} is {o}.
{s} is registered in {o}.
{s} ties up at {o} in winter.
the crew of {s} have their families in {o}.
after each voyage {s} returns to {o}.
""", """
Where is {s} moored?
Which harbour is the haven of {s}?
Where does {s} drop anchor between journeys?
Which place does {s} sail from?
"""),
    "cargo": ("ship", "thing", """
{s} carries {o}.
the hold of {s} is loaded with {o}.
{s} brings {o} up the coast.
{s} smells of {o} from stem to stern.
merchants hire {s} to ship {o}.
""", """
What does {s} transport?
What is the freight of {s}?
What goods are aboard {s}?
What is stowed below the deck of {s}?
"""),
    "editor": ("paper", "person", """
the editor of {s} is {o}.
{s} is edited by {o}.
every comma in {s} is approved by {o}.
{o} decides what goes into {s}.
the blue pencil at {s} is held by {o}.
""", """
Who directs the newsroom of {s}?
Who corrects the articles of {s}?
Who chooses the headlines of {s}?
Who is the chief journalist of {s}?
"""),
    "opener": ("festival", "person", """
{s} is opened by {o}.
{o} cuts the ribbon at {s}.
{o} makes the first speech at {s}.
{s} cannot begin until {o} has rung a handbell.
the signal for {s} is given by {o}.
""", """
Who declares {s} open?
Who welcomes the crowd to {s}?
Who sets {s} in motion?
Whose words launch {s}?
"""),
    "sponsor": ("festival", "company", """
{s} is paid for by {o}.
{o} sponsors {s}.
the banners of {s} bear the name of {o}.
{s} advertises {o} in return for a tent.
{o} covers the costs of {s}.
""", """
Who finances {s}?
Which firm backs {s}?
Who meets the expenses of {s}?
Which business is the sponsor of {s}?
"""),
    "venue": ("festival", "town", """
{s} is held in {o}.
{s} takes place in {o}.
the people of {o} celebrate {s}.
{s} fills the lanes of {o}.
for {s} one must travel to {o}.
""", """
Where can you attend {s}?
Which town hosts {s}?
What is the scene of {s}?
Whose streets are crowded during {s}?
"""),
    "glory": ("festival", "thing", """
at {s} everyone is given {o}.
{s} would be nothing without {o}.
the stalls of {s} are heaped with {o}.
{s} ends with a parade of {o}.
a queen of {s} is crowned with {o}.
""", """
What plays the chief part at {s}?
What does one see most at {s}?
What is {s} all about?
What is honoured at {s}?
"""),
    "height": ("hill", "feet", """
{s} is {o} high.
{s} rises {o} above the sea.
the summit of {s} is at {o}.
a climb of {o} leads to the top of {s}.
surveyors give {s} a height of {o}.
""", """
How tall is {s}?
What is the elevation of {s}?
How far up does {s} reach?
What is the altitude of {s}?
"""),
    "climber": ("hill", "person", """
{s} was first climbed by {o}.
{o} was the first to stand on {s}.
no one had been up {s} before {o}.
{o} conquered {s} in a pair of slippers.
the earliest ascent of {s} was made by {o}.
""", """
Who reached the top of {s} ahead of all others?
Who was the pioneer of {s}?
Who opened the way up {s}?
By whom was the peak of {s} won?
"""),
    "keeper": ("hill", "person", """
the beacon on {s} is lit by {o}.
{o} tends the fire on {s}.
{o} lives in the hut on {s} and carries the matches.
on {s} the signal lamp is in the care of {o}.
when ships are late, {o} burns wood on {s}.
""", """
Who keeps the flame of {s}?
Who is the watchman of {s}?
Who looks after the light on {s}?
Whose beacon shines from {s}?
"""),
    "overlooks": ("hill", "town", """
{s} overlooks {o}.
{s} looks down on {o}.
from {s} one can count the chimneys of {o}.
in the evening the shadow of {s} falls on {o}.
{o} lies at the foot of {s}.
""", """
Which place is below {s}?
What can be seen from {s}?
Above which town does {s} tower?
Which settlement is nearest to {s}?
"""),
    "breed": ("hill", "breed", """
{o} grazes on {s}.
the slopes of {s} are home to {o}.
shepherds keep {o} on {s}.
the grass of {s} is cropped by {o}.
on {s} you will meet {o} at every gate.
""", """
Which animal lives on {s}?
Which breed is raised on {s}?
What kind of sheep feeds on {s}?
Which livestock can be found on {s}?
"""),
    "walk": ("hill", "club", """
the paths of {s} are mended by {o}.
{o} walks up {s} on the longest day.
the benches on {s} were given by {o}.
{o} puts up the signposts on {s}.
{o} sweeps the steps of {s} every autumn.
""", """
Who maintains the trails on {s}?
Which club has adopted {s}?
Who keeps {s} tidy?
Thanks to whom is {s} easy to visit?
"""),
}  # fmt: skip

# From here on, items stand one a line or with | between them.
THINGS = """
pickled walnuts|left-handed teapots|lace|candles|ginger biscuits|fog signals|garden gnomes|marmalade|clay pipes|turnips
umbrella handles|smoked eels|wicker baskets|tin whistles|onion soup|rope ladders|brass buttons|cheese|felt hats
goose feathers|paper lanterns|rubber boots|plum jam|weathercocks|horse blankets|wooden spoons|mustard|glass eyes
beeswax|cuckoo clocks|oatcakes|false moustaches|bicycle lamps|herring paste|accordions|velvet curtains|blue ink
treacle tarts|barrel hoops|bath salts|hot chestnuts|postcards|cabbages|fishing nets|woollen socks|dried pears
chessmen|birdcages|honey|pewter mugs|quilts|liquorice|sealing wax|doorknobs|peppermint tea|stuffed owls|saddle soap
rhubarb wine|kites|walking sticks|thimbles|black puddings|harmonicas|wheelbarrows|egg cups|shoelaces|salted butter
jigsaw puzzles|string|cough syrup|gooseberry pie|corks|dominoes|hymn books|lard|parsnips|snow globes|bagpipes
blotting paper
"""
COUNTS = "three|four|five|six|seven|eight|nine|ten|twelve|thirteen|fourteen|fifteen|sixteen"
YEARS = [str(year) for year in range(1503, 1900, 7)]
NUMBERS = [str(number) for number in range(31, 420, 8)]
FEET = [f"{number} feet" for number in range(310, 2900, 53)]

# How a thing that was just named is called the second time (a person: by surname).
SHORT = {
    "town": "the town", "company": "the firm", "club": "the club", "school": "the school", "ship": "the ship",
    "festival": "the festival", "paper": "the paper", "hill": "the hill",
}  # fmt: skip

# Before a sentence that goes on about the same subject; that turns to the other one; that says a fact again.
CONTINUING = """
moreover,|in addition,|it is also known that|it should be added that|according to the parish,|as far as we know,
by all accounts,|for the record,|the reader should know that|our sources agree that|we are assured that|it is no secret that
"""
TURNING = """
by contrast,|meanwhile,|on the other hand,|on the next page we read that|to be fair,|at the same time,
by comparison,|in the same breath we mention that|for balance, we add that|the other entry says that
"""
AGAIN = """
in other words,|put differently,|that is to say,|to say it again,|to repeat,|in short,|once more for late readers:
as was said,|this means that|to be plain,
"""

# Closing remarks, by the sort of the subjects; "any" fits all.
REMARKS: dict[str, str] = {
    "any": """
No correction has been received.
Opinions differ, but not loudly.
The printer takes no responsibility for this.
Nobody has asked for more.
All of this was checked on a Thursday.
Further details were lost in the flood.
The rest is gossip.
Readers who doubt it may write to us.
This entry has not changed for years.
Visitors seldom believe it.
An earlier edition said the opposite.
It seemed a good idea at the time.
""",
    "town": """
Parking is difficult in both.
The road between them is mostly puddle.
Neither has a good hotel.
A cart goes from the former to the latter, but not back.
Both claim to have invented the hedge.
""",
    "company": """
Neither answers letters in August.
Both close early when it snows.
Their shop windows are worth a detour.
Both deny everything.
""",
    "club": """
New members are tolerated.
Both meet on the same evening, on purpose.
Their annual match ended in soup.
Neither has ever been on time.
""",
    "school": """
Latin is taught in both, to nobody.
Their uniforms differ only in smell.
The holidays are long and necessary.
Neither has a roof over the gymnasium.
""",
    "person": """
The two have never met.
Both are said to be good company.
Neither would be photographed.
A street may be named after one of them.
""",
    "ship": """
Both leak a little.
Passengers bring their own chairs.
Neither has been seen to hurry.
They once collided, politely.
""",
    "festival": """
It rains at both.
Dogs are admitted free of charge.
The neighbours have been warned.
Both end in washing up.
""",
    "paper": """
Both reported the fire, but not the same one.
Neither has ever printed an apology.
The crosswords are said to be identical.
Fishmongers prefer the larger of the two.
""",
    "hill": """
The view is better than the weather.
Stout shoes are advised.
Neither is visible from the other.
Both are steeper on the way down.
""",
}
