"""Genre families as data: tempo, groove, playing styles and the instruments nobody had to name."""

from collections.abc import Mapping
from dataclasses import dataclass, field

Groove = Mapping[str, str]
"""By drum sixteen steps of a bar: `X` loud, `x` normal, `o` soft, `.` nothing."""


@dataclass(frozen=True, slots=True)
class Family:
    """How one family of genres is played."""

    name: str
    tempo: tuple[int, int]
    """Usual beats per minute."""
    kit: str
    verse: Groove
    chorus: Groove
    chords: str
    """Instruments by role, where the description names none."""
    bass: str
    lead: str
    texture: str
    comp: tuple[str, str]
    """Sixteen steps at which the chord is struck, in quiet and in loud sections; `arp` breaks it instead."""
    line: str
    """How the bass moves: a name of `corpus.bass`."""
    swing: float = 0.0
    """How far a weak eighth is late, in eighths."""
    size: int = 3
    """Notes of a chord."""
    space: float = 0.16
    """Level of the reverb."""
    pumps: bool = False
    """Whether the kick ducks the others."""
    genres: tuple[str, ...] = field(default=())
    """Names people type, those the corpus is described with."""


_BACKBEAT = "....X.......X..."
_EIGHTHS = "x.o.x.o.x.o.x.o."
FAMILIES: Mapping[str, Family] = {
    family.name: family
    for family in (
        Family(
            "pop", (92, 126), "acoustic",
            {"kick": "x.......x.......", "snare": "....x.......x...", "hat": _EIGHTHS},
            {"kick": "X.....x.X.......", "snare": _BACKBEAT, "hat": "X.o.X.o.X.o.X.o.",
            "clap": "....o.......o..."},
            "piano", "bass guitar", "synth lead", "synth pad", ("x...x...x...x...", "x.x.x.x.x.x.x.x."),
            "eighths",
            genres=("pop", "indie pop", "mandopop", "c-pop", "dream pop", "adult contemporary"),
        ),
        Family(
            "rock", (104, 160), "rock",
            {"kick": "X.......X.x.....", "snare": _BACKBEAT, "hat": "X.o.X.o.X.o.X.o."},
            {"kick": "X.x.....X.x.....", "snare": _BACKBEAT, "ride": "X.o.X.o.X.o.X.o."},
            "distorted guitar", "bass guitar", "electric guitar", "organ", ("x.......x.......",
            "x.x.x.x.x.x.x.x."), "drive",
            space=0.10, genres=("rock", "alternative rock", "hard rock", "punk rock", "indie rock",
            "heavy metal"),
        ),
        Family(
            "electronic", (116, 140), "electronic",
            {"kick": "X...X...X...X...", "hat": "..x...x...x...x."},
            {"kick": "X...X...X...X...", "clap": "....x.......x...", "open": "..x...x...x...x.",
            "hat": "o.o.o.o.o.o.o.o."},
            "synth stab", "synth bass", "synth lead", "synth pad", ("x.....x.....x...", "x..x..x...x.x..."),
            "off",
            pumps=True, genres=("electronic", "edm", "house", "synth-pop", "dance-pop", "techno", "trance",
            "disco"),
        ),
        Family(
            "jazz", (84, 150), "brushes",
            {"ride": "x...x.o.x...x.o.", "pedal": "....x.......x...", "kick": "o.......o......."},
            {"ride": "x...x.x.x...x.x.", "pedal": "....x.......x...", "kick": "o.......o.....o.",
            "brush": "......o.x.....o."},
            "piano", "upright bass", "saxophone", "vibraphone", ("x..........x....", "x.....x....x...."),
            "walk",
            swing=0.32, size=4, space=0.14, genres=("jazz", "swing", "vocal jazz", "smooth jazz",
            "bossa nova", "lounge"),
        ),
        Family(
            "ballad", (60, 88), "soft",
            {"kick": "x...............", "rim": "....o.......o...", "hat": "o...o...o...o..."},
            {"kick": "x.......x.......", "snare": "....x.......x...", "hat": "o.o.o.o.o.o.o.o."},
            "piano", "bass guitar", "strings", "strings", ("arp", "arp"), "halves",
            space=0.26, genres=("ballad", "pop ballad", "mandopop ballad", "power ballad", "soundtrack",
            "gufeng"),
        ),
        Family(
            "hip hop", (72, 104), "boom",
            {"kick": "X..x......x.....", "snare": _BACKBEAT, "hat": "x.o.x.o.x.o.x.o."},
            {"kick": "X..x..x...x.....", "snare": _BACKBEAT, "clap": "....x.......x...",
            "hat": "xoxoxoxoxoxoxxxx"},
            "electric piano", "808", "synth lead", "synth pad", ("x...............", "x.........x....."),
            "sub",
            swing=0.12, size=4, space=0.10, genres=("hip hop", "trap", "boom bap", "r&b", "lo-fi hip hop",
            "soul"),
        ),
        Family(
            "folk", (80, 120), "light",
            {"shaker": "x.o.x.o.x.o.x.o.", "kick": "o.......o......."},
            {"shaker": "xoxoxoxoxoxoxoxo", "kick": "x.......x.......", "tambourine": "....x.......x..."},
            "acoustic guitar", "upright bass", "harmonica", "strings", ("arp", "x...x.x.x.x.x.x."), "fifths",
            genres=("folk", "folk pop", "country", "acoustic", "singer-songwriter", "indie folk"),
        ),
        Family(
            "latin", (88, 128), "latin",
            {"conga": "o.x...xxo.x...xx", "clave": "x..x..x...x.x...", "shaker": "x.o.x.o.x.o.x.o."},
            {"conga": "o.x...xxo.x...xx", "clave": "x..x..x...x.x...", "shaker": "xoxoxoxoxoxoxoxo",
            "kick": "x.....x.x.....x."},
            "acoustic guitar", "upright bass", "trumpet", "brass", ("x..x..x.x..x..x.", "x.xx.xx.x.xx.xx."),
            "tumbao",
            genres=("latin", "latin pop", "salsa", "reggae", "bolero", "reggaeton"),
        ),
    )
}  # fmt: skip

