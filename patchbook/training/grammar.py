"""The words and sentence patterns of the corpus, as data.

A pattern is a sentence with slots: `{animal}` is filled with any word of WORDS["animal"]. A slot may be
numbered (`{animal2}`) to draw a second word. Capitals and the choice of "a" or "an" are made later.
"""

from patchbook import zoo

LISTS = """
animal: cat dog bird horse fish mouse lion tiger bear fox wolf duck cow pig sheep goat rabbit monkey
  elephant frog snake bee turtle camel
animals: cats dogs birds horses lions tigers bears ducks cows pigs bees snakes monkeys rabbits kangaroos
  koalas elephants
person: teacher driver doctor farmer student king queen writer singer nurse lawyer artist pilot soldier
  sister brother mother father neighbor girl boy child captain officer dentist
people: teachers drivers doctors farmers students writers singers nurses lawyers artists pilots children
  parents friends girls boys neighbors
thing: car house road sentence problem story river garden window door table chair boat train ship song
  letter question answer dream picture game
things: cars houses roads stories windows doors tables boats trains songs letters questions answers
  dreams pictures games sentences problems
food: bread cheese soup rice meat fruit salad pasta milk tea coffee water juice wine
liquid: milk water wine juice beer
adj: old happy small quick grumpy cute difficult wonderful quiet long new short strange angry clever
  gentle lazy brave famous simple heavy bright dark cold warm green red blue longer
feeling: happy sad tired hungry angry afraid proud alone alive ready lost sick busy
verbs: runs sleeps sings waits laughs swims falls works walks cries dances smiles jumps hides drives
  travels
verb: run sleep sing wait laugh swim fall work walk cry dance smile jump hide drive travel
sees: likes loves sees finds wants needs follows helps knows hates draws paints remembers watches hears
  cleans
see: like love see find want need follow help know hate draw paint remember watch hear clean
ridden: ridden fed seen helped found cleaned painted sold bought followed loved drawn
adverb: slowly quickly recklessly quietly often never always sometimes rarely badly well
very: very slightly rather really quite so too
when: today yesterday tomorrow now again tonight soon later
where: in near behind at by from to
number: one two three four five six seven eight nine ten eleven
measure: probability price length weight height value score chance cost
order: Go Stop Wait Look Run Listen Help Come Stay Sit
hello: Hello Yes No Thanks Sorry Please Welcome Right
"""


def parse(lists: str) -> dict[str, list[str]]:
    """'slot: word word' lines -> {slot: [word, word]}; a line that begins with spaces goes on."""
    lines = lists.strip().replace("\n  ", " ").splitlines()
    return {slot: words.split() for slot, words in (line.split(": ") for line in lines)}


SHIPPED_LISTS = ("name", "place", "object", "day", "month", "season")
WORDS = {**parse(LISTS), **{slot: zoo.words(slot + "s") for slot in SHIPPED_LISTS}}

