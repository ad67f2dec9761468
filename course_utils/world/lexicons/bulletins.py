"""The rules of the town's bulletins: one alternative a line, its weight before a star if it is not 1.

`{rule}` is replaced by an alternative of that rule; `{name=rule}` remembers which
one it was (what follows ` #`, or else its text) as `name`; `{@name}` says it
again, and `{rule.@name}` chooses the rule by it. `course_utils.world.bulletins`
adds the rules that are arithmetic and lists of names.
"""

from __future__ import annotations

RULES: dict[str, str] = {}

RULES["bulletin"] = """
4* Bulletin: weather, {season=season}. {weather}
3* Bulletin: tides. {tides}
3* Bulletin: market. {market}
3* Bulletin: coaches. {coaches}
2* Bulletin: lost property. {lost}
2* Bulletin: council. {council}
2* Bulletin: bowls. {bowls}
2* Bulletin: library. {library}
1* Bulletin: farms. {farms}
"""

# --- weather: the season decides what may fall, and what falls decides the advice ---

RULES["season"] = """
spring
summer
autumn
winter
"""
RULES["weather"] = """
2* {forecast}
4* {forecast} {advice.@sky}
3* {forecast} {advice.@sky} {sequel}
1* {forecast} {sequel}
"""
RULES["forecast"] = """
1* {town} and {hill} disagree: {sky=sky.@season} in the one, {calm.@season} on the other.
1* {day} will bring {sky=sky.@season}, {day_mood}.
1* After {sky=sky.@season} all {night}, {town} may look forward to {more.@sky}.
1* The {ship} reports {sky=sky.@season} off {a=town} and {calm.@sky} off {town.not.@a}.
3* Expect {sky=sky.@season} {where}.
2* Expect {sky=sky.@season} {where}, and {more.@sky} by {part}.
2* There will be {sky=sky.@season} over {town} until {part}.
1* There will be no change before {part}, so {sky=sky.@season} it is.
2* {part_first} brings {sky=sky.@season} to {a=town} and, by way of balance, {calm.@sky} to {town.not.@a}.
2* {town} wakes to {sky=sky.@season} and makes {fuss} of it.
1* {town} was promised {calm.@season} and has been sent {sky=sky.@season}.
2* Between {low=low.@season} and {above.@low} degrees, with {sky=sky.@season} {where}.
1* The glass is falling, and {sky=wet.@season} will {arrive} before {part}.
1* The glass is rising, and {sky=dry.@season} will {arrive} before {part}.
1* {sayer} forecasts {sky=sky.@season}, and is {seldom} wrong about {season_thing.@season}.
"""
RULES["sky.spring"] = """
4* soft rain #rain
2* hail the size of peas #hail
3* pale sunshine #sun
2* a brisk wind #wind
1* mist #fog
2* showers #rain
1* warm drizzle #rain
"""
RULES["sky.summer"] = """
5* hot sunshine #sun
2* a sea breeze #wind
2* thunder #rain
1* a heat haze #fog
1* warm drizzle #rain
2* a drought #sun
"""
RULES["sky.autumn"] = """
3* thick fog #fog
2* mist #fog
3* a gale #wind
3* steady rain #rain
2* low sunshine #sun
1* leaves in quantity #wind
2* showers #rain
"""
RULES["sky.winter"] = """
5* snow #snow
3* sleet #snow
2* freezing fog #fog
2* a bitter wind #wind
1* hail the size of marbles #hail
1* weak sunshine #sun
2* frost #snow
"""
RULES["wet.spring"] = """
3* soft rain #rain
1* hail the size of peas #hail
2* showers #rain
"""
RULES["wet.summer"] = """
3* thunder #rain
1* warm drizzle #rain
"""
RULES["wet.autumn"] = """
3* steady rain #rain
2* a gale #wind
2* showers #rain
"""
RULES["wet.winter"] = """
4* snow #snow
2* sleet #snow
1* hail the size of marbles #hail
"""
RULES["dry.spring"] = "pale sunshine #sun"
RULES["dry.summer"] = """
3* hot sunshine #sun
1* a drought #sun
"""
RULES["dry.autumn"] = "low sunshine #sun"
RULES["dry.winter"] = """
2* weak sunshine #sun
1* frost #snow
"""
RULES["calm.spring"] = """
lambs
blossom
better
"""
RULES["calm.summer"] = """
ices
shade
better
"""
RULES["calm.autumn"] = """
apples
mushrooms
better
"""
RULES["calm.winter"] = """
skating
robins
better
"""
RULES["season_thing.spring"] = "blossom"
RULES["season_thing.summer"] = "wasps"
RULES["season_thing.autumn"] = "puddles"
RULES["season_thing.winter"] = "ice"
RULES["calm.rain"] = "nothing wetter than gossip"
RULES["calm.hail"] = "only gravel"
RULES["calm.sun"] = "a single cloud"
RULES["calm.wind"] = "perfect stillness"
RULES["calm.fog"] = "a view"
RULES["calm.snow"] = "a mild surprise"
RULES["more.rain"] = """
2* more of the same
1* ducks
1* a rainbow of the smaller kind
"""
RULES["more.hail"] = """
2* dented buckets
1* silence
"""
RULES["more.sun"] = """
2* sunburn
1* lemonade
1* regret
"""
RULES["more.wind"] = """
2* hats
1* the washing of others
"""
RULES["more.fog"] = """
2* nothing to be seen
1* foghorns
"""
RULES["more.snow"] = """
2* snowmen
1* shovels
1* a closed school
"""
RULES["advice.rain"] = """
1* Ducks have the right of way on {street}.
1* The cellar of the {tavern} is open to {swimmers}.
3* Take {rain_gear}, or stay in and {indoors}.
2* The gutters of {street} are {full}.
1* Washing should come in before {part}.
1* Umbrellas may be borrowed from {lender} and are seldom seen again.
"""
RULES["advice.hail"] = """
1* {townsman_first} has been seen in a saucepan.
2* Greenhouses are advised to look away.
1* Bring in the {small_animals} and the better {crockery}.
"""
RULES["advice.sun"] = """
1* The band will play in the {shade} and stop when it likes.
3* Wear {sun_gear}, and do not let {townsman} talk to you about it.
2* The butter on {street} is no longer a solid.
1* Deckchairs are to be had from {lender}, with instructions.
"""
RULES["advice.wind"] = """
1* Kites may be flown from {hill} by anybody heavier than {n=few} stone.
1* The washing of {surname} was seen over {town}.
2* Hold on to {blown}.
2* Hats found on {street} belong to {townsman} until claimed.
1* The weathercock has been {cock} and takes no questions.
"""
RULES["advice.fog"] = """
1* The lamps on {street} will be lit at {early}, so that they can be found.
2* Walk slowly along {street} and apologise to the {posts}.
1* If you can read this, you are indoors.
2* The ferry will cross by {sense}.
"""
RULES["advice.snow"] = """
1* The pond at {town} will bear {n=few} skaters but not {more_votes.@n}.
1* Snowmen must be gone from {street} by {day}.
3* Wear {snow_gear}, and knock it off before you come in.
2* {street} has been gritted with {grit}.
1* Sledges may be left with {lender}.
"""
RULES["sequel"] = """
1* {surname} disagrees, and has gone to {town} to prove it.
1* Yesterday we said {said}, for which {townsman} apologises.
1* The barometer is {scales}.
2* {townsman_first} has been told.
2* Complaints are read on {day}.
1* The outlook for {day} is {outlook}.
1* Nobody at the {office} is to blame.
"""

