"""What people say of the daypack and the umbrella, by aspect: `+`, `-` or `=`, then a clause."""

DAYPACK = {
    "ease_of_use": """
+ <the straps> adjust with one pull
+ <the compartments> make sense, everything is where I look for it
+ so comfortable that I forget the [ten/twelve] kilos on my back
+ <the zip> runs smoothly, even with gloves
+ getting at the laptop at security is a matter of seconds
+ <the buckles> can be worked with cold fingers
- <the straps> [slip all the time/cut into my shoulders/are far too short]
- <the zip> [snags on the lining every single time/needs both hands]
- <the pockets> are so well hidden that I cannot find them either
- to reach <the bottle holder> you need an extra joint in your arm
- my back hurts after an hour
- the chest clip opens by itself when I bend down
= <the straps> take some time to adjust
= <the zip> is a little stiff at first
= it has two <side pockets> and one in the lid
""",
    "functionality": """
+ <the rain cover> kept everything dry in [a downpour/three days of drizzle]
+ <the laptop sleeve> is well padded and fits my 15 inch
+ it swallows an astonishing amount
+ <the back panel> lets the air through, no wet shirt
+ <the size> is perfect for a long weekend
+ fits under the seat of the plane, no discussion at the gate
+ <the hidden pocket> is not easy to find, which is the point
- <the rain cover> [leaks/is too small/keeps the water in]
- <the laptop sleeve> is too tight for anything above 13 inches
- 24 litres on paper, a lunch box in real life
- <the back panel> makes you sweat like in a sauna
- I am so glad that <the bottle holder> holds no bottles
- waterproof only as long as it does not rain
- there is no space for a jacket once the books are in
= <the capacity> is 24 litres
= <the laptop sleeve> is at the back
= <the rain cover> is sold separately
= enough room for a day, not for two
""",
    "durability": """
+ <the seams> have held through [two school years/a season of hiking]
+ after [ten/eleven] months of commuting <the fabric> has no hole
+ <the zip> has survived my children, which says a lot
+ dragged over rocks and <the bottom> does not show it
- <the zip> [broke/burst/came off] after [two weeks/a month/three trips]
- <the seams> are coming apart at the [shoulder/bottom]
- <the strap> tore off in {month}, in the middle of the station
- a hole in <the bottom> after one term
- it has aged ten years in [ten/eight] weeks
= <the fabric> has faded a little since {since}
= <the seams> look all right so far
""",
    "appearance": """
+ <the colour> is [stunning/even nicer than in the pictures]
+ it works with a suit as well as with hiking boots
+ <the cut> is slim and smart
+ love <the look>
+ <the pattern> is different without shouting
- <the colour> is [washed out/not olive but mud]
- on my back it looks like a turtle
- <the logo> is as big as a plate
- <the fabric> shows every drop of water
= <the colour> is somewhere between grey and blue
= <the look> is classic, one might say boring
= it looks smaller than in the photos
""",
}

UMBRELLA = {
    "ease_of_use": """
+ <the button> opens and closes it, so one hand stays free
+ <the handle> lies well in the hand
+ it folds up without a fight
+ <the sleeve> goes back on even when it is wet
+ light enough for my handbag
- <the button> [jams/needs the strength of a bear]
- <folding it> is like wrestling a bat
- closing it takes two people and some bad language
- <the sleeve> is so tight that I threw it away
- <the handle> is too short to hold properly
= <the button> opens it, closing is by hand
= <the handle> has a loop
= it needs a bit of practice to fold
""",
    "functionality": """
+ <the canopy> is big enough for two
+ it stood up to [a proper gale/the wind on the bridge]
+ dry from head to toe
+ <the coating> makes the drops roll off
+ small when closed, big when open, what more could I want
+ turned inside out once and <the frame> just sprang back
- <the canopy> [leaks/lets fine drops through/covers one shoulder at most]
- <the frame> turns inside out in the mildest breeze
- a wonderful umbrella for dry days
- "storm proof", and then came a bus
- <the coating> soaks up the water like a sponge
- I was wet to the knees
= <the canopy> is 98 cm across
= <the frame> has eight ribs
= good enough for drizzle, I have not had it in a storm
= <the size> is made for one person
""",
    "durability": """
+ <the ribs> are still straight after [a whole autumn/a hundred storms]
+ it has lived in my bag since {since} and nothing is torn
+ <the spring> works as on the first day
+ my umbrellas usually last a month, this one has outlived <them> all
- <the ribs> [bent/broke/snapped] [in the first wind/after three weeks/after a month]
- <the stitching> came loose at two corners
- <the mechanism> gave up in {month}
- <the handle> came off in my hand
- it died young
- lasted four showers, I counted
= one of <the ribs> is slightly bent but it still works
= <the fabric> has not torn so far
""",
    "appearance": """
+ <the pattern> [makes me look forward to rain/is beautiful from below]
+ <the colours> are bright and do not run
+ strangers stop me because of <the design>
+ elegant, with <the wooden handle>
- <the colour> [ran onto my coat/looks dull/is not the one I chose]
- <the pattern> is crooked
- <the handle> looks like wood and feels like a yoghurt pot
= <the pattern> is small dots
= <the colour> is navy, nearly black
= it looks like an umbrella
""",
}
