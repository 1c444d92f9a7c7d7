"""The words that the rules writer knows: data only, no logic.

Every table is a frozenset of lower-case lemmas (singular nouns, base verbs), so that growing the lexicon
means adding a word to a line. Morphology (plurals, -ing, -ed) belongs to `morphology.py`; grammar belongs
to `tagging.py`. A word may stand in a noun table and in a verb table at once: the tagger decides from the
context. A noun in several tables belongs to the first one of `NOUN_CLASSES` that has it.
"""

from __future__ import annotations

from stillmotion.prompts.wordlist import words

# --- closed classes -------------------------------------------------------------------------------

DETERMINERS = words("""
    a an the this that these those some any each every another both either all no several few many much
    most such what its our your
""")
INDEFINITE = words("a an one some another")
POSSESSIVES = words("my your his her its our their whose")
NUMBERS = words("""
    one two three four five six seven eight nine ten eleven twelve twenty thirty forty fifty hundred dozen
    second third fourth fifth first couple pair
""")
SUBJECT_PRONOUNS = words("""
    i he she they we you it who someone somebody everyone everybody nobody anyone anybody
""")
OBJECT_PRONOUNS = words("""
    me him them us himself herself themselves myself itself themself yourself something anything
    everything nothing
""")
PREPOSITIONS = words("""
    in on at by with without of from to into onto over under above below behind beside besides between
    beneath against along across through throughout around near toward towards outside inside amid amidst
    among amongst atop beyond past during for about after before until off up down upon within via like
    despite except opposite underneath alongside featuring including since per next
""")
COORDINATORS = words("and or but then nor yet plus &")
SUBORDINATORS = words("""
    while as when whenever because so if though although once where until before after since whereas that
    which whilst unless how why
""")
RELATIVES = words("who which that whose whom")
AUXILIARIES = words("""
    is are was were be been being am has have had do does did will would can could shall should may might
    must 's 're 'm 've 'll isn't aren't wasn't weren't doesn't don't didn't hasn't haven't won't can't
    cannot couldn't wouldn't shouldn't
""")
BE_FORMS = words("is are was were be been being am 's 're 'm isn't aren't wasn't weren't")
MODALS = words("""
    do does did will would can could shall should may might must 'll to don't doesn't didn't won't can't
    cannot couldn't wouldn't shouldn't let's
""")
_DIRECTIONS = words("""
    left right up down in out on for back home sky heaven earth ground sea land wind north south east west
    after
""")
PLACE_ADVERBS = words("""
    downtown uptown indoors outdoors inside outside upstairs downstairs backstage onstage underwater ashore
""")
WAYS = words("inside outside upstairs downstairs backstage onstage ashore")  # where one goes, as often as is
ADVERBS = words("""
    then now very too also still just again away back left right here there together apart once twice
    first next finally later soon suddenly almost quite rather slightly even ever never always often
    sometimes not only more less somewhat maybe perhaps meanwhile eventually occasionally overhead nearby
    throughout so however instead initially sideways edgeways lengthways crosswise ahead
    aside around straight well fast hard close up down out in off over aloud home everywhere somewhere
    anywhere clockwise counterclockwise anticlockwise underfoot closer further farther
    higher faster slower half mid-air briefly directly long enough already otherwise
""") | {stem + ending for stem in _DIRECTIONS for ending in ("ward", "wards")}
ADVERBS |= PLACE_ADVERBS - {"inside", "outside"}  # those two are prepositions before a noun
# Function words of other languages: a prompt with more of these than of English ones is kept as it is.
FOREIGN_WORDS = words("""
    der die das ein eine einen einem einer und mit im ist trägt auf sie er sich dann dem den des le la les
    un une et avec dans elle il est sur du au aux qui puis el los las una y con en lleva que su por del al
    lo gli e di che nella nel sul mentre uma um o os na no com ela ele de da do em een het van met zij hij
    jest w z i się ona on kobieta mężczyzna bir ve ile
""")

# --- people ---------------------------------------------------------------------------------------

