"""What people say of price, value for money and quality: `+`, `-` or `=`, then a clause."""

PRICE = """
+ <the price> is [fair/very fair/hard to beat/lower than I feared]
+ for {price} euros I did not have to think twice
+ cheaper than [the one in the shop/anything similar/what my neighbour has]
+ I got {them} [on offer/in the sale], and <the price> was a steal
+ <{price} euros> is not a lot for {a_noun}
+ I would not have complained about <a higher price>
+ <the price tag> [made me smile/did not hurt/is honest]
+ you can pay three times <the price> and get less
+ surprisingly <cheap>, and I do not mean shoddy
- <the price> is [too high/a cheek/steep/hard to justify]
- <{price} euros> for {a_noun}, seriously?
- way too <expensive>
- a bargain at <{price} euros>, if you own a bank
- I saw the same thing for [ten/fifteen] euros less a week later
- not <cheap>, and I had hoped for a discount
- <the price> keeps me from buying a second one
- you mostly pay for the name
- someone must be getting rich with <this price>
- I wish {it} had cost half as much
= I paid <{price} euros>
= <the price> is about the same everywhere
= <{price} euros>, not cheap and not dear
= <the price> is what {a_noun} costs these days
= bought at <full price>
= I compared <prices> for a week and they hardly differ
"""

DEARER = """
- I bought one last year for 39 and now <the price> is {price}
- <the price> went up again while {it} {was} in my basket
- at <the old price> I would have said yes, at {price} euros no
- they have put up <the price> [twice/again], for exactly the same {noun}
- the reviews that say cheap are from before <the price rise>
= <the price> is {price} euros now, it used to be lower
+ even after <the price rise> {it} {is} cheaper than the big names
"""

VALUE = """
+ great <value for money>
+ [worth every cent/money well spent/a lot of {noun} for the money]
+ <the value> is [excellent/unbeatable/better than I hoped]
+ at <{price} euros|price+> it is hard to find <better value>
+ you get far more than you pay for
+ I would buy {them} again tomorrow
+ <bang for the buck>: top marks
+ the expensive one I had before was not better, so <the value> is obvious
+ cheap is often dear, but not here
+ I have spent more on worse
- [not worth the money/money down the drain/save your money]
- <value for money> is [poor/nowhere to be found/a different thing]
- for what you get <the price|price-> is a joke
- spend ten euros more and get something decent
- for half the money you get the same elsewhere
- <value>? I could have burned the notes and at least been warm
- I cannot say that I got my money's worth
- you get what you pay for, and I paid little
- <the value> was good once, not any more
= <value for money> is okay
= you get what you pay for
= I suppose {it} {is} worth it if you use {them} [daily/a lot]
= <the value> depends on how often you need {them}
= neither a bargain nor a rip-off
"""

QUALITY = """
+ <the {material}> feels [solid/sturdy/like it costs twice as much/really well made]
+ <the build quality> is [superb/great/better than I expected/not bad at all]
+ very <well made>
+ <the workmanship> is [clean/flawless/a pleasure]
+ nothing creaks, nothing wobbles
+ you can tell that someone cared about <the finish>
+ <the {material}> is thicker than on my old one
+ I looked for a flaw in <the finish> and could not find one
+ for once <the quality> matches the pictures
+ <quality> like in the old days
+ {it} feel{s} anything but cheap
- <the {material}> feels [cheap/flimsy/thin/like it came out of a cracker]
- <the build quality> is [poor/disappointing/below what I expected/not what it used to be]
- <the workmanship> is [sloppy/careless/a sad story]
- {it} wobble{s} and creak{s} from day one
- glue on the outside and sharp edges on the inside
- "premium <{material}>", they say, and I say yoghurt pot
- you can tell where they saved on <the {material}>
- I had hoped for better <quality> at this price
- <the finish> has scratches that were there when I opened the box
- two out of three I ordered had <a defect>
- {it} smell{s} of chemicals even after a week
- <the quality> would be fine for a toy
= <the {material}> is [okay/average/as described/neither thin nor thick]
= <the quality> is what you can expect for {price} euros
= <the build quality> is solid enough, though not special
= I have seen better <quality> and I have seen worse
= <the {material}> feels a bit different from the pictures
"""
