"""Codes of languages as publishers write them, compared by their language alone; and English names."""

from collections import Counter
from collections.abc import Iterable

_TABLE = """
af afr Afrikaans | am amh Amharic | ar ara Arabic | as asm Assamese | az aze Azerbaijani | be bel Belarusian
bg bul Bulgarian | bn ben Bengali | br bre Breton | bs bos Bosnian | ca cat Catalan | cs ces,cze Czech
cy cym,wel Welsh | da dan Danish | de deu,ger German | el ell,gre Greek | en eng English | eo epo Esperanto
es spa Spanish | et est Estonian | eu eus,baq Basque | fa fas,per Persian | fi fin Finnish | fo fao Faroese
fr fra,fre French | fy fry Frisian | ga gle Irish | gd gla Scottish Gaelic | gl glg Galician | gu guj Gujarati
ha hau Hausa | he heb Hebrew | hi hin Hindi | hr hrv Croatian | hu hun Hungarian | hy hye,arm Armenian
id ind Indonesian | is isl,ice Icelandic | it ita Italian | ja jpn Japanese | jv jav Javanese
ka kat,geo Georgian | kk kaz Kazakh | km khm Khmer | kn kan Kannada | ko kor Korean | ku kur Kurdish
ky kir Kyrgyz | la lat Latin | lb ltz Luxembourgish | lo lao Lao | lt lit Lithuanian | lv lav Latvian
mg mlg Malagasy | mk mkd,mac Macedonian | ml mal Malayalam | mn mon Mongolian | mr mar Marathi | ms msa,may Malay
mt mlt Maltese | my mya,bur Burmese | ne nep Nepali | nl nld,dut Dutch | no nor,nb,nob,nn,nno Norwegian
oc oci Occitan | om orm Oromo | or ori Odia | pa pan Punjabi | pl pol Polish | ps pus Pashto | pt por Portuguese
ro ron,rum,mo Romanian | ru rus Russian | sa san Sanskrit | sd snd Sindhi | se sme Northern Sami | si sin Sinhala
sk slk,slo Slovak | sl slv Slovenian | so som Somali | sq sqi,alb Albanian | sr srp Serbian | su sun Sundanese
sv swe Swedish | sw swa Swahili | ta tam Tamil | te tel Telugu | tg tgk Tajik | th tha Thai | tk tuk Turkmen
tl tgl,fil Filipino | tr tur Turkish | tt tat Tatar | ug uig Uyghur | uk ukr Ukrainian | ur urd Urdu
uz uzb Uzbek | vi vie Vietnamese | xh xho Xhosa | yi yid,ji Yiddish | yo yor Yoruba | zh zho,chi,cmn Chinese
zu zul Zulu
"""
"""Lines of: code (ISO 639-1), further codes (ISO 639-2 and -3, older ones, written forms of Norwegian), name."""

_ROWS = [row.split(maxsplit=2) for line in _TABLE.strip().splitlines() for row in line.split(" | ")]
_NAMES = {code: name for code, _, name in _ROWS}
_CODES = {other: code for code, others, _ in _ROWS for other in others.split(",")} | {"iw": "he", "in": "id"}
_NO_LANGUAGE = {"", "und", "zxx", "mul", "mis"}
"""Codes that say: unknown, none, several, another one."""


def language_code(given: str | None) -> str | None:
    """Return the language of a code, without region, script and case: `da` for `da-DK`, `DA` and `dan`.

    None if it names no language.
    """
    first = (given or "").strip().lower().replace("_", "-").partition("-")[0]
    return None if first in _NO_LANGUAGE else _CODES.get(first, first)


def counts_by_language(rows: Iterable[tuple[str | None, int]]) -> dict[str | None, int]:
    """Add up counts by codes as they were given to counts by language; None for those without one."""
    counts: Counter[str | None] = Counter()
    for given, count in rows:
        counts[language_code(given)] += count
    return dict(counts)


def language_name(code: str) -> str:
    """Return the English name of a language, or `code` itself for one without a name here."""
    return _NAMES.get(code, code)
