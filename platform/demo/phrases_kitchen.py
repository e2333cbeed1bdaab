"""What people say of the kettle and the blender, by aspect: `+`, `-` or `=`, then a clause."""

KETTLE = {
    "ease_of_use": """
+ <the controls> are [obvious/self-explanatory]: one button and that is it
+ <the lid> opens with one hand, even a wet one
+ <filling it> is easy through the spout
+ my [mother/father] is [84/79] and had no trouble with <the handling>
+ <cleaning> takes a minute with a bit of vinegar
+ you do not need <the manual>
- <the lid> [needs two hands and a prayer/only opens halfway, so cleaning is a pain]
- <the water gauge> is on the side where my hand is
- <the button> is so stiff that I push the whole thing across the table
- <the manual> is in six languages and useless in all of them
- I burn my knuckles every time I open <the lid>
- it takes a degree to set <the temperature|functionality->
= <the water level> is marked in cups and not in litres
= you have to hold <the switch> for two seconds
= <the lid> comes off completely
""",
    "functionality": """
+ <the water> boils in [under three minutes/no time]
+ <the keep-warm function> [is brilliant/does what it should]
+ <the spout> pours without [dripping/spilling a drop]
+ it is so quiet that I forgot I had put it on
+ the tea no longer tastes of plastic
+ <the temperature setting> is spot on for green tea
+ <the auto shut-off> has never failed me
+ twice as fast as my old one
- <the spout> dribbles [all over the counter/no matter how slowly I pour]
- <the temperature> is off by [ten/fifteen] degrees
- it is so loud that we cannot talk in the kitchen
- <the auto shut-off> does not, well, shut off
- it takes so long that I could go and pick the tea leaves myself
- <the keep-warm function> keeps nothing warm
- the water has a taste that will not go away
- it switches itself off before it boils
= <the boil time> for a full litre is about four minutes
= <the temperature> can be set in steps of ten degrees
= it clicks when it is done
= about as loud as any other <kettle>
""",
    "durability": """
+ <the heating element> looks like new after [eight/ten] months of hard water
+ in daily use since {since} and not a trace of <limescale>
+ it has survived [a fall/two moves and a student flat]
+ my last three broke within a year, <this one> is still going
+ <the seal> is still tight
- <the switch> [broke off/gave up] after [five weeks/two months/ten days]
- <the base> stopped working in {month}
- <the seal> [leaks/started leaking] after only [six weeks/a few weeks]
- <rust> at the bottom after a month
- it lasted exactly until the day after the warranty ended
- third one in a year, <they> just do not last
= <the element> has a little limescale after [three/four] months
= no idea yet how long <the switch> will last
""",
    "appearance": """
+ <the matt finish> looks [lovely/far more expensive than it is]
+ <the colour> matches my tiles exactly
+ so pretty that it stays out when guests come
+ <the design> is [simple and beautiful/timeless]
+ I bought it for <its looks> and do not regret it
- <the colour> is [not the one in the picture/more mustard than cream]
- every fingerprint shows on <the steel>
- <the design> reminds me of a hospital
- it looks nice for a day, then come the water stains
- <the blue light> makes the kitchen look like a petrol station
= <the colour> is a bit darker than in the photo
= <the look> is plain
= it is white and has the shape of a kettle
""",
}

BLENDER = {
    "ease_of_use": """
+ <the handle> sits well in the hand [even with wet fingers/even for small hands]
+ <cleaning> is a matter of thirty seconds under the tap
+ <the attachments> click in and out without force
+ one button, no <manual> needed
+ light enough that my wrist does not hurt
+ so simple that the children make their own shakes
- <the attachments> are [almost impossible to change/stuck after every use]
- you have to press <the button> the whole time and it is stiff
- too heavy for me after a minute
- <cleaning> under the blade is a nightmare
- <the cord> is so short that I cook next to the socket
- who designed <the safety lock>, an octopus?
= <the cord> is about a metre long
= you have to press two <buttons> at once
= <the attachments> go into the dishwasher, the motor does not
""",
    "functionality": """
+ <the motor> [goes through frozen berries like butter/never struggles/has more power than I need]
+ soup as smooth as in a restaurant
+ <the whisk> makes proper egg whites
+ <the chopper> is better than my big machine
+ there is no splashing at all
+ <the speed control> is fine enough for mayonnaise
+ not one lump in the baby food
- <the motor> [gets hot after a minute/gives up at the first carrot/smells of burning]
- lumps, lumps, lumps
- <the whisk> turns so slowly that I was faster by hand
- <the blade> could not cut a ripe banana
- it redecorated my kitchen in tomato, very creative
- <the speed settings> make no difference at all
- so loud that the dog moves out
- not suited for ice, whatever the box says
= <the motor> has to rest after a minute, says the leaflet
= <the speed> has five steps
= it blends <soup>, I have not tried anything else
= about as loud as my old one
""",
    "durability": """
+ <the blade> is as sharp as on day one
+ used [daily/five times a week] since {since} without a hitch
+ <the shaft> survived a spoon left in the pot
+ I have had it for [nine/eleven] months and <the motor> still sounds new
- <the shaft> [cracked/bent] after [a month/six weeks/ten uses]
- <the motor> died in {month}, in the middle of a soup
- <the blade> went blunt [in no time/within weeks]
- the plastic ring has split, and they sell no spare
- it did not survive its second birthday cake
= <the blade> is a bit less sharp after half a year
= too early to judge <how long it lasts>
""",
    "appearance": """
+ <the red> is gorgeous
+ <the design> is slim and looks good on the hook
+ it looks like the ones in cooking shows
+ nice <shape>, nice <colour>
- <the colour> of the attachments turned orange after one carrot soup
- <the design> is ten years old
- it looks like a drill and sounds like one
- <the white plastic> is already yellow
= <the colour> is grey, not silver
= <the design> is nothing special
""",
}