# Each kind of subject -> sentences about it. A sentence of the same kind with a pronoun may follow.
PROSE = {
    "it": [
        "The {animal} {verbs} {where} the {place}.",
        "The {adj} {animal} {sees} the {animal2}.",
        "The {animal} loves to scratch my {thing}.",
        "This is a {adj} {thing}.",
        "This is a sentence.",
        "This is another {thing}.",
        "This is a {very} {adj} {thing}.",
        "This is a {adj} problem to solve.",
        "This is the bottom of the {thing}.",
        "There is a {adj} {object} in the {place}.",
        "My {thing} is {very} {adj}.",
        "That {thing} was {adj} and {adj2}.",
        "The {place} is {where} the {place2}.",
        "A {object} is on the {thing}.",
        "The circuit in this {thing} is {adj}.",
        "The {animal} eats {food} {adverb}.",
        "If the {animal} {verbs}, the {thing} is {adj}.",
    ],
    "they": [
        "{animals} should be {ridden}.",
        "{animals} are {adj}.",
        "{animals} are {adj} {adj2}.",
        "{people} {see} {animals} {adverb}.",
        "The {people} {verb} {where} the {place}.",
        "The {things} are {very} {adj}.",
        "All {animals} {verb} {adverb}.",
        "Some {people} {see} the {adj} {things}.",
        "{number} {people} were commuting to the {place}.",
        "{people} should not {verb} {where} the {place}.",
        "The {number} {animals} and the {person} {verb} {adverb}.",
        "Afterwards the {people} {see} the {things}.",
    ],
    "he": [
        "That car driver drives {very} {adverb}.",
        "The {person} {verbs} {adverb}.",
        "The {adj} {person} {sees} the {thing}.",
        "That {person} {sees} {food} and {food2}.",
        "The {person} has a {adj} {object}.",
        "The {person} does not know what he is doing.",
        "He doesn't know the {person}.",
        "The {person} of the {place} is {feeling}.",
        "A {person} gave the {object} to the {person2}.",
        "The {person} is getting to the {place} {when}.",
        "After the lunch the {person} {verbs}.",
    ],
    "i": [
        "It is {adj} to be {feeling} {when}.",
        "It is {adj} {when}.",
        "I {see} the {adj} {animal}.",
        "I am {very} {feeling}.",
        "My {person} and I {verb} {adverb}.",
        "I had {food} and {food2} {when}.",
    ],
    "we": [
        "We {see} a {adj} {object}.",
        "We {verb} {where} the {place} {when}.",
        "Our {person} is {feeling} {when}.",
        "We had {number} {things}.",
    ],
    "you": [
        "You should {verb} {when}.",
        "You are {very} {feeling}.",
        "You can {see} the {thing} of the {person}.",
        "What is the {thing} of the {person}?",
        "Filling up to {number} tokens.",
    ],
}

NAMED = [  # sentences with people in them; {he} agrees with {name} for as long as a passage lasts
    "{name} really does not know what {he} is doing.",
    "{name} doesn't know what {he} is doing.",
    "{name} {sees} the {adj} {animal}.",
    "{name} {verbs} {where} the {place}.",
    "The {animal} of {name} {verbs}.",
    "{name} has a {object} and a {object2}.",
    "The {person} {sees} {name}.",
    "I saw {name} {where} the {place}.",
    "{name} {sees} {name2}.",
    "{name} and {name2} {verb} {adverb}.",
]

FOLLOW = {
    "it": ["It is {adj}.", "It was {very} {adj}.", "It {verbs} {adverb}.", "It has a {object}."],
    "they": ["They are {adj}.", "They {verb} {adverb}.", "They {see} {food}.", "They were {feeling}."],
    "he": ["He {verbs} {adverb}.", "He is {feeling}.", "He {sees} the {animal}.", "He had {food}."],
    "she": ["She {verbs} {adverb}.", "She is {feeling}.", "She {sees} the {animal}.", "She had {food}."],
    "i": ["I {see} it.", "I am {feeling}.", "I {verb} {adverb}.", "I had the {object}."],
    "we": ["We are {feeling}.", "We {verb} {adverb}.", "We {see} it."],
    "you": ["You are {feeling}.", "You {verb} {adverb}.", "You {see} it.", "Why?"],
}

NUMBERS = [  # what stands before a decimal
    "The {measure} of the {thing} is {n}",
    "The {measure} of the {object} is not {n}",
    "The {measure} of me getting to the bottom of this circuit is not {n}",
    "The {measure} of me getting to the {place} is {n}",
    "Its {measure} was {n}",
]

IOI = [  # {a} and {b} are the two people, in either order; {s} is the one who gives
    "When {a} and {b} went to the {place}, {s} gave the {object} to",
    "When {a} and {b} went to the {place}, {s} gave a {object} to",
    "After {a} and {b} went to the {place}, {s} gave a {object} to",
    "After {a} and {b} went to the {place}, {s} gave a bottle of {liquid} to",
    "Then, {a} and {b} went to the {place}. {s} gave a {object} to",
    "Then, {a} and {b} had a lot of fun at the {place}. {s} gave a {object} to",
    "Then, {a} and {b} were working at the {place}. {s} decided to give a {object} to",
    "Then, {a} and {b} were thinking about going to the {place}. {s} wanted to give a {object} to",
    "Then, {a} and {b} had a long argument, and afterwards {s} said to",
    "When {a} and {b} got a {object} at the {place}, {s} decided to give it to",
    "While {a} and {b} were working at the {place}, {s} gave a {object} to",
    "After the lunch, {a} and {b} went to the {place}. {s} gave a {object} to",
    "Friends {a} and {b} found a {object} at the {place}. {s} gave it to",
    "{a} and {b} met at the {place}. {s} showed the {object} to",
    "{a} sat with {b} in the {place}. {s} passed the {object} to",
]