# --- tides: the wind decides how the water behaves; low water is six hours after high ---

RULES["tides"] = """
3* {tide_times}
3* {tide_wind}
4* {tide_wind} {tide_times}
2* {tide_times} {tide_notice}
1* {tide_notice}
"""
RULES["tide_times"] = """
1* Those who sleep late will miss high water at {hour=early} and wake to low water at {six_later.@hour}.
1* The ferry to {town} floats from {hour=early} and sits from {six_later.@hour}.
3* High water at {hour=early}, low water at {six_later.@hour}.
2* High water is at {hour=early} and low water, as usual, six hours later at {six_later.@hour}.
1* The water will be high at {hour=early} and gone by {six_later.@hour}.
1* At {town} high water comes at {hour=early}, and at {six_later.@hour} there is mud.
"""
RULES["tide_wind"] = """
1* Blow it how it may, the wind is {wind=wind}, and {tide.@wind}.
1* Gulls face {face=facing}, so {tide.@face}.
3* The wind is {wind=wind}, so {tide.@wind}.
2* With {wind=a_wind}, {tide.@wind}.
1* Since {day} the wind has been {wind=wind}, and {tide.@wind}.
1* As the wind is {wind=wind}, {sailors.@wind}.
"""
RULES["wind"] = """
2* in the north #out
2* in the east #out
2* in the south #in
3* in the west #in
1* nowhere to be found #still
"""
RULES["a_wind"] = """
2* a north wind #out
2* an east wind #out
2* a south wind #in
3* a west wind #in
1* no wind at all #still
"""
RULES["tide.in"] = """
3* the {river} will run {high_word}
2* the water will come over {shore}
1* the tide will come in early and stay for tea
1* boats on the {river} will ride {high_word}
"""
RULES["tide.out"] = """
3* the {river} will run {low_word}
2* the water will not reach {shore}
1* the tide will go out and take its time
1* boats on the {river} will sit {low_word}
"""
RULES["tide.still"] = """
2* the {river} will do as it likes
1* the water will lie flat and think
"""
RULES["sailors.in"] = """
2* the {ship} will come home loaded
1* the {ship} is expected before {part}
"""
RULES["sailors.out"] = """
2* the {ship} will put out
1* the {ship} may leave before {part}
"""
RULES["sailors.still"] = "the {ship} will stay where it is"
RULES["high_word"] = """
3* high
2* brim full
1* proud
"""
RULES["low_word"] = """
3* low
2* on the mud
1* humble
"""
RULES["shore"] = """
3* the quay at {town}
2* the lower step
1* the bench marked for visitors
1* the floor of the {tavern}
"""
RULES["tide_notice"] = """
1* {surname} has caught {n=few} eels, and claims {more_votes.@n}.
1* The bell on the {shoal} rings {when_bell}.
1* {n_first} barrels came ashore at {town}, {barrels}.
2* The {ship} is aground again and asks for no remarks.
2* The {ship} will sail for {town} on {day}, {tide_if}.
1* Bathers are reminded that the {river} was there first.
1* Mussels may be gathered below {street} by those who {mussels}.
"""