FEMALE = words("""
    woman girl lady female mother mom daughter sister wife girlfriend grandmother grandma bride actress
    waitress queen princess businesswoman saleswoman schoolgirl ballerina heroine hostess nun aunt niece
    cowgirl sportswoman policewoman stewardess widow goddess duchess empress she her herself hers gal
""")
MALE = words("""
    man boy guy gentleman male father dad son brother husband boyfriend grandfather grandpa groom actor
    waiter king prince businessman salesman schoolboy hero monk uncle nephew cowboy sportsman policeman
    fireman fisherman craftsman widower god duke emperor he him his himself bloke lad fellow
""")
GENERIC_PEOPLE = words("""
    man woman person individual someone somebody human guy lady gentleman gal male female subject figure
    protagonist character one lad fellow bloke adult he she they i you
""")
YOUTH = words("""
    girl boy child kid teenager teen youth toddler baby schoolgirl schoolboy youngster
""")
OCCUPATIONS = words("""
    chef cook doctor nurse teacher student firefighter policeman policewoman officer soldier pilot
    engineer scientist artist painter musician guitarist pianist violinist drummer singer dancer ballerina
    athlete runner boxer swimmer climber skater surfer skier cyclist footballer player barista bartender
    waiter waitress farmer gardener fisherman fireman baker butcher carpenter mechanic electrician plumber
    worker builder potter tailor hairdresser barber journalist reporter presenter host hostess speaker
    lecturer professor lawyer judge businessman businesswoman executive manager secretary programmer
    developer designer photographer model actor actress magician clown king queen prince princess knight
    wizard witch warrior samurai ninja pirate astronaut detective spy monk nun priest bride groom
    librarian cashier salesman saleswoman vendor shopkeeper driver sailor captain traveler traveller
    tourist hiker backpacker surgeon dentist veterinarian vet vlogger influencer blogger gamer conductor
    sculptor blacksmith jogger yogi instructor coach trainer skateboarder rider equestrian cowboy cowgirl
    hero heroine craftsman weaver florist archaeologist chemist researcher guard bodyguard hunter archer
    fencer wrestler gymnast acrobat juggler rapper dj busker poet writer author editor performer merchant
    courtier surveyor architect accountant biker motorcyclist saxophonist cellist flutist trumpeter
    vocalist orator preacher bishop pope sorcerer elf vampire zombie superhero villain goddess paramedic
    ranger lumberjack miner welder glassblower seamstress cobbler stylist waitstaff steward goalkeeper
    referee jockey racer sprinter skydiver parachutist birdwatcher shepherd herder peasant entrepreneur
    pensioner retiree rocker punk goth hippie dandy receptionist scholar explorer mountaineer diver
    lifeguard beekeeper sommelier watchmaker
""")
RELATIVES_OF = words("""
    mother mom father dad daughter son sister brother wife husband grandmother grandma grandfather grandpa
    aunt uncle niece nephew girlfriend boyfriend parent sibling friend partner colleague neighbor
    neighbour teammate coworker classmate customer client guest companion
""")
GROUPS = words("""
    people crowd audience group couple family team children passersby bystander passerby pedestrian
    onlooker spectator stranger shopper commuter tourist band class public patron fan folk courtier
    merchant villager neighbor reveler dancer protester soldier others men women kids friends officer crew
    viewer listener
""")
PEOPLE = FEMALE | MALE | GENERIC_PEOPLE | YOUTH | OCCUPATIONS | RELATIVES_OF | GROUPS
# A woman who is called a waiter, a man who is called a waitress: the subject wins, the trade stays.
GENDER_TWINS = {
    "waitress": "waiter",
    "actress": "actor",
    "businesswoman": "businessman",
    "saleswoman": "salesman",
    "policewoman": "policeman",
    "hostess": "host",
    "heroine": "hero",
    "queen": "king",
    "princess": "prince",
    "bride": "groom",
    "cowgirl": "cowboy",
    "sportswoman": "sportsman",
    "girl": "boy",
    "schoolgirl": "schoolboy",
    "woman": "man",
    "lady": "gentleman",
    "female": "male",
    "mother": "father",
    "mom": "dad",
    "daughter": "son",
    "sister": "brother",
    "wife": "husband",
    "grandmother": "grandfather",
    "grandma": "grandpa",
    "aunt": "uncle",
    "niece": "nephew",
    "gal": "guy",
}

# --- what a still shows ---------------------------------------------------------------------------