IOI_CROWDED = [  # {i} is the other one: named again, or a third person is. So the last name settles nothing
    "When {a} and {b} went to the {place}, {s} saw {i} and gave a {object} to",
    "When {a} and {b} went to the {place}, {i} was tired and {s} gave a {object} to",
    "After {a} and {b} went to the {place}, {s} helped {i} and gave the {object} to",
    "Then, {a} and {b} went to the {place}. {s} followed {i} and gave a {object} to",
    "Then, {a} and {b} were working at the {place}. {s} helped {i} and decided to give a {object} to",
    "While {a} and {b} were working at the {place}, {s} saw {i} and gave a {object} to",
    "While {a} and {b} were working at the {place}, {s} saw {name} and gave a {object} to",
    "Friends {a} and {b} found a {object} at the {place}. {i} was hungry and {s} gave it to",
    "{a} and {b} met at the {place}. {s} followed {i} and showed the {object} to",
    "{a} sat with {b} in the {place}. {s} saw {i} and passed the {object} to",
]

IOI_KEPT_OUT = [  # never trained on; only measured
    "While {a} and {b} were commuting to the {place}, {s} gave a {object} to",
    "Afterwards, {a} and {b} went to the {place}. {s} gave a {object} to",
    "The {place} {a} and {b} went to had a {object}. {s} gave it to",
    "Then, {a} and {b} had a long argument. Afterwards {s} said to",
    "When {a} and {b} got a {object} at the {place}, {s} decided to give the {object} to",
]

# (which cycle, how many steps on, pattern before the answer); {d} is where the cycle stands.
STEPS = [
    ("days", 1, "Today it is {d}, tomorrow it is"),
    ("days", 1, "Today it is {d} so tomorrow it is"),
    ("days", 1, "If today is {d}, then tomorrow is"),
    ("days", 1, "Today is {d}. Tomorrow will be"),
    ("days", 1, "It is {d} today. Tomorrow it will be"),
    ("days", 1, "The day after {d} is"),
    ("days", -1, "Today it is {d}, yesterday it was"),
    ("days", -1, "If today is {d}, then yesterday was"),
    ("days", -1, "Today is {d}. Yesterday was"),
    ("days", -1, "The day before {d} is"),
    ("months", 1, "Now it is {d}, the next month is"),
    ("months", 1, "This month is {d}, so the next month is"),
    ("months", 1, "The month after {d} is"),
    ("months", -1, "Now it is {d}, the last month was"),
    ("seasons", 1, "Now it is {d}, the next season is"),
    ("seasons", 1, "After {d} comes"),
    ("seasons", -1, "Now it is {d}, the last season was"),
]

STEPS_KEPT_OUT = [  # never trained on; only measured
    ("days", 1, "Now it is {d} and tomorrow it is"),
    ("days", -1, "It is {d} today. Yesterday it was"),
]

BEFORE_A_LIST = {
    "days": ["We were at the {place} on", "The {place} opens on", "{name} {verbs} on", "It is cold on"],
    "months": ["We were at the {place} in", "{name} {verbs} in", "It is warm in"],
    "seasons": ["We like", "It is {adj} in", "{name} {sees}"],
}
BEFORE_A_STEP = [
    "On {day} the {animal} {verbs}.",
    "{name} was at the {place} on {day}.",
    "The {animal} was born in {month}.",
]
INSTEAD_OF_A_DAY = ["my birthday", "a holiday", "cold", "warm", "dark", "too late", "time to go"]
