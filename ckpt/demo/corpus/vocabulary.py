"""Common words of songs, for lines that make no sense but let every sound meet every other."""

_TEXT = """
about above across after again air alive all alone along always and angel another answer anything apart arms
around asleep away baby back ball beat beautiful because bed before begin believe bell below better between
big bird bitter black blame blood bloom blow blue boat body bone book born both bottle break breath breathe
bright bring broken brother build burn cage call calm candle care careful carry castle catch chain chance
change chase cheap child choose circle city clean clear climb clock close cloud coat cold color come corner
country crazy cross crowd cry curtain cut dance danger dark daughter day dear deep desert devil diamond
dirty distance doctor dollar door doubt down dream dress drink drive drop drum dust each early earth easy
echo edge eight empty end enough escape even evening every everything eyes face fade faith fall family far
fast father fear feather feel feet fever field fight find finger fire first five flame flight float floor
flow flower fly follow fool foot forest forever forget forgive four free friend frozen full future game
garden gentle ghost gift girl give glass glow go gold gone good grace grass gravity gray green ground grow
guess guitar half hand happy harbor hard heal hear heart heat heaven heavy hello help here hide high hill
hold hole holy home honest honey hope horse hot hour house hungry hurry hurt ice inside iron island jump
just keep key kind king kiss kitchen knife knock know ladder lake land last late laugh lead leaf learn leave
left lemon letter lie life lift light like line lion listen little live lonely long look lose loud love low
lucky machine magic make man many map march mark maybe mean melody memory mercy message middle midnight mile
mind mirror miss moment money moon more morning mother mountain mouth move music must mystery name near need
never new next night nine nobody noise north nothing now number ocean off old once one only open orange
other out outside over own page pain paint paper part party past path peace people phone photograph picture
piece pillow place plane play please pocket point pour power pray pretty promise proud pull pure purple push
queen question quick quiet rabbit race radio rain reach read ready real reason red remember rest ride right
ring rise river road rock roll roof room rope rose round run sad safe sail salt same sand save say scream
sea search season second secret see seven shadow shake shape share shelter shine ship shoe shore short
shoulder shout show sick side sign silence silent silver simple since sing sister six skin sky sleep slow
small smile smoke snow soft soldier some something somewhere son song soon sorrow sorry soul sound south
space spark speak spin spring stand star start station stay steal step still stone stop storm story strange
stranger street strong summer sun sure surrender sweet swim table take talk taste tea tear tell ten thank
thing think thirsty thousand three through thunder tide time tiny tired today together tomorrow tonight too
touch toward tower town train travel tree tremble trouble true trust truth try turn twenty two under until
up valley velvet very violin voice wait wake walk wall want war warm wash watch water wave way weak wear
weather week well west what wheel when where whisper white who why wide wild wind window wine wing winter
wish without woman wonder wood word work world worry write wrong year yellow yes yesterday yet young your
zero
"""
WORDS = tuple(_TEXT.split())
"""In alphabetical order."""
