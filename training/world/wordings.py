"""The words of the captions: for every name of the world, the ways to say it.

Each entry is a pair: wordings that training may use, and wordings kept for held-out evaluation. The two
never share an entry. `{his}` and `{he}` stand for the person's pronouns, `{colour}` for a colour.
"""

from __future__ import annotations

Wordings = tuple[tuple[str, ...], tuple[str, ...]]

CLOTHES: dict[str, Wordings] = {
    "t-shirt": (
        ("t-shirt", "tee", "crew-neck t-shirt", "short-sleeved t-shirt"),
        ("tee shirt", "cotton tee"),
    ),
    "sweater": (("sweater", "knitted sweater", "pullover"), ("jumper", "woolly sweater")),
    "v-neck sweater": (("v-neck sweater", "sweater with a v-neck", "v-neck pullover"), ("v-necked jumper",)),
    "turtleneck": (
        ("turtleneck", "turtleneck sweater", "high-necked sweater"),
        ("roll-neck", "polo-neck sweater"),
    ),
    "suit": (("suit", "suit and tie", "suit jacket with a tie"), ("business suit", "tailored suit")),
    "tank top": (("tank top", "sleeveless top"), ("sleeveless shirt", "vest top")),
    "shirt": (("shirt", "button-up shirt", "collared shirt"), ("buttoned shirt", "shirt with a collar")),
    "hoodie": (("hoodie", "hooded sweatshirt"), ("hooded sweater", "hooded pullover")),
    "leather jacket": (("leather jacket", "jacket made of leather"), ("biker jacket",)),
    "dress": (("dress", "sleeveless dress", "summer dress"), ("sundress", "strappy dress")),
}
# What a man would call the same garment as the dress of the list.
MEN_DRESS: Wordings = (("sleeveless top", "tank top"), ("sleeveless shirt",))
COLOURS: dict[str, Wordings] = {
    "red": (("red", "bright red"), ("scarlet", "crimson")),
    "blue": (("blue", "royal blue"), ("cobalt blue",)),
    "green": (("green", "dark green"), ("forest green",)),
    "yellow": (("yellow", "bright yellow"), ("lemon yellow",)),
    "white": (("white",), ("snow-white",)),
    "black": (("black",), ("jet-black",)),
    "orange": (("orange", "bright orange"), ("tangerine orange",)),
    "purple": (("purple", "violet"), ("plum purple",)),
    "pink": (("pink", "light pink"), ("rose pink",)),
    "gray": (("gray", "grey"), ("charcoal gray",)),
    "brown": (("brown", "dark brown"), ("chocolate brown",)),
    "teal": (("teal", "blue-green"), ("turquoise-teal",)),
}
PATTERNS: dict[str, Wordings] = {
    "striped": (("striped", "horizontally striped"), ("stripy",)),
    "checked": (("checked", "plaid"), ("chequered",)),
    "dotted": (("dotted", "polka-dot"), ("spotted",)),
}
PLACES: dict[str, Wordings] = {
    "studio": (
        ("in a {colour} studio", "against a plain {colour} background", "in front of a {colour} backdrop"),
        ("before a plain {colour} wall", "in a photo studio with a {colour} background"),
    ),
    "beach": (
        ("on a beach", "at the beach", "on a sandy beach by the sea"),
        ("by the seaside", "on the seashore"),
    ),
    "forest": (
        ("in a forest", "in the woods", "among the trees of a forest"),
        ("in a woodland", "between tall trees"),
    ),
    "city": (
        ("in the city", "in front of a city skyline", "in a city with tall buildings"),
        ("downtown among skyscrapers", "with high-rise buildings behind {him}"),
    ),
    "office": (
        ("in an office", "in a modern office", "at the office"),
        ("in a workplace with binders on a shelf",),
    ),
    "night city": (
        ("in the city at night", "in front of a city at night", "under the night sky of a city"),
        ("with lit windows of a city at night behind {him}",),
    ),
    "snowy mountains": (
        ("in front of snowy mountains", "in the snowy mountains", "with snow-covered mountains behind"),
        ("in an alpine winter landscape",),
    ),
    "desert": (
        ("in a desert", "in the desert", "among the dunes of a desert"),
        ("in a sandy wasteland of dunes",),
    ),
    "living room": (
        ("in a living room", "in a cozy living room", "at home in the living room"),
        ("in a lounge with a sofa and a lamp",),
    ),
    "flower garden": (
        ("in a flower garden", "in a garden full of flowers", "among flowers in a garden"),
        ("in a blooming garden",),
    ),
    "library": (
        ("in a library", "in front of bookshelves in a library", "in a library full of books"),
        ("before tall shelves of books",),
    ),
    "kitchen": (("in a kitchen", "in a bright kitchen", "at home in the kitchen"), ("in a tiled kitchen",)),
    "brick wall": (
        ("in front of a brick wall", "by a red brick wall", "against a brick wall"),
        ("with a wall of bricks behind {him}",),
    ),
    "stage": (
        ("on a stage", "on a stage with spotlights", "in front of a stage curtain"),
        ("on a theater stage",),
    ),
}
LIGHTS: dict[str, Wordings] = {
    "soft light": (("soft light", "soft even lighting", "gentle light"), ("diffuse light",)),
    "bright daylight": (("bright daylight", "bright sunlight", "sunny daylight"), ("broad daylight",)),
    "warm light": (("warm light", "warm lighting", "warm lamp light"), ("a warm glow",)),
    "cold light": (("cold light", "cool blue light", "cold bluish lighting"), ("chilly light",)),
    "dramatic side light": (
        ("dramatic side light", "dramatic lighting", "hard light from the side"),
        ("moody light from one side",),
    ),
    "golden sunset light": (
        ("golden sunset light", "golden hour light", "the light of the sunset"),
        ("an evening glow",),
    ),
    "neon light": (
        ("neon light", "pink and blue neon light", "colorful neon lighting"),
        ("glowing neon signs",),
    ),
}
FRAMINGS: dict[str, Wordings] = {
    "close-up": (("close-up", "close-up shot"), ("tight close-up",)),
    "portrait": (("portrait", "head and shoulders", "portrait shot"), ("shoulder-length shot",)),
    "half body": (("half body", "medium shot", "waist-up shot", "upper body"), ("shot from the waist up",)),
}
EXPRESSIONS: dict[str, Wordings] = {
    "neutral": (("neutral expression", "calm expression", "relaxed face"), ("impassive face",)),
    "smiling": (("smiling", "with a smile", "a friendly smile"), ("a cheerful smile",)),
    "laughing": (("laughing", "with a big laugh", "a broad open-mouthed smile"), ("in fits of laughter",)),
    "surprised": (("surprised", "a surprised expression", "looking surprised"), ("looking astonished",)),
    "frowning": (("frowning", "with a frown", "an angry frown"), ("scowling",)),
    "sad": (("sad", "a sad expression", "looking sad"), ("looking sorrowful",)),
}
VIEWS: dict[str, Wordings] = {
    "front": (("facing the camera", "front view"), ("seen from the front",)),
    "left": (
        ("head turned to the left", "facing left", "turned to {his} left"),
        ("{his} head to the left side",),
    ),
    "right": (
        ("head turned to the right", "facing right", "turned to {his} right"),
        ("{his} head to the right side",),
    ),
}
GAZES: dict[str, Wordings] = {
    "left": (("eyes looking to the left", "glancing to {his} left"), ("{his} eyes towards the left",)),
    "right": (("eyes looking to the right", "glancing to {his} right"), ("{his} eyes towards the right",)),
    "up": (("eyes looking up", "glancing upwards"), ("{his} eyes raised",)),
    "down": (("eyes looking down", "glancing downwards"), ("{his} eyes lowered",)),
}
HAIR: dict[str, Wordings] = {
    "bald": (("a bald head", "a shaved head"), ("no hair on {his} head",)),
    "buzz cut": (("a {colour} buzz cut", "very short {colour} hair"), ("closely cropped {colour} hair",)),
    "short": (("short {colour} hair", "a short {colour} haircut"), ("{colour} hair cut short",)),
    "side parted": (
        ("side-parted {colour} hair", "{colour} hair with a side part"),
        ("{colour} hair combed sideways",),
    ),
    "curly": (("curly {colour} hair", "short {colour} curls"), ("{colour} ringlets",)),
    "afro": (("a {colour} afro", "{colour} afro hair"), ("a big round {colour} afro",)),
    "bob": (("a {colour} bob", "chin-length {colour} hair"), ("{colour} hair in a bob cut",)),
    "long straight": (
        ("long straight {colour} hair", "long {colour} hair"),
        ("{colour} hair falling on {his} shoulders",),
    ),
    "long wavy": (
        ("long wavy {colour} hair", "wavy {colour} hair over {his} shoulders"),
        ("flowing {colour} waves",),
    ),
    "ponytail": (("{colour} hair in a ponytail", "a {colour} ponytail"), ("{colour} hair tied back",)),
    "bun": (("{colour} hair in a bun", "a {colour} bun"), ("{colour} hair pinned up",)),
}
BEARDS: dict[str, Wordings] = {
    "stubble": (("stubble", "a stubbly chin"), ("a few days of beard",)),
    "moustache": (("a moustache", "a mustache"), ("hair on {his} upper lip",)),
    "goatee": (("a goatee", "a small goatee beard"), ("a chin beard",)),
    "full beard": (("a full beard", "a beard"), ("a bushy beard",)),
}
GLASSES: dict[str, Wordings] = {
    "round": (("round glasses", "glasses"), ("circular spectacles",)),
    "rectangular": (("rectangular glasses", "glasses"), ("square spectacles",)),
}
ACTIONS: dict[str, Wordings] = {
    "still": (
        ("stays still", "holds still and looks at the camera", "barely moves", "remains motionless"),
        ("keeps perfectly still", "does not move"),
    ),
    "smile": (
        ("smiles", "breaks into a smile", "begins to smile", "smiles at the camera"),
        ("beams", "puts on a smile"),
    ),
    "laugh": (
        ("laughs", "bursts out laughing", "laughs out loud"),
        ("has a good laugh", "chuckles heartily"),
    ),
    "frown": (
        ("frowns", "begins to frown", "furrows {his} brow and frowns"),
        ("scowls", "knits {his} brows"),
    ),
    "surprised": (
        ("looks surprised", "reacts with surprise", "opens {his} eyes and mouth in surprise"),
        ("looks astonished", "gapes in amazement"),
    ),
    "talk": (
        ("talks", "speaks to the camera", "talks to the camera", "is speaking"),
        ("says something", "chats"),
    ),
    "open mouth": (("opens {his} mouth", "opens {his} mouth wide"), ("drops {his} jaw",)),
    "pout": (("pouts", "purses {his} lips", "makes a kissing face"), ("puckers {his} lips",)),
    "nod": (("nods", "nods {his} head", "nods in agreement"), ("gives a nod", "bobs {his} head up and down")),
    "shake head": (
        ("shakes {his} head", "shakes {his} head from side to side"),
        ("says no with {his} head",),
    ),
    "turn left": (
        ("turns {his} head to the left", "turns to {his} left", "turns {his} face to the left"),
        ("rotates {his} head leftwards",),
    ),
    "turn right": (
        ("turns {his} head to the right", "turns to {his} right", "turns {his} face to the right"),
        ("rotates {his} head rightwards",),
    ),
    "look up": (
        ("looks up", "raises {his} head", "lifts {his} chin and looks up"),
        ("tips {his} head back",),
    ),
    "look down": (
        ("looks down", "lowers {his} head", "drops {his} chin and looks down"),
        ("bows {his} head",),
    ),
    "tilt": (("tilts {his} head", "tilts {his} head to the side"), ("cocks {his} head",)),
    "gaze left": (
        ("glances to the left", "moves {his} eyes to the left", "looks left with {his} eyes"),
        ("casts a glance leftwards",),
    ),
    "gaze right": (
        ("glances to the right", "moves {his} eyes to the right", "looks right with {his} eyes"),
        ("casts a glance rightwards",),
    ),
    "gaze up": (
        ("glances up", "moves {his} eyes up", "rolls {his} eyes upwards"),
        ("casts {his} eyes skywards",),
    ),
    "gaze down": (
        ("glances down", "moves {his} eyes down", "lowers {his} gaze"),
        ("casts {his} eyes to the ground",),
    ),
    "raise brows": (("raises {his} eyebrows", "lifts {his} eyebrows"), ("arches {his} brows",)),
    "close eyes": (("closes {his} eyes", "shuts {his} eyes"), ("lets {his} eyes fall shut",)),
    "blink": (("blinks", "blinks {his} eyes"), ("bats {his} eyelids",)),
    "wave": (
        ("waves", "waves at the camera", "waves {his} hand", "waves hello"),
        ("greets the camera with a wave",),
    ),
    "raise hand": (("raises {his} hand", "lifts {his} hand", "raises a hand"), ("puts {his} hand up",)),
    "lean forward": (("leans forward", "leans towards the camera"), ("bends closer to the camera",)),
    "shrug": (("shrugs", "shrugs {his} shoulders"), ("gives a shrug",)),
    "walk": (("walks on the spot", "walks towards the camera"), ("strides along",)),
    "zoom in": (
        ("stays still while the camera zooms in", "holds still as the camera moves closer"),
        ("keeps still while the shot tightens",),
    ),
    "zoom out": (
        ("stays still while the camera zooms out", "holds still as the camera moves away"),
        ("keeps still while the shot widens",),
    ),
    "pan left": (
        ("stays still while the camera pans to the left", "holds still as the camera moves left"),
        ("keeps still while the camera drifts leftwards",),
    ),
    "pan right": (
        ("stays still while the camera pans to the right", "holds still as the camera moves right"),
        ("keeps still while the camera drifts rightwards",),
    ),
}
SPEED_WORDS: dict[str, Wordings] = {
    "slow": (("slowly", "gently"), ("unhurriedly",)),
    "fast": (("quickly", "briskly"), ("rapidly",)),
}
THEN: Wordings = (
    (", then", " and then", ", and after that", ", before {he}"),
    (", following which {he}", "; next {he}"),
)
# Sentences of a captioner about the place, by place; sounds and smells are there to be dropped.
SCENERY: dict[str, tuple[str, ...]] = {
    "studio": ("The background is plain and evenly lit.", "Nothing distracts from the subject."),
    "beach": ("Gentle waves roll onto the sand in the background.", "The sound of the sea can be heard."),
    "forest": ("Tall trees and green leaves fill the background.", "Birds are singing in the distance."),
    "city": ("Tall buildings rise in the background.", "The hum of traffic can be heard."),
    "office": (
        "A window with blinds and a shelf of binders can be seen behind.",
        "A keyboard clicks somewhere.",
    ),
    "night city": ("Lit windows glow in the dark skyline behind.", "The city is quiet at this hour."),
    "snowy mountains": ("Snow-covered peaks rise behind.", "The air looks crisp and cold."),
    "desert": ("Sand dunes stretch to the horizon.", "The air is hot and smells of dust."),
    "living room": ("A sofa, a lamp and a framed picture can be seen behind.", "A clock ticks softly."),
    "flower garden": (
        "Colorful flowers bloom everywhere in the background.",
        "The scent of flowers fills the air.",
    ),
    "library": ("Rows of books fill the shelves behind.", "The room smells of old paper."),
    "kitchen": ("Tiles and cupboards can be seen behind.", "The smell of coffee hangs in the air."),
    "brick wall": ("The wall behind shows rows of red bricks.", "The background stays simple."),
    "stage": ("Spotlights shine down in front of a heavy curtain.", "An audience murmurs somewhere."),
}