# What grows on a head: it comes by measure ("a mop of curls") and with a cut ("hair combed back").
HAIR = words("""
    hair beard moustache mustache goatee stubble curl braid lock tress ringlet dreadlock cornrow fringe
    ponytail pigtail bun whisker sideburn mane afro plait bristle
""")
FACE_FEATURES = HAIR | words("""
    eye eyes eyebrow brow lash eyelash freckle dimple wrinkle
    scar mole tattoo bang bangs bob hairstyle
    hairdo haircut skin complexion cheek cheekbone jaw jawline lip nose forehead face makeup
    make-up lipstick eyeliner eyeshadow mascara blush ear chin feature mohawk buzzcut crewcut hairline tan
    buzz-cut crew-cut pixie-cut bowl-cut build physique quiff mullet bouffant beehive topknot chignon updo
    tooth teeth highlight undercut
""")
GARMENTS = words("""
    shirt t-shirt tshirt tee blouse sweater jumper pullover cardigan hoodie sweatshirt jacket blazer coat
    overcoat raincoat trenchcoat parka vest waistcoat suit tuxedo dress gown skirt robe kimono sari saree
    hanbok qipao abaya niqab burqa chador cheongsam tunic top crop-top tank tanktop polo turtleneck jersey
    uniform apron overalls jumpsuit romper v-neck crew-neck pants trousers jeans shorts leggings tights
    pajamas pyjamas nightgown bathrobe swimsuit bikini trunks wetsuit spacesuit armor armour cloak cape
    poncho shawl scarf tie necktie bowtie bow-tie collar sleeve hood glove mitten hat cap beanie beret
    fedora helmet headband bandana turban hijab veil crown tiara headscarf glasses eyeglasses spectacles
    sunglasses goggles mask earring necklace pendant bracelet watch wristwatch ring brooch badge headphone
    headphones earphone earbud headset belt suspenders outfit clothes clothing attire costume garment
    outerwear tracksuit leotard tutu windbreaker denim corset bra lingerie bodysuit dungarees sweatpants
    chinos khakis cravat pin visor sombrero choker anklet scrubs lanyard button-up button-down stole
    peacoat bomber puffer anorak tailcoat toga kilt lab-coat jewelry jewellery accessory bow ribbon
    hairpin barrette hairband hairclip earmuff earmuffs monocle eyepatch lens-less ensemble hoop
    tank-top singlet camisole kaftan caftan kurta sherwani dupatta hakama yukata backpack rucksack handbag
    purse satchel sash sundress minidress miniskirt shawls epaulette vestments
    roll-neck polo-neck mock-neck turtle-neck cowl-neck twinset gilet cagoule bodice pinafore smock
    blouson frock pantsuit bib oilskin overshirt doublet jerkin topcoat dungaree bonnet balaclava snood
""")
GARMENT_PARTS = words("""
    collar sleeve hood button pocket strap cuff lapel zip zipper trim lining stripe dot polka-dot logo
    print pattern neckline hem frill ruffle lace embroidery toggle patch epaulette fringe pleat
    shoulder-pad drawstring border edge edging piping
""")
FOOTWEAR = words("""
    shoe sneaker boot sandal heel heels slipper sock stocking foot feet toe ankle flip-flop loafer trainer
    footwear moccasin clog stiletto pump cleat sole footstep
""")
# Garment words that are worn only when the context says so.
ONLY_IF_WORN = words("""
    top tank tie ring mask pin crown collar sleeve hood lock bow ribbon watch trainer pump helmet cap belt
    uniform denim bomber backpack handbag purse rucksack satchel veil accessory hoop
""")
BODY_PARTS = words("""
    hand arm forearm bicep knuckle collarbone finger fist palm wrist elbow shoulder head neck chest back
    waist hip leg knee thigh torso
    body mouth tongue thumb fingertip nail lap heart stomach belly side upper-body limb muscle posture
    silhouette hands
""")
EXPRESSIONS = words("""
    smile grin smirk frown expression gaze look stare glare scowl pout demeanor demeanour countenance
""")
PLACES = words("""
    kitchen room bedroom bathroom office studio cafe café coffeehouse restaurant bar pub street road alley
    sidewalk pavement park garden forest wood woods jungle beach shore seashore seaside coast ocean sea
    lake river waterfall mountain hill valley desert field meadow farm barn village town city cityscape
    skyline downtown building house home apartment balcony terrace patio rooftop roof porch yard backyard
    courtyard library bookstore bookshop classroom school university campus museum gallery theater theatre
    cinema stage concert stadium gym arena court pool hospital clinic laboratory lab workshop garage
    factory warehouse shop store supermarket market mall airport station train subway bus car taxi plane
    cockpit boat ship harbor harbour dock pier bridge tunnel hallway corridor lobby elevator staircase
    stairway stairs church temple cathedral castle palace tower plaza square fountain playground zoo
    greenhouse vineyard orchard cliff cave island dune canyon glacier wall window door doorway background
    backdrop setting environment scene landscape scenery interior space area corner sky horizon greenery
    countryside suburb neighborhood neighbourhood hotel lounge attic basement cellar closet bakery salon
    barbershop diner canteen cafeteria bench sofa couch armchair bed ground floor grass lawn path trail
    railway track platform runway ruins pavilion cabin cottage hut tent campsite bonfire fireplace
    surroundings location spot place venue set boxing-ring boulevard avenue highway intersection crosswalk
    carnival fairground festival wilderness savanna savannah tundra swamp marsh pond stream riverbank
    lakeside waterfront promenade boardwalk deck spaceship spacecraft planet moon mars galaxy universe
    bookshelf bookcase shelf shelves curtain counter countertop table desk podium lectern chair stool
    swing hammock fence gate railing hillside ridge summit peak slope observatory planetarium aquarium
    cubicle boardroom lecture-hall hall auditorium dressing-room pottery atelier dojo ballroom nightclub
    club casino shrine monastery call-center shopping-center city-center fitness-center community-center
    bus-stop train-station gas-station parking-lot swimming-pool throne newsroom booth kiosk stall bazaar
    canoe kayak submarine convertible limousine helicopter gondola carriage tram bath
    trench battlefield ring rink conservatory veranda foyer parlor parlour
    workplace workspace workroom workstation headquarters bureau courtroom archive chapel schoolroom pharmacy
    shoreline coastline beachfront oceanfront seafront lakeshore riverside poolside quayside quay jetty marina
    bay cove lagoon sandbar atoll woodland woodlands grove copse thicket rainforest glade undergrowth
    arboretum
    parkland campground treehouse creek piazza marketplace metropolis skyscraper suburbs courthouse alleyway
    penthouse chalet snowfield mountaintop mountainside hilltop clifftop ridgeline fjord volcano glacier oasis
    wasteland badlands gorge prairie steppe outback scrubland quarry condo loft bungalow farmhouse villa
    mansion
    manor dormitory playroom sunroom tearoom tavern bistro hostel boudoir flowerbed glasshouse orangery
    pasture
    grassland farmland cornfield gazebo pergola kitchenette pantry larder scullery bakehouse delicatessen deli
    pizzeria brickwork playhouse discotheque dancefloor catwalk cabaret bandstand photobooth soundstage
""")
LIGHT = words("""
    light lighting sunlight moonlight daylight candlelight lamplight firelight starlight glow sunset
    sunrise dusk dawn twilight night evening morning afternoon noon midday midnight sun shadow neon lamp
    lantern candle spotlight backlight backlighting haze fog mist rain snow storm cloud clouds sunbeam ray
    beam shade hour weather day snowfall rainfall snowflake raindrop drizzle overcast autumn winter summer
    spring season ambience atmosphere mood darkness reflection streetlight headlight rim-light silhouette
    blizzard thunderstorm lightning rainbow
""")
WEAK_LIGHT = words("""
    day mood atmosphere ambience hour season shade ray beam weather light lighting morning spring night
    evening afternoon shadow reflection
""")  # say nothing without an adjective (or "at")
# What gives light: lit by it, or under it, one is in its light.
LAMPS = words("""
    lamp lantern candle spotlight neon streetlight streetlamp headlight sign signboard tube bulb torch
    chandelier sconce floodlight screen monitor billboard led fire campfire bonfire fireplace hearth flame
    ember moon sun star light candlelight firelight flashlight strip beacon footlight
""")
# What a face may show.
FEELINGS = words("""
    joy sadness anger happiness surprise amazement astonishment shock fear disbelief delight amusement sorrow
    grief rage fury laughter tear tears despair awe wonder horror terror disgust annoyance calm calmness peace
    serenity contentment glee mirth pride confusion worry concern irritation misery melancholy
""")
STYLE = words("""
    bokeh film grain photo photograph portrait painting anime watercolor watercolour cartoon photorealism
    realism photography sepia monochrome palette tone hue texture contrast vignette
""")
STYLE_ADJECTIVES = words("""
    cinematic photorealistic realistic hyperrealistic black-and-white monochrome vintage retro film-noir
    noir documentary-style high-quality 4k 8k hd ultra-detailed masterpiece dreamy minimalist futuristic
    cyberpunk steampunk
""")
CAMERA = words("""
    camera shot close-up closeup video clip footage frame lens angle zoom pan tilt cut take sequence scene
    perspective viewpoint view focus foreground image picture viewer cameraman film movie recording depth
    composition shutter exposure resolution fps aspect cinematography timelapse close-ups audience vlog
    animation dolly crane tracking panning tilting zooming medium-shot wide-shot headshot start end
    beginning rest
""")