# --- market: the goods decide verb and measure; what has gone up is dear, and why ---

RULES["market"] = """
3* {price}
4* {price} {because.@move}
2* {price} {market_news}
2* {price} {because.@move} {market_news}
1* {market_news}
"""
RULES["price"] = """
3* {unit=goods_one_first} is {move=move}, at {pence.@move} pence {@unit}.
3* {unit=goods_many_first} are {move=move}, at {pence.@move} pence {@unit}.
1* {stall} {move=asks} {pence.up} pence {for_goods}, and gets it.
1* On {day} {unit=goods_one} was {move=move} and stood at {pence.@move} pence {@unit}.
1* On {day} {unit=goods_many} were {move=move} and stood at {pence.@move} pence {@unit}.
"""
RULES["move"] = """
2* up #up
2* dear #up
1* dearer than ever #up
2* down #down
2* cheap #down
1* as cheap as string #down
"""
RULES["asks"] = "asks #up"
RULES["because.up"] = """
1* It will go no higher, says {surname}, who has sold out.
1* The {ship} brought none.
3* The {blamed} is blamed.
2* Too few came from {town}, and {townsman} bought the lot.
1* Buyers felt their purses and went home to {indoors}.
"""
RULES["because.down"] = """
1* It will go no lower, says {surname}, who has bought.
1* The {ship} brought nothing else.
3* {town} has sent too much.
2* Buyers carried off more than they can {consume}.
1* Sellers looked at the sky and wept into their {crockery}.
"""
RULES["market_news"] = """
1* Whoever left {n=few} {animals} by the pump is asked to fetch all {@n}.
1* {surname} will weigh {animals} for a penny and {townsman} for two.
1* Change was given in {change}, there being no pennies.
1* The market moves to {day=day}, and from {day_after.@day} it will be as before.
2* There were no {missing} to be had.
2* {surname} sold {n=few} {animals} to {other} and bought back {fewer.@n}.
1* The scales on {street} have been {scales}.
1* {prize_cheese} went to {town} for a sum that nobody will name.
"""

