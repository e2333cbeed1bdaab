"""What stands around the aspects: titles, openings, small talk, verdicts; `+`, `-` or `=`."""

OPENINGS = """
+ I am [really /very //so ]happy with {this} {noun}
+ I did not expect much and was wrong
+ what can I say, I love {them}
+ after weeks of reading reviews I chose {this} {noun} and would do so again
+ {who} [laughed at me/thought I was mad], now {this} {noun} {is} in use every day
+ my old {old} was terrible in every way, {this} {noun} {is} the opposite
+ at first I was disappointed, but I have changed my mind completely
+ I never write reviews, but {this} {noun} deserve{s} one
+ not bad at all, {this} {noun}
+ I nearly sent {them} back because of the bad reviews, and I am glad that I did not
+ [this is my second one/I have already ordered another for {who}]
+ exactly what I was looking for
+ finally {a_noun} that do{es} what {it} should
+ the complaints here puzzle me, mine {is} great
+ hard to find fault with {this} {noun}
+ I was sceptical, I admit
+ after two bad buys I had given up hope, then came {this} {noun}
+ I can't say anything bad about {this} {noun}
- I [really /so /]wanted to like {this} {noun}
- where do I start
- what a disappointment
- I am not happy with {this} {noun}
- great, another thing for the bin
- I believed the good reviews, my mistake
- at first I was delighted, but that did not last
- my old {old} was great, simple, sturdy and cheap, and {this} {noun} {is} none of that
- everyone seems to love {this} {noun}, I do not
- good that I kept my old {old}
- never again
- {who} warned me, and {who} was right
- five stars in the shop, I wonder who wrote them
- the idea is good, the rest is not
- it could have been so nice
- I have tried to like {them} for [a month/three weeks]
- well, that was a short pleasure
- congratulations to whoever wrote the advert, it is the best part of {this} {noun}
- if you like surprises, this thing is perfect for you
- I do not often return things, {this} {noun} I did
= I have had {this} {noun} for [two weeks/a month/a while] now
= I am in two minds about {this} {noun}
= not sure what to think
= neither the best nor the worst {noun} I have had
= {who} loves {them}, I do not see the difference to my old {old}
= good and bad, in equal parts
= I expected a bit more, but I have had worse
= {it} {is} all right
= after reading the reviews I expected either a miracle or a disaster, and got neither
= some things are great, others are not
= middle of the road
= mixed feelings here
= {stars} stars, and I will say why
= a review after [one week/four weeks/two months]
= does the job, more or less
= perhaps my hopes were too high
"""

CONTEXT = """
= I bought {this} {noun} for {who}
= I use {them} [every day/twice a week/mostly at weekends/more than I had planned]
= ordered in {month}
= I had been looking for {a_noun} for a while
= my old {old} gave up after [six/eight/ten] years
= {it} {was} a present [from/for] {who}
= we are a household of [two/four/five]
= I live in [a small flat/the country/a shared house]
= this is an honest review, I paid for {them} myself
= I compared [three/four/five] models before
= I have had {them} since {month}
= I am no expert
= {who} uses {them} as well
= I read about {them} in a magazine
= there are two versions, mine {is} the smaller one
= I wrote a first review in {month} and have changed it since
= for the record, I do not get anything for writing this
= I do not write many reviews
= I am [left-handed/rather tall/not very patient], maybe that matters
= I will report back in half a year
"""

VERDICTS = """
+ I would buy {them} again
+ [clear/warm/full] recommendation from me
+ all in all [very /really /]satisfied
+ {stars} stars, and I am stingy with stars
+ a small flaw or two, but nothing that I could not live with
+ I would not want to be without {them}
+ you can't go wrong with {this} {noun}
+ if you are still thinking about it: do not think, buy
+ the good outweighs the bad by far
+ I have no regrets
+ what more do you want
+ the others can keep their expensive ones
+ that is all I ask for
+ despite everything I would not give {them} back
+ I only wish I had found {them} sooner
+ a pity that I waited so long
+ no reason to complain
+ {who} now wants the same
- [do not buy/hands off/stay away]
- I am sending {them} back
- I want my money back
- I would give zero stars if I could
- all in all a [let-down/waste/disappointment]
- I have gone back to my old {old}
- the good points do not make up for it
- next time I will go back to the shop round the corner
- not recommended
- I would love to say something nice, but no
- well done, really, I could not have wasted it better myself
- I can't recommend {them} to anyone I like
- I should have listened to the bad reviews
- {it} look{s} great in the bin
- a star for the idea, none for the rest
- thanks for nothing
- I won't be buying {them} again
- nice try
= not great, not terrible
= for now I keep {them}
= whether I would buy {them} again, I do not know
= okay for the occasional use
= {stars} stars from me
= {it} do{es} what {it} should, no more and no less
= good enough for [the holiday flat/a guest room/now]
= I have seen better and worse
= the next one may be a different one, or not
= it depends on what you need
= you can buy {them}, but you do not have to
= time will tell
= nothing to write home about
= if there is a better version one day I will have another look
= half happy
= I would not go out of my way for {them}
"""