# --- what a still cannot show ---------------------------------------------------------------------

SOUNDS = words("""
    sound noise music song melody tune voice whisper laughter hum humming buzz chirp chirping rustle
    rustling murmur chatter applause echo ringing thunder roar silence beat rhythm soundtrack clatter
    clink clang creak crackle splash siren honk bark bang scream shout cry sizzle click ticking tone lyric
    lyrics harmony chime jingle audio tick hiss rumble whistle birdsong conversation speech sigh clap
    cheer giggle chuckle laugh groan gasp purr howl drone strum clapping cheering barking honking rattle
    thud note volume acoustics narration dialogue
""")
SMELLS = words("""
    smell scent aroma fragrance odor odour perfume stench whiff taste flavor flavour incense warmth breeze
    heat cold chill temperature bouquet-scent wind
""")
SOUND_SMELL_ADJECTIVES = words("""
    crackling noisy fragrant aromatic scented loud musical sizzling rustling chirping humming buzzing
    ringing sweet-smelling delicious tasty melodic echoing whistling roaring audible barking chattering
    clinking creaking perfumed pungent smelly crunchy silent deafening rhythmic fresh-smelling singing
    quiet-voiced crashing squeaky jingling honking hooting purring bubbling thunderous
""")
ABSTRACT = words("""
    colour color way time moment second minute hour manner sense feeling thought idea mind memory
    attention energy joy
    sadness anger happiness surprise excitement curiosity fear love hope peace calm calmness confidence
    concentration interest story topic subject-matter experience life lives world work job task thing
    point part bit lot kind type sort series number amount result reason question answer word name message
    news matter fact case example detail pace speed rhythm motion movement gesture action activity process
    step turn direction position pose stance posture balance control effect impression presence contrast
    attempt effort purpose practice routine performance presentation talk discussion meeting lesson party
    holiday vacation celebration birthday wedding trip journey adventure anticipation determination
    frustration delight amusement pride grace elegance ease care emphasis focus silence intensity pleasure
    relief warmth satisfaction contentment emotion nervousness tension reaction transition quality style
    vibe air aura theme concept context addition distance height length rate order end start beginning
    middle rest while awhile today tomorrow yesterday week month year age something anything nothing
    everything wonder awe enthusiasm passion strength power force pain comfort support help advice opinion
    plan conversation information content review tutorial interview mid-thirties twenties thirties forties
    fifties sixties seventies eighties teens twenty thirty forty fifty sixty seventy eighty mid-thirty
    mid-twenty mid-forty early late front top bottom edge center centre left right behind appearance
    overall eye-contact contact seconds throughout gravity spirit dignity tranquility serenity solitude
    stillness reverie disbelief approval agreement disapproval greeting farewell goodbye hello spell feel
    drag podcast formula solo toast thanks welcome prayer thinking reflection-of-mind laughter tear tears
    sweat breath air-kiss dream charm background-noise mystery tale poem script line role exercise workout
    drill game match race tempo descent origin heritage ancestry stature instruction command
    ingredient-list recipe weight
""")
ACTION_NOUNS = words("""
    sip step look glance breath bow nod turn bite break wave walk run jump kick punch dance spin twirl
    stretch hug kiss wink shrug clap laugh sigh pause stop move movement gesture swing stroke peek
    drink-up stroll jog leap hop stride shake touch tap push pull lift thumbs-up selfie stand seat sitting
    rest nap shot blow throw catch pitch roll flip slide handshake high-five toast cheer dive lap stare
    gaze smile grin giggle gulp lick chew swallow yawn sneeze cough swirl rotation pirouette salute
    fist-pump curtsy jab hook uppercut thumb sign peace-sign motion try go round set rep push-up squat
    lunge scratch pat rub wipe
""")

