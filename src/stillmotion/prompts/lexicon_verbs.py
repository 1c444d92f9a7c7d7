"""The verbs that the rules writer knows, by what they mean for a still; see `lexicon.py` for the rules of
these tables.
"""

from __future__ import annotations

from stillmotion.prompts.wordlist import words

SENSE_VERBS = words("hear listen sound overhear")
SOUND_VERBS = words("""
    chirp hum buzz echo ring crackle rustle murmur chatter honk bark howl whistle sing sizzle clatter
    clink creak thunder roar tick click beep crunch squeak screech squeal clack jingle chime rumble hiss hoot
    caw quack meow purr drone tweet waft permeate
""")
WEAR = words("wear sport don dress clothe outfit adorn accessorize bedeck drape wrap")
HAVE = words("""
    have feature boast display show include possess hold reveal carry contain
""")
HOLD = words("hold carry clutch grip cradle grasp hug embrace brandish")
POSTURE = words("""
    sit stand lie lean kneel crouch recline seat perch rest squat pose lounge
""")
SEEM = words("appear seem look remain stay feel become be keep")
EXPRESS = words("smile grin smirk frown beam pout scowl glower glare grimace sulk")
# Deeds that need nothing behind them, although each is a noun as well: "(a man in moody light) nods".
ALONE = words("""
    nod blink wink smile grin smirk frown shrug laugh chuckle giggle yawn talk speak pout scowl sigh shiver
    gasp sneeze cough laugh
""")
PUT_ON = words("don put slip pull adjust try button zip")
TAKE_OFF = words("remove take doff unbutton unzip lift")
SPEECH = words("""
    say tell speak talk explain discuss describe mention announce narrate recite mutter mumble reply
    answer ask whisper shout yell scream sing hum call greet chat think wonder remember imagine believe
    know understand express convey suggest indicate emphasize emphasise reflect contemplate ponder
    consider decide realize communicate demonstrate recount ruminate reminisce dream hope want need wish
    intend
""")
SCENE_VERBS = words("""
    feature show depict capture present portray display showcase highlight begin open start focus center
    centre follow reveal take unfold introduce see illustrate
""")
CHANGE = words("""
    start begin stop finish continue proceed try attempt manage seem appear keep go come get pause
""")
# With "outdoors", "downtown" behind them these tell where one goes or looks; all others where one is.
GOES = words("""
    go come head step rush hurry get return look gaze glance stare peer peek venture dash escape flee move
    race lead point gesture
""")
WALKS = words("""
    walk run jog stroll wander march stride turn jump hop leap sprint fly fall crawl creep tiptoe drive ride
    climb sneak slip storm bolt follow dart swim back
""")  # the same with "outside", "upstairs"
BRINGS = words("""
    bring take carry lead pull push throw toss drag send invite let usher call follow chase move put
""")
ACTIONS = words("""
    distract interrupt disturb bother attract glower
    miss skip muse nuzzle add adopt assemble bump bury chuck clamp cling coil cram deliver detach dim
    dispense divide expand explore flood halt insert install invite join massage outline plan possess prop
    refill request seize shorten solve spell steady submit summon switch tempt threaten treat use venture
    visit volunteer warn win witness sprint shuffle deal shear lace unlace tuck untuck roll unroll fasten
    click grin beam bat flutter crane swivel crook purr growl bare stifle spin walk run jog stroll stride
    step march wander pace approach enter leave exit arrive return cross climb descend ascend jump leap
    hop dance twirl turn rotate pivot twist bend bow lean stretch reach raise lift lower drop extend fold
    unfold uncross open close shut push pull press tap touch pat stroke rub scratch brush comb wipe wash
    clean dry fix adjust smooth tie untie button zip grab grasp catch throw toss kick punch hit strike
    swing wave nod shake tilt shrug wink blink squint stare gaze glance look peer peek watch observe see
    notice gesture point beckon signal clap applaud snap laugh giggle chuckle cry weep sob sigh gasp yawn
    sneeze cough breathe inhale exhale blow whistle smile smirk frown pout grimace wince scowl talk speak
    say tell sing hum whisper shout yell scream call chat explain discuss read write draw paint sketch
    type scroll text film record photograph eat drink sip taste chew bite swallow lick cook chop slice cut
    stir mix pour bake fry grill knead flip season serve sprinkle peel whisk play strum pluck drum perform
    juggle exercise train squat meditate pray sleep wake sit stand lie kneel crouch rise settle relax rest
    pause stop start begin continue finish hold carry put place set lay pick take give hand offer show
    bring fetch pass receive accept present wrap unwrap pack unpack fill empty load plant water dig rake
    sweep mop vacuum dust iron sew knit weave build hammer saw drill repair sculpt carve mold shape drive
    ride steer pedal park cycle skate ski surf swim dive float row sail fly glide slide skateboard fish
    hunt shoot aim fight box wrestle fence duel hug kiss embrace greet welcome salute toast cheer
    celebrate pet feed groom lead follow chase flee hide seek search find move shift sway rock bounce bob
    stumble trip fall slip tumble crawl duck dodge lunge charge wait work study think ponder wonder focus
    concentrate consider examine inspect admire appreciate enjoy savor savour react respond demonstrate
    practice practise rehearse prepare arrange organize organise decorate apply remove wear don unbutton
    unzip light extinguish burn spray squeeze crush tear rip crumple spread scatter collect gather count
    measure weigh check tick flick swipe plug unplug ring knock lock unlock slam buy sell pay order choose
    select compare try test teach instruct coach guide help assist support direct conduct command lecture
    narrate address announce proceed head emerge appear disappear vanish fade linger hover drift flow flap
    rustle ripple crash break shatter splash drip shine glow glimmer gleam sparkle twinkle flicker
    illuminate cast reflect shimmer stream filter bathe surround frame line tower loom overlook border
    cover adorn hang stack pile operate handle trace clench unclench wiggle wriggle flex curl straighten
    hunch slouch furrow purse pucker widen narrow soften brighten light-up tense tremble shiver shudder
    flinch freeze startle jolt dash rush hurry saunter strut tiptoe limp trudge hike trek trot gallop
    vault cartwheel somersault moonwalk shimmy groove headbang mime imitate mimic pretend pose model
    assume exhibit unveil reveal uncover shield protect block wield sheathe unsheathe thrust parry stab
    fire reload propose marry spit rinse gargle floss shave trim dab powder style braid dye listen hear
    smell sniff feel realize recognize remember recall forget imagine dream want need like love hate
    prefer hope wish expect seem become grow get make let have do go come stay remain keep send mail post
    share mouth lip-sync rap beatbox chant release seal stamp sign scribble doodle erase highlight
    underline circle mark note maintain engage interact exude emit express convey transition alternate end
    conclude zoom pan dolly track sport dress clothe face position seat perch lounge recline cradle clutch
    grip clasp interlace steeple unlatch whirl swirl stomp scoot nudge poke jab elbow wag pump hoist heave
    haul drag tug yank nibble munch gulp slurp swig devour feast dine brew steep grind strain drain boil
    simmer steam roast melt thaw peruse skim browse leaf thumb flip-through glare leer ogle behold spot
    spy scan survey ruminate daydream doze nap snore stare-down exclaim remark comment state declare
    proclaim insist argue debate negotiate apologize thank congratulate compliment jot calculate compute
    code program debug solder weld mend patch polish scrub wring stitch paddle kayak canoe snorkel bowl
    golf putt dribble dunk score volley pitch bunt tackle hurdle limber warm cool unfasten buckle unbuckle
    strap tighten loosen tip doff tread wade dip soak explode slow hesitate surface skid swerve scrape
    pipette billow race land grunt hurl fling lob loop lasso hitch splatter smear slather baste marinate
    skewer plate swish slosh ladle scoop spoon fork slit etch engrave chisel sandpaper nail screw unscrew
    bolt unbolt tape glue staple clip pin unpin hem crochet embroider retype double-tap print fax copy
    dial message log connect disconnect recharge prance frolic skitter trample stampede lurch teeter
    totter waddle hobble shamble sprawl flop collapse faint recover awaken rouse cower recoil cringe shy
    back retreat advance ambush gawk gape marvel blush fume rage seethe sulk mope brood wail whimper moan
    groan sniffle murmur mumble stutter stammer recite preach rant ramble gossip joke tease flirt caress
    fondle tickle pinch slap smack spank clobber whack thump pound unload unstack sort file shelve shred
    label tag price bag crate cart wheel ignite kindle snuff douse quench smolder blaze crumble deflate
    inflate orchestrate improvise serenade busk tune squeak stick screech squeal clack thud rev mount
    progress speed spritz dismount saddle shovel plow harvest sow reap prune juice whip drizzle garnish
    glaze sand varnish sharpen hone unfurl plop crank twitch quiver wobble stagger sag droop wilt perk
    glisten darken deepen redden pale cuddle scrunch contort suppress arch puff twiddle fidget fiddle
    knuckle rollerblade snowboard plod amble meander loiter lurk sneak creep slink prowl stalk scamper
    scurry bound spring pounce dangle abseil paraglide skydive parachute launch flash burst erupt crack
    form emanate radiate cascade sit-up push-up wink-at
""")
VERBS = (
    ACTIONS
    | WEAR
    | HAVE
    | HOLD
    | POSTURE
    | SEEM
    | EXPRESS
    | PUT_ON
    | TAKE_OFF
    | SPEECH
    | SENSE_VERBS
    | SOUND_VERBS
    | SCENE_VERBS
    | CHANGE
)
# Nouns first unless the grammar says otherwise ("the hand", not "to hand").
MOSTLY_NOUNS = words("""
    hand water light dress coat face color colour head back book table room park train plant paint fish
    box fence drum ring watch shape mouth model iron dust film fire form line bowl golf bat pitch bank
    style season text type set frame cover mark note state sign post circle fan fog rain snow rock bob
    tower border program code braid curl powder feature phone glass dream love hope world sport pet patch
    spot lounge saw match rest track pan record cook thumb elbow leaf hammer nail button drill trip class
    drink star paddle wrap sketch crack lock strap pump stamp groove stream pose smile outfit seat grill
    roast steam boil press
""")
