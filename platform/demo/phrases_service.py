"""What people say of shipping, packaging and customer service: `+`, `-` or `=`, then a clause."""

SHIPPING = """
+ <delivery> was [quick/fast/quicker than promised/faster than I am used to]
+ {it} arrived two days early
+ I ordered on a [Monday/Tuesday/Sunday] evening and had {them} by [Thursday/Wednesday lunchtime]
+ <shipping> took [two/three] days, which is [fine by me/better than I expected]
+ no complaints about <the delivery>
+ <the courier> [rang ahead/left it exactly where I asked/was friendly and on time]
+ <the tracking> was accurate [to the hour/all the way]
+ {it} came the next day, which I did not expect for free postage
+ I was worried about <shipping> after reading other reviews but it was not slow at all
+ <dispatch> was prompt and the parcel turned up on a Saturday
+ hats off to <the delivery service>, even in [a storm/pouring rain] it was on time
+ from clicking the button to holding {them} in my hands: [36/40/48] hours
+ <postage> was free and still faster than the competition
+ I changed the address after ordering and <the delivery> still found me
- <delivery> took [three weeks/nearly a month/eleven days/forever]
- {it} arrived [a week/ten days/two weeks] later than promised
- <the tracking> said delivered when nothing had been delivered
- <the courier> threw the parcel over the fence [in the rain/and drove off]
- I waited [three/four/five] weeks and got [no update/nothing but automatic mails]
- <shipping> was a joke, the parcel went to [the wrong town/another country/my old address] first
- <delivery> in a mere [four/five] weeks, what a treat
- {it} sat in a depot for [nine/twelve] days and nobody could tell me why
- <the delivery date> was moved [three/four] times
- I paid extra for <express shipping> and it was slower than the free kind
- <dispatch> alone took [eight/ten] days although {it} {was} "in stock"
- I have seen glaciers move faster than <this delivery>
- <the postage> costs nearly half as much as the thing itself
- the first parcel never came and <the second delivery> was late as well
- nobody rang the bell, and I had to fetch {them} from a shop [12/20] km away
- <delivery> not as fast as they claim, far from it
= <delivery> took [four/five/six] days
= {it} came by post and had to be signed for
= <shipping> was about average
= <delivery> was within the [stated/usual] time
= {it} {was} left with a neighbour
= <the tracking> worked for most of the way
= <the parcel> came on the last day of the promised window
= neither quick nor slow, <the delivery>
"""

WINTER = """
- ordered in {month}, and <the delivery> took [five/six] weeks
- {it} {was} meant to be a present and came [ten days/two weeks] after the party
- <shipping> seems to collapse every winter
- in summer my first order took two days, now <delivery> needs [a month/five weeks]
- the whole of {month} <the tracking> showed the same depot
- <delivery> in {month} is hopeless, order early
- the snow is an excuse for two days late, not for the [three/four] weeks I waited
+ even in the winter rush <delivery> took only [two/three] days
"""

PACKAGING = """
+ <the packaging> is all cardboard and easy to open
+ <the box> was sturdy and everything had its place
+ {it} {was} packed so well that I could have dropped it from the roof
+ <the box> is pretty enough for a present
+ no plastic in <the packaging>, thank you
+ <the wrapping> looked poor but nothing was broken inside
- <the box> was [crushed/torn open/soaked/twice as big as needed]
- there is far too much plastic in <the packaging>
- <the packaging> must have been designed by someone who hates customers
- you need a saw to get {them} out of <the packaging>
- {it} rattled about in <a box> three sizes too big
- there was no padding, so no wonder about the dent
- <the wrapping> was already open when I got {them}
- <the packaging> is not exactly what I would call protective
= <the box> is plain brown cardboard
= <the packaging> is what you would expect
= the whole thing comes in <a box> about the size of a loaf
"""

NEW_BOX = """
+ <the new box> protects everything properly
+ my first one came dented, this time <the packaging> was solid
+ they have changed <the packaging> and now it is just paper and a good thick carton
+ glad to see <the packaging> without foam, and not a scratch on anything
"""

CUSTOMER_SERVICE = """
+ <customer service> answered within [an hour/a day] and sent a replacement
+ <the support team> [was patient with me/knew the product/could not have been nicer]
+ I had a question and <support> [solved it in one mail/rang me back the same day]
+ <the refund> came [within two days/without any argument]
+ I expected a fight over <the return> and there was none
+ not often that I praise <a helpline>, but here I must
+ they sent the missing part free of charge, no questions asked
+ <customer support> got it wrong at first, then more than made up for it
+ a real person on <the phone line>, after one ring
+ <the exchange> was painless
- <customer service> [never answered/sent me in circles/asked for the same photo four times]
- I have written [three/four/five] times and still wait for <an answer>
- <support> told me to [turn it off and on again/read the manual/buy a new one]
- <the helpline> [plays music for forty minutes and hangs up/is a robot that understands nothing]
- <the return> was refused because I had opened the box
- <the refund> took [six weeks/two months] and a lawyer's letter
- thanks to <customer support> I now know every note of their waiting music
- they closed my ticket without a word
- <the warranty> covers everything except, it seems, what happens
- <support> was friendly but could not do anything for me
- still waiting for my money back
- you would think <a support team> would want to help, you would be wrong
= I wrote to <customer service> and got a standard reply
= <support> is by mail only
= <the return> costs a few euros and takes a week
= <customer service> passed me to the maker, who passed me back, and in the end it was sorted
= I have not needed <support> so far
"""
