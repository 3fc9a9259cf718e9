"""Words for lines beside the corpus's own: little ones, common ones, and ones that nobody knows."""

import numpy as np

from corpus.vocabulary import WORDS

_LITTLE = """
the a i you we they he she it me my your our his her their its us them him this that these those and or but
if so as than then when while where what who how why of in on at to by for from with into onto upon over
under through not no all every some any each more most just only still yet even too very is am are was were
be been being do does did done don't can't won't i'm you're we're they're it's i'll you'll we'll i've you've
we've isn't wasn't didn't couldn't wouldn't that's there's here's let's who's what's can could will would
shall should may might must have has had got get gets go goes going went come comes came oh ooh yeah hey na
la
"""
_COMMON = """
able act add age ago agree air alarm album alley almost amber ancient ankle april arrow art ash august
autumn avenue awake bacon badge bag bake balcony balloon banner bare bark barn basket battle bay beach bean
beard beauty bee beg belong bench bend berry beside bet bike bill birch birth bit bite blade blank blaze
bless blind blink block blossom blush board bond border bore bounce bow bowl box brain branch brave breeze
brick bride brief brush bubble bucket bullet bundle bus bush busy butter button cabin cable cage cake camp
canyon cap captain carbon card carpet carve case cash castle cat cave cell cent center chalk champion
channel chapel chapter charm chart cheek cheer cherry chest chicken chief chill chimney choice choir chord
church cigarette cinder cinnamon circus clay cliff clip closet clown club clue coal coast coffee coin collar
comet common compass concrete confess cook cool copper coral corn cost cotton count couple courage cousin
cover cow crack cradle crash crawl cream creek creature crew crime crimson crisp crow cruel crumb crush
crystal cup curl curve daisy damage damp dare dash data dawn deal debt december deck deer delay delight deny
depth design desk detail dice diesel dig dim dine dip dish dive dock dog doll dolphin dose dot double dove
dozen draft dragon drain draw drawer drift drown drug dry duck due dull dusk duty eagle earn east eat ember
engine enter equal error event evil exit extra fabric fact fail fair fake fame fancy fare farm fashion fate
fault favor feed fellow fence fern ferry few fiction fifty fig file fill film final fish fist fit fix flag
flash flat fleet flesh flicker flip flood flour flute foam focus fog fold folk food force fork form fort
fortune fountain fox fragile frame freedom freeze fresh frost fruit fuel fun funny fur fury gain gamble gang
gap gate gather gaze gear gem genius giant giggle ginger glad glance gleam glide glitter globe glory glove
glue goal goat god goodbye goose grab grade grain grand grape gravel grave great greed greet grey grief grin
grip groove grow guard guest guide guilt gum gun gypsy habit hail hair hall hammer handle hang happen harm
harp harvest hat hate haunt hawk haze hazel heap heel height hell helmet hero hint hip history hit hobby
holiday hollow honor hood hook hop horizon horn hospital host hotel hug human humble hunt hurricane husband
hush hymn icy idea idle image inch infant ink inner invite ivory ivy jacket jail jam january jar jaw jazz
jealous jet jewel join joke journey joy judge juice july june jungle junior jury kick kid kill kingdom knee
kneel knight knot label lace lad lady lamp lane language lantern lark laughter laundry law lay lazy lean
leap leather ledge leg legend lend lesson level liberty lick lid limb lime limit linen link lip liquid load
loan lobby local lock log loop loosen lord loss lot lotus lover loyal lung luxury mad maiden mail main
manner maple marble march margin market marriage marry mask mass master match mate matter maze meadow meal
meat medal meet melt member mend mention menu merry mess metal meteor meter midnight might mild milk mill
million mine minor mint minute misty mix model modern monday monkey monster mood moss motel moth motion
motor mud mule murmur muscle myth nail naked narrow nation nature neck needle neighbor neon nerve nest net
nickel nod noon normal nose note notice novel november nurse oak oath obey object october odd offer office
oil olive onion opera orchard order organ origin outlaw oven owe owl oxygen oyster pace pack paddle palace
palm panic parade paradise pardon parent park parlor partner patient pattern pause pay peach peak pearl
pebble pen penny pepper perfect perfume permit pet petal piano pier pig pigeon pilot pin pine pink pint pipe
pirate pistol pit pitch pity plain planet plant plastic plate platform plum poem poet poison pole police
polish pond pony pool poor porch port portrait pot potion pound powder praise preach present press pride
priest prince print prison prize profit proof prove pulse pump punch puppet puzzle quake quarrel quarter
quill quilt quit quite quote rage rail raise ramble ranch range rank rare rat raven raw ray razor reason
rebel record reed reel reflect refuse region relief rely remain remedy remind rent repeat reply rescue
return reveal reward rhyme rhythm ribbon rice rich riddle ridge rifle ripe ripple risk ritual rival roam
roar rob robin robot rocket rode roller romance root rotten rough route row royal rubber ruby rude ruin rule
rumor rush rust sacred saddle sage sailor saint salad salmon saloon salt salute sample satin saturday sauce
savior scale scar scarf scarlet scatter scene scent school science scratch screen script seal seat seed seek
seldom self sell send sense serious servant seventy shade shaft shallow shame shark sharp shed sheep sheet
shelf shell shepherd shield shift shirt shiver shock shop shot shove shower shrine shrug shuffle shut shy
sigh sight signal silk silly sin sink siren sit size skate sketch skill skip skull slam slap slave sled
sleeve slice slide slim slip slope slumber smart smash smell smoke smooth snake snap snare sneak soap sober
society sock soda sofa soil solar solid sorrowful sort sour spade spare sparrow spell spend spice spider
spill spine spiral spirit spit splash split spoil spoon sport spot spread sprinkle square squeeze stable
stack stage stain stair stake stale stamp staple stare state statue steam steel steep stem stereo stick
stiff sting stir stitch stolen stool storm stove straight strain strand straw stream strength stretch strike
string strip stroke struggle stubborn student studio stumble style subway sudden suffer sugar suit sunday
sunrise sunset supper surf surface surprise suspect swallow swamp swan swear sweat sweep swell swift swing
sword symbol symphony syrup tail tailor tale tame tangle tank tap tape target taxi teach teacher team tease
teeth telephone temple tempo tempt tent term test text theater theme thick thief thin thorn thread threat
throat throne throw thumb thursday ticket tie tiger tight timber tin tip title toast tomb ton tongue tool
tooth torch torn torture toss total tough tour towel toy trace track trade trail trap treasure treat trial
tribe trick trip triumph truck trumpet trunk trunks tube tuesday tulip tumble tune tunnel turtle twice twin
twist ugly umbrella uncle undo union unit unknown untold upper urge use useful usual vacant vain van vanish
vapor vase vault veil vein venom vessel victim victory view village vine vinyl virtue vision visit vital
vivid vocal void volcano vote vow voyage wage wagon waist wallet waltz wander wasp waste weapon weave web
wedding wednesday weed weekend weep weight welcome wet whale wheat whip whiskey whistle widow wife willow
win wipe wire wise wit witch witness wizard wolf wool worm worn worse worth wound wrap wreck wren wrist yard
yarn yell yield zebra zone
"""
_ONSETS = """
b bl br c ch cl cr d dr f fl fr g gl gr h j k kn l m n p ph pl pr qu r s sc sh sk sl sm sn sp spr st str sw
t th tr tw v w wh y z
"""
_NUCLEI = "a a a e e e i i i o o o u u ai ay ea ee ie oa oo ou ow oi oy au aw ey ue ar er ir or ur igh"
_CODAS = """
b ck d ft g k l ld ll lm lt m mp n nd ng nk nt p r s sh sk ss st t th tch x ve se te ke ne me le ce ge
"""
_ENDINGS = ("s", "ing", "ed", "er", "ly", "less", "ness", "y")
LITTLE, COMMON = tuple(_LITTLE.split()), (*WORDS, *_COMMON.split())
_PARTS = tuple(_ONSETS.split()), tuple(_NUCLEI.split()), tuple(_CODAS.split())
_SHARES = (0.4, 0.75, 0.87)
"""Up to where a number below 1 draws a little word, a common one, one with an ending; else it is invented."""
_LONGEST = 3
"""Syllables of what is invented."""


def word(rng: np.random.Generator) -> str:
    """One English word, or what could be one."""
    kind = rng.random()
    if kind < _SHARES[0]:
        return _any(rng, LITTLE)
    if kind < _SHARES[1]:
        return _any(rng, COMMON)
    if kind < _SHARES[2]:
        return _ended(_any(rng, COMMON), _any(rng, _ENDINGS))
    return "".join(_invented(rng) for _ in range(int(rng.integers(1, _LONGEST + 1))))


def _invented(rng: np.random.Generator) -> str:
    """A syllable as it may be spelt."""
    onset, nucleus, coda = (_any(rng, some) for some in _PARTS)
    return (onset if rng.random() < 0.85 else "") + nucleus + (coda if rng.random() < 0.6 else "")


def _ended(stem: str, ending: str) -> str:
    if stem.endswith("e") and ending[0] in "eiy":
        return stem[:-1] + ending
    if stem.endswith("y") and ending[0] in "esln" and len(stem) > 2:
        return f"{stem[:-1]}i{'es' if ending == 's' else ending}"
    return stem + ending


def _any(rng: np.random.Generator, some: tuple[str, ...]) -> str:
    return some[int(rng.integers(len(some)))]