# --- coaches: later coaches leave later; nobody travels to where he is ---

RULES["coaches"] = """
4* {coach}
4* {coach} {coach_note}
1* {coach_note}
2* {coach} {fare}
"""
RULES["coach"] = """
1* The coach for {town} waits at the {tavern} until {hour=early} and not, as printed, until {later.@hour}.
1* Owing to {owing_what}, the {early} coach to {a=town} will go to {town.not.@a}.
1* From {day=day} the coach to {town} runs at {hour=early}, and from {day_after.@day} at {later.@hour}.
3* The coach for {town} leaves at {hour=early}, the next at {later.@hour}.
2* For {town} there are coaches at {hour=early} and at {hour=later.@hour}, and a cart at {later.@hour}.
2* The coach from {a=town} to {town.not.@a} leaves at {hour=early} and arrives by {later.@hour}.
1* The {ordinal} coach to {town} is {late}, owing to {owing}.
1* Passengers from {a=town} for {town.not.@a} change at the {tavern}.
1* The coach for {town} is full of {passengers}.
"""
RULES["coach_note"] = """
1* Those for {town} sit in front, those for {hill} get out and push.
1* Umbrellas go on the roof, and so does {surname}.
1* The horn has been {scales}.
2* Passengers for {a=town} are not to be put down at {town.not.@a}.
2* {animals_first} travel {animal_place}.
1* The driver answers to {surname} and to nobody else.
1* There is no coach on {day}.
1* Lost tickets should be {lost_tickets}.
"""
RULES["fare"] = """
2* The fare is {n=few} pence, and {fewer.@n} for those who walk the hills.
1* Children pay {n=few} pence, and adults {what_they_can}.
"""

# --- lost property: it or they, he or she, all the way through ---

RULES["lost"] = """
3* {found}
2* {found} {office_hours}
1* {office_hours}
"""
RULES["found"] = """
1* Handed in by {other} at {early}: {number=thing}. {claim.@number}
1* {owner_he} took {number=his_thing} to {town} and came home without. {seen.@number}
1* {owner_she} took {number=her_thing} to {town} and came home without. {seen.@number}
3* Found on {street}: {number=thing}. {claim.@number}
2* Found on the coach to {town}: {number=thing}. {claim.@number}
2* {owner_he} has lost {number=his_thing}. {seen.@number}
2* {owner_she} has lost {number=her_thing}. {seen.@number}
1* Still unclaimed since {day}: {number=thing}. {claim.@number}
"""
RULES["claim.one"] = """
1* It has a name, and the name is {surname}.
1* It is too small for {townsman}.
2* It may be claimed from {lender}.
1* It has been {treated} and is much improved.
1* It answers to no name.
1* It will be sold on {day}.
"""
RULES["claim.many"] = """
1* They have a name, and the name is {surname}.
1* They are too small for {townsman}.
2* They may be claimed from {lender}.
1* They have been {treated} and are much improved.
1* They answer to no name.
1* They will be sold on {day}.
"""
RULES["seen.one"] = """
2* It was last seen on {street}.
1* It is missed, though not by {other}.
1* Whoever has it may keep it.
"""
RULES["seen.many"] = """
2* They were last seen on {street}.
1* They are missed, though not by {other}.
1* Whoever has them may keep them.
"""
RULES["office_hours"] = """
1* Nothing was lost on {day}, and we are looking into it.
1* Of {n=some} umbrellas {fewer_votes.@n} have gone home.
2* The office is open from {hour=early} to {later.@hour}.
1* The office is shut on {day} for want of {want}.
"""