GROUPS: Mapping[str, str] = {
    "pop": "pop",
    "ballad and vocal": "ballad",
    "rock": "rock",
    "punk and emo": "rock",
    "metal and industrial": "rock",
    "electronic and dance": "electronic",
    "hip hop and rap": "hip hop",
    "r&b, soul and funk": "hip hop",
    "jazz and blues": "jazz",
    "folk and country": "folk",
    "latin": "latin",
    "caribbean and african": "latin",
    "chinese": "pop",
    "japanese and south-east asian": "pop",
    "world": "folk",
    "classical, screen and stage": "ballad",
    "sacred": "ballad",
    "occasions and children": "pop",
}
"""Families by group of `conf/tags.yaml`, for genres that no family names itself."""
ALONE: Mapping[str, str] = {
    "mandopop ballad": "ballad",
    "c-pop ballad": "ballad",
    "chinese folk": "folk",
    "gu feng": "ballad",
    "guofeng": "ballad",
    "chinese traditional": "ballad",
    "c-rock": "rock",
    "j-rock": "rock",
    "pop rock": "rock",
    "electropop": "electronic",
    "electronic pop": "electronic",
    "jazz pop": "jazz",
    "acoustic pop": "folk",
    "show tune": "jazz",
    "cabaret": "jazz",
}
"""Genres that are played otherwise than their group."""
FIVE_NOTES = frozenset(
    ("chinese folk", "chinese traditional", "gu feng", "gufeng", "guofeng", "traditional chinese",
     "traditional chinese music")
)  # fmt: skip
"""Genres whose melodies keep to a five-note scale."""