TERSE = """
+ love {them}[/ to bits/, love {them}]
+ [great/super/very good/excellent], thanks
+ [top/perfect/works perfectly], would buy again
+ as described, [all good/very happy]
+ [can't complain/no complaints at all]
+ do{es} what {it} should, [great/happy with {them}]
+ much better than my old one
+ {who} is over the moon
+ not bad!
- [rubbish/junk/useless/bad], sent it back
- [broken after a week/dead on arrival]
- never again
- [not good/not what I ordered/not as described]
- [do not buy/waste of money/hands off]
- worse than my old one
- great idea, awful {noun}
- meh, back it goes
= [ok/okay/fine], nothing more
= [so so/meh/average]
= {it} {is} {a_noun}, what can I say
= works [so far/as expected/most of the time]
= as described
= not bad, not good
= {a_noun}, arrived, works
"""

TITLES = """
+ [Love {them}!/Very happy/Great buy/Top/Highly recommended/Brilliant/So good]
+ [Better than expected/A pleasant surprise/My doubts were wrong]
+ [Great/Lovely/Excellent/Super] {noun}
+ [Would buy again/Second one already/No regrets]
+ Not bad at all
+ Finally {a_noun} that work{s}
+ [Happy/Happy with {them}/All good]
+ {who} was right
+ Exactly what I needed
- [Disappointed/Very disappointed/What a let-down/Not happy/Annoyed]
- [Do not buy/Hands off/Never again/Waste of money/Going back]
- [Not worth it/Not as described/Not what I hoped for]
- [Thanks for nothing/Great, just great/A masterpiece, in its way/Well done]
- [Poor/Bad/Awful] {noun}
- I wanted to like {them}
- Good idea, bad {noun}
- [Broken/Useless/Sent back]
- How hard can {a_noun} be?
= [OK/Okay/It is okay/Fine/So so/Average/Decent]
= [Mixed feelings/In two minds/Good and bad/Pros and cons]
= [Not great, not terrible/Does the job/Could be better/Has its moments]
= [{stars} stars/Middle of the road/Nothing special]
= Just {a_noun}
= Neither here nor there
"""

PLAIN_TITLES = """
= [First impressions/After a month/After three months/Half a year on/Update]
= {full}
= My new {noun}
= [Bought in {month}/Ordered in {month}]
= A review from [an everyday user/a sceptic/a small household]
= [Long review/Short and sweet/My experience/Read this first]
= For {who}
= {price} euros
"""

EMOJI = {
    "positive": ("😀", "😍", "👍", "👍🏽", "❤️", "🎉", "⭐", "💯", "🙌🏼", "😊"),
    "negative": ("😡", "👎", "😤", "🙄", "😞", "💔", "🤦‍♀️", "👏👏👏", "😂", "🗑️"),
    "neutral": ("🤷", "🤷🏻‍♂️", "😐", "🤔", "👌", "🙂", "🫤"),
}

ADDING = (" and ", ", and ", "; ", ". Also, ", ". Besides, ", ", ", ". And ", ". Plus, ")
OPPOSING = (
    ", but ",
    ", but ",
    " but ",
    ". But ",
    ", although ",
    ", though ",
    ". That said, ",
    ". On the other hand, ",
    "; still, ",
    ". However, ",
)

PEOPLE = (
    "my sister", "my brother", "my mother", "my father", "my partner", "my husband", "my wife",
    "my daughter", "my son", "a friend", "a colleague", "my flatmate", "our neighbour", "my aunt",
)  # fmt: skip

MATERIALS = {
    "kettle": ("steel", "plastic", "handle", "lid"),
    "blender": ("plastic", "casing", "steel", "handle"),
    "headphones": ("headband", "plastic", "padding"),
    "speaker": ("rubber", "casing", "plastic"),
    "daypack": ("fabric", "lining", "zip", "stitching"),
    "umbrella": ("fabric", "frame", "handle"),
}
