"""What people say of the headphones and the speaker, by aspect: `+`, `-` or `=`, then a clause."""

HEADPHONES = {
    "ease_of_use": """
+ <pairing> took [five seconds/one tap]
+ <the buttons> are easy to find without looking
+ so comfortable that I forget I am wearing them
+ <the app> is [clear/optional, and I mean that as praise]
+ <switching> between phone and laptop just works
+ they fold up small and fit in any bag
- <the touch controls> [react to my hair/do everything except what I want]
- <the app> wants my location, my contacts and my patience
- <pairing> with two devices is hopeless
- they press on my glasses and after an hour I have a headache
- I still do not know which <button> does what
- getting <the settings> right is a hobby of its own
= <the buttons> are on the left side
= you need <the app> for updates
= <pairing> works as with any other pair
""",
    "functionality": """
+ <the sound> is [warm/clear/so much better than I expected/a revelation]
+ <the noise cancelling> [swallows the whole train/is not bad at all/makes the office bearable]
+ <the battery> lasts [all week/thirty hours, as promised]
+ <the bass> is deep without drowning the rest
+ on calls <the microphone> makes me sound like a news reader
+ I hear things in old records that I never heard before
+ no dropouts, not even two rooms away
+ can't fault <the sound>
- <the sound> is [flat/tinny/like a phone in a bucket/muddy]
- <the noise cancelling> [hisses/cancels nothing but my good mood/does not deserve the name]
- <the battery> is empty after [six/eight] hours, not thirty
- <the bass> covers everything
- on calls nobody understands me through <the microphone>
- <the connection> drops every few minutes
- "studio <sound>", if the studio is under water
- the left side is quieter than the right
- not loud enough for the train
= <the sound> is [decent/okay for podcasts/neutral]
= <the battery> takes two hours to charge
= <the noise cancelling> has three levels
= <the bass> can be changed in the app
= sound is a matter of taste, mine is somewhere in the middle
""",
    "durability": """
+ <the hinge> has been opened a thousand times and is still tight
+ they have survived [my rucksack/a toddler/two drops on stone]
+ after [ten/nine] months <the ear pads> look like new
+ <the headband> shows no wear at all
- <the hinge> [broke/cracked/snapped] after [two months/six weeks/four weeks]
- <the ear pads> are peeling already
- <the headband> split in {month} without any force
- after half a year <the battery> is finished
- they lasted a summer, my twenty-year-old ones still play
= <the ear pads> are a little worn after [five/six] months
= <the hinge> is plastic, we will see
= nothing broken so far, but I do not carry them about
""",
    "appearance": """
+ <the design> is understated and classy
+ <the dark green> is beautiful
+ people ask me where I got them
+ they do not look like a helmet, for once
+ <the look> is [great/exactly my style]
- <the look> is [clumsy/straight from the nineties]
- with <these cups> I look like a pilot in a cartoon
- <the shiny plastic> scratches if you look at it
- <the colour> was described as sand and is pink
= <the colour> is black, there is no other
= <the cups> are rather large
""",
}

BATCH = """
- <the hinge> cracked [after four weeks/in the third week/on the left, then on the right]
- my first pair is fine after a year, but on the new one <the hinge> broke at once
- seems to be a bad batch, <the hinge> gave way like everyone says
- <the hinge> snapped while I was simply putting them on
- hairline cracks at <the hinge> after a month, and the replacement has them too
- <the new hinge> is thinner than on my old pair and it broke in the same place
- another one with <the broken hinge> here
- glue has become my accessory for <the hinge>, lovely
= there is a small crack at <the hinge>, it still holds
+ after all the talk of <broken hinges> mine are still fine
"""

SPEAKER = {
    "ease_of_use": """
+ <pairing> worked first time
+ <the buttons> are big enough for wet fingers
+ <the hook> goes over any shower rail
+ switch on, play, done
+ even I managed <the set-up>, and I am no technician
+ <charging> is simple now that the flap is a proper one
- <pairing> is a [pain/lottery/science]
- every morning I have to <connect> it again
- <the buttons> cannot be told apart when your eyes are full of shampoo
- <the set-up> took [an hour/two evenings]
- <the instructions> are the size of a stamp
- <pairing>: only eleven attempts, a new record
- <the charging flap> cannot be opened without a knife
- it beeps at me and I do not know why
= for <pairing> you hold the button for five seconds
= it remembers one <phone> only
= <the buttons> need a firm push
= there is no <app>
""",
    "functionality": """
+ <the sound> [fills the whole bathroom/is surprisingly full for its size]
+ <the battery> lasts [two weeks of showers/longer than I do]
+ <the volume> beats the water without trouble
+ <the suction cup> has not come off once
+ calls work too, my [mother/boss] noticed nothing
+ for something this small <the bass> is not bad
+ really waterproof, I dropped it in the bath
- <the sound> is [thin/shrill/a mosquito in a jar]
- <the suction cup> lets go every night around three, so exciting
- <the battery> is flat after [two/three] showers
- <the volume> is too low once the water runs
- <the connection> breaks as soon as I close the curtain
- waterproof it is not
- it distorts at anything above half
= <the sound> is mono
= <the battery> is meant to last ten hours
= <the volume> is fine for news, I do not play music
= <the suction cup> holds on tiles, not on paint
""",
    "durability": """
+ a year of steam and <the speaker> still plays
+ <the rubber> shows no cracks after [eight/nine] months
+ it has hit the tub [more than once/a dozen times] and does not care
- <the charging port> [corroded/rusted] after [two months/seven weeks]
- <the rubber flap> tore off in {month}
- water got in after a few weeks and that was the end of it
- <the battery> got weaker every week until it was dead
= <the rubber> is a bit discoloured by now
= still works, but I have only had it since {month}
""",
    "appearance": """
+ <the colour> cheers me up in the morning
+ cute, like a little pebble
+ <the shape> is lovely
- <the colour> [is louder than the sound/faded within weeks]
- it looks like a toy from a vending machine
- <the seams> collect black stuff
= <the colour> is a light blue
= it looks like a small puck
""",
}

PAIRING_FIXED = """
+ since the update <pairing> works at once
+ my first one was a pain to <connect>, the new version finds the phone by itself
+ the old reviews about <pairing> no longer apply
- even after the update <pairing> fails every other day
"""