# --- council: a postponed meeting is on the next day ---

RULES["council"] = """
3* {meeting}
4* {meeting} {motion}
2* {motion}
1* {meeting} {motion} {tea}
"""
RULES["meeting"] = """
1* The {committee} and the {tavern} close at {hour=early}, and the {tavern} opens again at {later.@hour}.
1* Of {n=some} members of the {committee}, {fewer_votes.@n} sent word and the others a cake.
1* The {committee} thanks {surname}, and would like it to be the last time.
3* The {committee} meets on {day} at {early} in the {hall}.
2* The {committee} has moved from {day=day} to {day_after.@day}, when {moved}.
1* The {committee} did not meet on {day=day} and will not meet on {day_after.@day} either.
1* {chair} takes the chair of the {committee}, and has been asked to return it.
"""
RULES["motion"] = """
1* It was agreed to {motion_verb} {motion_thing} on {day=day} and to regret it on {day_after.@day}.
1* A letter from {town} about {motion_thing} was read, twice, and {letter}.
3* The motion to {motion_verb} {motion_thing} was {carried}.
2* The motion to {motion_verb} {motion_thing} was carried by {n=some} votes to {fewer_votes.@n}.
2* The motion to {motion_verb} {motion_thing} was lost by {n=few} votes to {more_votes.@n}.
1* {surname} spoke for {n=some} minutes and was heard for {fewer_votes.@n}.
"""
RULES["tea"] = """
1* The next item was a bat.
1* Tea was taken as read.
1* The minutes were kept by {other} and have not been given back.
"""

# --- bowls: the winner has more, and a loser has an excuse ---

RULES["bowls"] = """
3* {match}
3* {match} {excuse}
2* {match} {next_match}
1* {next_match}
"""
RULES["match"] = """
1* After {n=few} hours {a=town} led {town.not.@a} by {fewer.@n}, and it rained.
1* {a=town} were ahead of {town.not.@a} until {part}, when the bowls were {bowls_fate}.
3* {a=town} beat {town.not.@a} by {n=some} to {fewer_votes.@n}.
2* {a=town} lost to {town.not.@a} by {n=few} to {more_votes.@n}.
1* {a=town} and {town.not.@a} drew at {n=few} each, and {drew}.
2* At {town}, {a=surname} beat {surname.not.@a} by {n=some} to {fewer_votes.@n}.
1* {a=town} did not turn up, and {town.not.@a} won by {walkover}.
"""
RULES["excuse"] = """
1* {surname} bowled with the left hand, the right being {hand}.
1* Play stopped for {animals}.
2* The losers blame {excuse_thing}.
1* The green was {green}, which suited {whom}.
1* {other_first} was hit by a bowl and has forgiven it.
"""
RULES["next_match"] = """
1* {surname} is dropped from the team, and {other} will be {dropped}.
1* The team for {day} is {surname}, if fit, and {surname}, if found.
2* The next match is on {day} against {town}.
1* The cup will be kept by {other} until it is found.
"""

# --- library: a penny a day, doubled for the vicar ---