MATERIALS = words("""
    leather silk cotton wool denim linen velvet lace marble stone brick metal wood steel paper plastic
    straw fur concrete satin tweed cashmere corduroy flannel fleece nylon chiffon suede canvas porcelain
    crystal
""")

# Everyday things. They need no class; listed, they are not mistaken for names, verbs or feelings.
OBJECTS = words("""
    smoke spark steam water wave leaf tree flower plant grass petal branch rock boulder sand mud dirt
    puddle ice bird dog cat horse cow sheep seagull butterfly insect bee fish pigeon duck swan rabbit
    squirrel deer cup mug glass bottle bowl plate fork spoon knife pan pot kettle teapot tray basket bag
    box suitcase briefcase umbrella cane stick rope ladder tool hammer saw drill wrench screwdriver brush
    paintbrush canvas easel pen pencil notebook book newspaper magazine letter envelope paper map phone
    smartphone laptop tablet computer keyboard monitor screen television tv camera microphone speaker
    guitar piano violin cello drum trumpet saxophone flute ball racket bat glove bicycle bike motorcycle
    scooter skateboard surfboard truck van tractor wheel engine gun rifle sword shield axe bow arrow spear
    wand staff scepter torch flashlight lighter match cigarette cigar pipe ashtray bread cake pie cookie
    pizza burger sandwich salad soup noodle rice pasta steak egg cheese fruit apple orange lemon lime
    banana grape berry strawberry cherry peach pear melon watermelon pineapple mango vegetable carrot
    onion tomato potato pepper garlic mushroom coffee tea juice wine beer cocktail champagne milk espresso
    cappuccino latte cocoa chocolate candy popcorn dough flour salt sugar herb rose tulip daisy lily
    sunflower bouquet vase rug carpet pillow cushion blanket towel mirror clock picture poster chalkboard
    blackboard whiteboard chart globe toy doll teddy balloon gift present candle chandelier statue
    sculpture coin money ticket card key wallet parcel package brick flag banner sign billboard cart wagon
    barrel crate bucket broom mop vacuum oven stove fridge refrigerator sink faucet toilet bathtub shower
    stool throne wheelchair cradle crib
""")

