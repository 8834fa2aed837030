"""Which language tags name a language that there is, by ISO 639-1 and BCP 47; holds no names.

Three-letter codes, of which there are thousands, are taken as they are, except of a language that
has a two-letter code: pages write the shorter one, as BCP 47 asks, and a tag is compared as text.
"""

import re

from service.adapters.catalog_countries import country_codes

TAG = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,4}")
_SHOWN_CHARS = 40

# Each code of ISO 639-1 with its language's of ISO 639-2.
_CODES = """
aa:aar ab:abk ae:ave af:afr ak:aka am:amh an:arg ar:ara as:asm av:ava ay:aym az:aze ba:bak
be:bel bg:bul bi:bis bm:bam bn:ben bo:bod br:bre bs:bos ca:cat ce:che ch:cha co:cos cr:cre
cs:ces cu:chu cv:chv cy:cym da:dan de:deu dv:div dz:dzo ee:ewe el:ell en:eng eo:epo es:spa
et:est eu:eus fa:fas ff:ful fi:fin fj:fij fo:fao fr:fra fy:fry ga:gle gd:gla gl:glg gn:grn
gu:guj gv:glv ha:hau he:heb hi:hin ho:hmo hr:hrv ht:hat hu:hun hy:hye hz:her ia:ina id:ind
ie:ile ig:ibo ii:iii ik:ipk io:ido is:isl it:ita iu:iku ja:jpn jv:jav ka:kat kg:kon ki:kik
kj:kua kk:kaz kl:kal km:khm kn:kan ko:kor kr:kau ks:kas ku:kur kv:kom kw:cor ky:kir la:lat
lb:ltz lg:lug li:lim ln:lin lo:lao lt:lit lu:lub lv:lav mg:mlg mh:mah mi:mri mk:mkd ml:mal
mn:mon mr:mar ms:msa mt:mlt my:mya na:nau nb:nob nd:nde ne:nep ng:ndo nl:nld nn:nno no:nor
nr:nbl nv:nav ny:nya oc:oci oj:oji om:orm or:ori os:oss pa:pan pi:pli pl:pol ps:pus pt:por
qu:que rm:roh rn:run ro:ron ru:rus rw:kin sa:san sc:srd sd:snd se:sme sg:sag sh:hbs si:sin
sk:slk sl:slv sm:smo sn:sna so:som sq:sqi sr:srp ss:ssw st:sot su:sun sv:swe sw:swa ta:tam
te:tel tg:tgk th:tha ti:tir tk:tuk tl:tgl tn:tsn to:ton tr:tur ts:tso tt:tat tw:twi ty:tah
ug:uig uk:ukr ur:urd uz:uzb ve:ven vi:vie vo:vol wa:wln wo:wol xh:xho yi:yid yo:yor za:zha
zh:zho zu:zul
"""
# Where libraries' codes (ISO 639-2/B) are others.
_OTHER_CODES = """
bo:tib cs:cze cy:wel de:ger el:gre eu:baq fa:per fr:fre hy:arm is:ice ka:geo mi:mao mk:mac
ms:may my:bur nl:dut ro:rum sk:slo sq:alb zh:chi
"""
_SHORTER = {pair[3:]: pair[:2] for pair in (_CODES + _OTHER_CODES).split()}
# Older pages have these, and BCP 47 keeps them.
_WITHDRAWN = frozenset(["bh", "in", "iw", "ji", "jw", "mo"])
_KNOWN = _WITHDRAWN | frozenset(_SHORTER.values())
# Countries' codes that people write for their languages, where no language has that code.
_OF_COUNTRIES = {
    "cn": "zh", "cz": "cs", "dk": "da", "gb": "en", "gr": "el", "jp": "ja", "ua": "uk", "us": "en",
    "vn": "vi",
}  # fmt: skip
# Regions of BCP 47 beside the countries: reserved by ISO 3166, former countries, private use.
_REGION = re.compile("a[acn]|bu|c[pqs]|d[dg]|e[auz]|fx|ic|nt|q[m-z]|su|t[ap]|un|x[a-z]|y[du]|z[rz]")


def check_language(value: str) -> str:
    """Return a language tag as it is, or raise `ValueError` with what would be right."""
    if not TAG.fullmatch(value):
        raise ValueError(f"write a language tag like en or pt-BR, not {value[:_SHOWN_CHARS]!r}")
    language, *others = value.lower().split("-")
    if language in _SHORTER:
        shorter = "-".join([_SHORTER[language], *value.split("-")[1:]])
        raise ValueError(f"write {shorter}: pages use the two-letter code where there is one")
    if len(language) == len("en") and language not in _KNOWN:
        near = _OF_COUNTRIES.get(language)
        hint = f"; did you mean {near}?" if near else ": write a code of ISO 639 like en"
        raise ValueError(f"there is no language {language!r}{hint}")
    for region in others:
        if len(region) == len("gb") and not _is_region(region):
            hint = " (the United Kingdom is GB)" if region == "uk" else ""
            raise ValueError(f"{region.upper()!r} is no region of ISO 3166 like GB{hint}")
    return value


def _is_region(code: str) -> bool:
    return code in country_codes() or _REGION.fullmatch(code) is not None