RULES["library"] = """
3* {book_due}
3* {book_due} {library_note}
2* {library_note}
"""
RULES["book_due"] = """
1* Of {n=few} copies of {book} we have {fewer.@n}.
1* {surname} returned {book} unread, and {townsman} returned it {read}.
1* {book} has been out since {day} and is thought to be in {town}.
3* {book} is {n=few} weeks late and costs {twice.@n} pence.
2* {book} was due on {day=day}, so {day_after.@day} will cost a penny.
1* {book} came back from {town} with {relic} for a bookmark.
1* {surname} has had {book} for {n=few} weeks and is on page {fewer.@n}.
"""
RULES["library_note"] = """
1* The ladder is kept for those above {n=few} feet and below {more_votes.@n}.
1* A reading of {book} is given on {day}, with {relic}.
2* Silence will be kept from {hour=early} to {later.@hour}.
1* Readers of {book} are asked not to tell {other} the end.
1* The {shelf} shelf has been dusted and {dusted}.
1* Please do not feed the {cat}.
"""

# --- farms: each dam has her own young, and the number agrees ---

RULES["farms"] = """
2* {birth}
2* {birth} {farm_note}
1* {farm_note}
"""
RULES["birth"] = """
1* Of the {n=few} {young=young} at {town}, {mother.@young} likes {fewer.@n}.
1* {surname} has sold {n=few} {young=young}, and {mother.@young} has not been told.
2* {surname} of {town} announces {n=few} {young=young}, and {mother.@young} is resting.
2* A {young=dam} at {town} has had {litter.@young}.
1* At {town}, {n=few} {young=young} were born on {day}, {fewer.@n} of them awake.
"""
RULES["farm_note"] = """
1* The fair at {town} is on {day=day}, the apologies on {day_after.@day}.
1* {surname} offers {n=few} pence for the dog that {dog}.
1* A gate at {town} was left {gate}.
2* The {animal} on {hill} belongs to {surname}, whatever it says.
1* {animals_first} are not to be {animals_not} after {part}.
1* The shears are with {other}.
"""

# --- words ---