# First class wins; a noun found nowhere is an object.
NOUN_CLASSES: tuple[tuple[str, frozenset[str]], ...] = (
    ("footwear", FOOTWEAR),
    ("person", PEOPLE),
    ("garment", GARMENTS),
    ("face", FACE_FEATURES),
    ("expression", EXPRESSIONS),
    ("body", BODY_PARTS),
    ("sound", SOUNDS),
    ("smell", SMELLS),
    ("place", PLACES),
    ("light", LIGHT),
    ("camera", CAMERA),
    ("style", STYLE),
    ("abstract", ABSTRACT | FEELINGS),
    ("action", ACTION_NOUNS),
    ("material", MATERIALS),
    ("object", OBJECTS),
)

# --- adjectives -----------------------------------------------------------------------------------

AGE = words("""
    young old elderly middle-aged aged ageing aging senior teenage adult youthful mature older younger
    little
""")
# Colours that another word shades: "lemon yellow", "steel grey", "Prussian blue".
HUES = words("""
    red blue green yellow orange purple pink brown black white gray grey beige teal turquoise violet
    magenta blond blonde auburn gold silver crimson scarlet burgundy maroon navy khaki bronze
""")
COLORS = HUES | words("""
    cream tan golden olive ivory charcoal lavender
    indigo coral emerald amber brunette ginger hazel dark light pale bright lilac mauve fuchsia
    multicolored colorful colourful pastel rose mustard peach mint plum rust copper
    platinum raven chestnut salt-and-pepper graying greying navy-blue sky-blue dark-blue light-blue
    dark-brown dark-green
""")
LOOKS_ADJECTIVES = words("""
    bald balding bearded stubbled clean-shaven freckled tattooed muscular slim slender tall short petite
    stocky athletic
    lean skinny handsome beautiful pretty attractive elegant stylish blond blonde brunette red-haired
    dark-haired long-haired short-haired curly-haired grey-haired gray-haired white-haired blue-eyed
    brown-eyed green-eyed bespectacled mustached moustached asian african european caucasian hispanic
    latino latina indian chinese japanese korean arab british french italian spanish german russian
    scottish irish american mexican african-american black-haired rugged wrinkled tanned
    well-dressed barefaced fair-skinned dark-skinned redheaded red-headed bareheaded pale gray-bearded
    grey-bearded broad-shouldered sweaty shirtless unshaven disheveled dishevelled
""")
MOOD_ADJECTIVES = words("""
    happy sad angry calm serene peaceful relaxed thoughtful pensive serious focused determined confident
    joyful cheerful content contented surprised shocked worried anxious nervous tired exhausted bored
    curious excited proud shy gentle warm friendly stern neutral solemn melancholic wistful amused playful
    dreamy concentrated contemplative attentive composed expressionless somber sombre elated delighted
    gloomy grumpy annoyed frustrated puzzled confused skeptical sceptical hopeful tense upset enthusiastic
    mischievous bright subtle slight faint soft broad wide radiant intense stoic enigmatic engaged intent
    absorbed tranquil terrified scared frightened furious tearful
    startled stunned astounded bewildered perplexed alarmed cheery joyous gleeful ecstatic overjoyed glum
    downcast despondent irritated enraged irate sullen displeased disappointed heartbroken impassive deadpan
    sorrowful unhappy mournful miserable dejected forlorn astonished amazed
""")
ADJECTIVES = (
    AGE
    | COLORS
    | LOOKS_ADJECTIVES
    | MOOD_ADJECTIVES
    | STYLE_ADJECTIVES
    | SOUND_SMELL_ADJECTIVES
    | words("""
    big small large huge tiny long short high low wide narrow thick thin deep shallow full empty open
    closed shut clear cloudy sunny rainy snowy foggy misty windy stormy overcast hot cold warm cool soft
    hard
    smooth rough shiny matte glossy round square flat straight curly wavy messy neat tidy loose tight new
    old modern ancient rustic cozy cosy spacious crowded busy quiet dim dimly bright dark well-lit sunlit
    moonlit candlelit backlit natural artificial wooden metal leather silk cotton wool woolen denim linen
    velvet lace knit knitted woven striped plaid checkered floral polka-dot patterned plain simple formal
    casual fancy traditional oversized fitted sleeveless long-sleeved short-sleeved v-neck crew-neck
    turtleneck high-necked off-shoulder knee-length floor-length strapless tailored worn faded ripped
    clean dirty wet dry fresh white-walled urban rural tropical indoor outdoor public private main same
    other different various lush green beautiful stunning good great nice fine own only whole entire left
    right upper lower front rear top bottom several many few more most certain particular slow fast quick
    steady sudden careful slight visible blurred blurry out-of-focus lively vibrant dramatic warm-toned
    single double solid sleek minimalistic luxurious lavish ornate elegant delicate gentle light heavy
    crisp blue-ish medium shoulder-length waist-length chin-length ear-length close-cropped slicked-back
    harsh stark
    tousled unkempt braided plaited tied parted bushy arched rosy chiseled glowing sparkling twinkling
    shimmering gleaming blooming colorful stained wood brick stone marble concrete glass steel paper
    plastic gold-rimmed thin-rimmed wire-rimmed round-framed black-rimmed thick-rimmed rimless reflective
    quaint majestic distant nearby abandoned deserted vast bustling ready alone still upright able aware
    first last final second-hand antique victorian gothic medieval bohemian boho chic preppy sporty
    military nautical beaded embroidered sequined sparkly hooded belted double-breasted single-breasted
    pleated ruffled layered cropped padded quilted fur furry fluffy dusty sandy rocky grassy mossy leafy
    hazy murky shadowy smoky steamy gloomy airy breezy chilly frosty icy starry stony earthy glittery
    silky satiny fuzzy chunky baggy slinky skimpy flowery golden-hour roomy leathery weathered chapped
    calloused gloved gnarled veiny manicured inviting festive serene eerie mysterious even uneven asleep
    awake sharp flat-brimmed wide-brimmed heavy-set straw electric acoustic grand
""")
)