RULES["where"] = """
3* over {town}
2* along the {river}
1* on {hill} and nowhere else
1* everywhere but {town}
"""
RULES["part"] = """
3* noon
3* dusk
2* teatime
1* milking
1* evensong
"""
RULES["part_first"] = """
3* Morning
2* Evening
1* Nightfall
"""
RULES["fuss"] = """
2* little
2* much
1* a song
"""
RULES["arrive"] = """
2* arrive
1* be here
1* have come and sat down
"""
RULES["seldom"] = """
2* seldom
1* proudly
1* loudly
"""
RULES["rain_gear"] = """
3* a coat
2* an umbrella
1* a tarpaulin
1* boots and a good book
"""
RULES["sun_gear"] = """
3* a straw hat
1* as little as is decent
1* a parasol
"""
RULES["snow_gear"] = """
3* two pairs of socks
2* a scarf
1* whatever the dog will let you have
"""
RULES["indoors"] = """
2* darn
2* bake
1* quarrel
1* count spoons
"""
RULES["full"] = """
2* full
1* singing
1* no longer on speaking terms with the drains
"""
RULES["lender"] = """
2* the vicarage
2* the lockkeeper
1* the {tavern}
1* {surname} of {street}
"""
RULES["small_animals"] = """
2* hens
1* rabbits
1* tortoise
"""
RULES["crockery"] = """
2* teacups
1* pudding bowls
1* jugs
"""
RULES["townsman"] = """
3* the vicar
2* the mayor
2* the verger
1* the cheesemonger
1* the man with the ladder
"""
RULES["sayer"] = """
2* The verger
2* Old {surname}
1* The knee of the lockkeeper
"""
RULES["blown"] = """
2* your hat
1* your opinions
1* something heavier than yourself
"""
RULES["cock"] = """
2* oiled
1* replaced
1* spoken to
"""
RULES["posts"] = """
2* lampposts
1* cows
"""
RULES["sense"] = """
2* ear
1* smell
1* habit
"""
RULES["grit"] = """
3* sand
1* ginger biscuits
1* the minutes of last year
"""
RULES["outlook"] = """
2* fair
1* foul
1* a matter of faith
"""
RULES["office"] = """
2* observatory
1* town hall
1* lighthouse
"""
RULES["tide_if"] = """
2* tide permitting
1* if {surname} wakes
1* with or without its cook
"""
RULES["mussels"] = """
1* can swim
1* have been introduced
"""
RULES["goods_one_first"] = """
3* Butter #a pound
2* Wool #a fleece
2* Lamp oil #a pint
1* Honey #a jar
2* Cheese #a pound
1* Cider #a pint
"""
RULES["goods_many_first"] = """
3* Eggs #a dozen
2* Herrings #a score
2* Eels #a bucket
1* Onions #a string
2* Plums #a basket
1* Candles #a dozen
"""
RULES["goods_one"] = """
3* butter #a pound
2* wool #a fleece
2* lamp oil #a pint
1* honey #a jar
2* cheese #a pound
1* cider #a pint
"""
RULES["goods_many"] = """
3* eggs #a dozen
2* herrings #a score
2* eels #a bucket
1* onions #a string
2* plums #a basket
1* candles #a dozen
"""
RULES["for_goods"] = """
2* a pound for butter
2* a dozen for eggs
1* a bucket for eels
1* a jar for honey
"""
RULES["stall"] = """
2* {surname}
1* The widow {surname}
1* The stall on {street}
"""
RULES["blamed"] = """
2* moon
2* coach
1* {river}
1* council
"""
RULES["consume"] = """
2* eat
1* pay for
1* explain to their families
"""
RULES["missing"] = """
3* turnips
2* lemons
1* bargains
1* left boots
"""
RULES["animals"] = """
3* geese
2* goats
2* pigs
1* bees
"""
RULES["animals_first"] = """
3* Geese
2* Goats
2* Pigs
1* Bees
"""
RULES["animals_not"] = """
2* washed
1* shouted at
1* sold
"""
RULES["animal_place"] = """
2* on the roof
1* at half fare
1* only with a ticket and a clean face
"""
RULES["animal"] = """
2* bull
2* scarecrow
1* ram
"""
RULES["scales"] = """
2* mended
1* caught cheating
1* painted green
"""
RULES["prize_cheese"] = """
2* The great cheese
1* The marrow of {surname}
1* A pig of good character
"""
RULES["ordinal"] = """
3* first
2* second
1* last
"""
RULES["late"] = """
3* late
2* cancelled
1* early
"""
RULES["owing"] = """
3* geese on the road
2* a wedding
1* the views of the driver
1* a wheel that came off at {town}
"""
RULES["passengers"] = """
2* cheese
2* a choir
1* people named {surname}
"""
RULES["lost_tickets"] = """
2* found
1* handed to {surname}
"""
RULES["what_they_can"] = """
2* rather more
1* what they can
"""
RULES["thing"] = """
3* a glove #one
2* a wooden leg #one
2* a trombone #one
1* a tin bath #one
2* an umbrella #one
3* two gloves #many
2* spectacles #many
2* false teeth #many
1* a pair of bellows #many
1* seven left boots #many
"""
RULES["his_thing"] = """
3* his hat #one
2* his trombone #one
1* his place in the queue #one
2* his spectacles #many
2* his false teeth #many
1* his bees #many
"""
RULES["her_thing"] = """
3* her hat #one
2* her trombone #one
1* her place in the queue #one
2* her spectacles #many
2* her false teeth #many
1* her bees #many
"""
RULES["owner_he"] = """
2* Mr {surname}
1* The verger
1* The mayor
"""
RULES["owner_she"] = """
2* Mrs {surname}
1* The organist
1* The ferrywoman
"""
RULES["treated"] = """
2* washed
1* fed
1* played by the band
"""
RULES["want"] = """
2* a key
1* interest
1* anything to lose
"""
RULES["committee"] = """
2* council
2* drains committee
1* bench committee
1* committee on committees
1* pageant committee
"""
RULES["hall"] = """
2* town hall
1* fish hall
1* {tavern}
"""
RULES["moved"] = """
2* there will be cake
1* the roof is expected
1* fewer members are awake
"""
RULES["chair"] = """
2* {surname}
1* The mayor
"""
RULES["motion_verb"] = """
2* mend
2* paint
1* rename
1* sell
"""
RULES["motion_thing"] = """
3* the bridge over the {river}
2* the bandstand
2* the clock
1* {street}
1* the chain of the mayor
"""
RULES["carried"] = """
2* carried
2* lost
1* left on the coach
"""
RULES["drew"] = """
2* nobody spoke
1* the cup was sawn in half
1* tea was brought forward
"""
RULES["walkover"] = """
2* walking
1* sitting still
"""
RULES["excuse_thing"] = """
3* the grass
2* the sun
1* a bee
1* the sandwiches at {town}
"""
RULES["green"] = """
2* wet
2* bald
1* on a slope
"""
RULES["whom"] = """
2* nobody
1* {surname}
1* the ducks
"""
RULES["relic"] = """
2* a kipper
1* a sprig of heather
1* a summons
"""
RULES["shelf"] = """
2* upper
1* poetry
1* forbidden
"""
RULES["dusted"] = """
2* found to have a window behind it
1* is open to the strong
"""
RULES["cat"] = """
2* cat
1* poets
"""
RULES["other"] = """
3* the sexton
2* the postmistress
1* a stranger
1* the piano tuner
"""
RULES["tavern"] = """
2* Fox and Ladle
2* Empty Jug
1* Patient Horse
"""
RULES["young"] = """
3* lambs #lamb
2* kids #kid
2* piglets #piglet
1* goslings #gosling
1* foals #foal
"""
RULES["mother.lamb"] = "the ewe"
RULES["mother.kid"] = "the goat"
RULES["mother.piglet"] = "the sow"
RULES["mother.gosling"] = "the goose"
RULES["mother.foal"] = "the mare"
RULES["dam"] = """
3* ewe #lamb
2* goat #kid
2* sow #piglet
1* goose #gosling
1* mare #foal
"""
RULES["litter.lamb"] = """
2* a lamb
3* two lambs
"""
RULES["litter.kid"] = """
1* a kid
2* two kids
"""
RULES["litter.piglet"] = """
1* nine piglets
2* eleven piglets
"""
RULES["litter.gosling"] = """
2* five goslings
1* six goslings
"""
RULES["litter.foal"] = "a foal"
RULES["townsman_first"] = """
3* The vicar
2* The mayor
1* The verger
"""
RULES["other_first"] = """
3* The sexton
2* The postmistress
1* A stranger
"""
RULES["day_mood"] = """
2* like any other
1* weather permitting
1* and high time
"""
RULES["night"] = """
2* night
1* week
"""
RULES["swimmers"] = """
2* swimmers
1* eels
1* anyone in boots
"""
RULES["shade"] = """
2* shade
1* pond
"""
RULES["said"] = """
2* sunshine
1* nothing
1* the opposite
"""
RULES["facing"] = """
2* north #out
1* east #out
2* south #in
2* west #in
"""
RULES["shoal"] = """
2* sandbank
1* wreck
"""
RULES["when_bell"] = """
2* at low water
1* when it is lonely
1* for tea
"""
RULES["n_first"] = """
2* Two
1* Three
1* Seven
"""
RULES["barrels"] = """
2* empty
1* of mustard
1* and were gone by the time anybody had counted them
"""
RULES["change"] = """
2* buttons
1* eggs
1* advice
"""
RULES["owing_what"] = """
2* a misprint
1* popular demand
1* the horses
"""
RULES["letter"] = """
2* filed
1* folded into a boat
"""
RULES["bowls_fate"] = """
2* stolen
1* claimed by the vicar
1* found to be cheeses
"""
RULES["hand"] = """
2* in a bandage
1* engaged
1* somewhere else
"""
RULES["dropped"] = """
2* dropped later
1* put in
1* asked again
"""
RULES["read"] = """
2* read
1* wet
1* with remarks
"""
RULES["dog"] = """
2* bit the bishop
1* reads
1* will not go home
"""
RULES["gate"] = """
2* open
1* shut
1* in a tree
"""
