"""Patterns of quoted numbers: pieces, statements in prose, cells of tables.

Letters in front of a number are ASCII letters, since a Japanese word may stand right before it. All patterns read text
whose full-width signs, dashes and decimal points were made even.
"""

from __future__ import annotations

import re

HIDDEN = "\ue000"
"""Stands where a text is no result, sign by sign: labels of the study, fixed words of the report."""


def compiled(pattern: str) -> re.Pattern[str]:
    """A pattern that takes capitals for small letters; ``(?-i:P)`` does not."""
    return re.compile(pattern, re.IGNORECASE)


# fmt: off
NUMBER_WORDS = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty",
]
# fmt: on
SPELLED = {word: number for number, word in enumerate(NUMBER_WORDS)} | {"no": 0, "none": 0}


BEFORE = r"(?<![A-Za-z0-9_.\ue000])(?<![A-Za-z]-)"
AFTER = r"(?![A-Za-z0-9_\ue000]|\.\d|,\d{3}(?!\d))"
UNSIGNED = r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|\.\d+"
NUMBER = rf"{BEFORE}[-+]?(?:{UNSIGNED}){AFTER}"
WHOLE = rf"{BEFORE}(?:\d{{1,3}}(?:,\d{{3}})+|\d+){AFTER}(?!\.\d)"
WORD_OR_WHOLE = rf"(?:{WHOLE}|\b(?:{'|'.join(NUMBER_WORDS[1:])})\b)"
NOT_REACHED = r"(?:NA|NR|NE|N\.A\.|N\.R\.|N\.E\.|∞|not (?:reached|estimable|available)|未到達|推定不能|到達せず)"
LIMIT = rf"(?:{NUMBER}|{NOT_REACHED})"
SEPARATOR = r"\s*(?:–|-|~|\bto\b|\band\b|から|,|;)\s*"
CI = (
    r"(?:(?:9\d(?:\.\d)?|8\d)\s*%?\s*-?\s*)(?:CIs?\b|C\.I\.|CrI|CL\b|confidence\s+(?:intervals?|limits?)|credible\s+intervals?|信頼区間|信頼限界|信用区間)"
    r"|\bCI\b"
)
SPREAD = r"\brange\b|範囲|レンジ|\bIQR\b|interquartile\s+range|四分位(?:数)?範囲|四分位点|Q1\s*[–-]\s*Q3|\bquartiles?\b"
WHAT = rf"(?:{CI}|{SPREAD})"
LINK = r"[\s:,=は、が]*(?:of\s+|was\s+|is\s+|from\s+)?[(\[]?\s*"
UNIT = (
    r"(?:%|percentage\s+points?|percent\b|points?\b|ポイント|days?\b|weeks?\b|months?\b|years?\b|日|週|か月|カ月|ヶ月|ヵ月|年|歳|点|"
    r"copies\b|コピー|mm\b|cm\b|mg\b)"
)
LIMITS = rf"(?P<low>{LIMIT})\s*{UNIT}?{SEPARATOR}(?P<high>{LIMIT})\s*{UNIT}?"
LIMITS_AGAIN = LIMITS.replace("P<low>", "P<low2>").replace("P<high>", "P<high2>")
CI_TAIL = rf"(?:\s*%?\s*[)\]]?\s*[;,:、]?\s*[(\[]?\s*(?:{CI}){LINK}{LIMITS})?"
PEOPLE = r"(?:patients?|women|men|cases?|subjects?|participants?|individuals?|samples?|persons?|people)"
PEOPLE_JA = r"(?:例|名|人|症例|検体)"
PERCENT = (
    rf"(?P<value>{NUMBER})\s*(?:%|percent\b|パーセント)"
    r"(?!\s*-?\s*(?:CIs?\b|C\.I\.|CrI|CL\b|confidence|credible|信頼|信用))"
)


CI_LEVEL = compiled(CI)
"""``95% CI`` and its kin."""


P_WORDS = (
    r"(?<![A-Za-z0-9_])(?-i:[Pp])(?:[\s_-]*(?:values?|値|interaction|trend|adj(?:usted)?|heterogeneity)){0,2}"
    r"(?:\s*[(][^()\d]{0,40}[)]|\s+for\s+[A-Za-z -]{2,40}?)?"
)
P = compiled(
    rf"{P_WORDS}\s*(?P<link>[=<>≤≥]|:|\b(?:was|were|is|of)\b|は|が|\s)\s*(?P<bound>[=<>≤≥])?\s*"
    rf"(?P<p>{BEFORE}(?:{UNSIGNED}){AFTER})(?:{SEPARATOR}(?P<bound2>[<>≤≥])?\s*(?P<p2>{BEFORE}(?:0?\.\d+|1(?:\.0+)?){AFTER}))?"
)
FRACTION_JA = compiled(
    rf"(?P<total>{WHOLE})\s*{PEOPLE_JA}\s*(?:中|のうち|の内)[、,の]?[^\d。;(\[]{{0,30}}?(?P<n>{WHOLE})\s*{PEOPLE_JA}?"
    rf"(?:[^\d。;、(\[]{{0,16}}[(\[]?\s*{PERCENT}{CI_TAIL})?"
)
FRACTION = compiled(
    rf"(?P<n>{WORD_OR_WHOLE})(?:\s*/\s*|\s+(?:{PEOPLE}\s+)?(?:out\s+of|of|among)\s+(?:the\s+|all\s+|these\s+|those\s+)?)"
    rf"(?P<total>{WHOLE})(?!\s*/\s*\d)(?:[^\d();,.。%\[]{{0,60}}?[(\[,;]?\s*{PERCENT}{CI_TAIL})?"
)
PERCENT_OF = compiled(
    rf"{PERCENT}[^\d();.。\[]{{0,30}}?[(\[,;]\s*(?P<n>{WHOLE})\s*(?:/|of|out\s+of)\s*(?:the\s+)?(?P<total>{WHOLE})"
    rf"(?:\s*{PEOPLE})?{CI_TAIL}"
)
PERCENT_OF_JA = compiled(
    rf"{PERCENT}\s*[(\[]\s*(?P<total>{WHOLE})\s*{PEOPLE_JA}\s*(?:中|のうち)\s*(?P<n>{WHOLE})\s*{PEOPLE_JA}?"
)
PERCENT_COUNT = compiled(
    rf"{PERCENT}\s*[(\[]\s*(?:n\s*=\s*)?(?P<n>{WHOLE})\s*(?:{PEOPLE}|{PEOPLE_JA})?\s*(?:[)\]]|[;,、]\s*(?={CI})){CI_TAIL}"
)
COUNT_PERCENT = compiled(
    rf"(?P<n>{WORD_OR_WHOLE})\s*(?:{PEOPLE_JA}|件)?[^\d();,.。%\[/–~]{{0,48}}?[(\[]\s*{PERCENT}{CI_TAIL}"
)
INTERVAL = compiled(
    rf"(?P<value>{NUMBER})\s*(?P<unit>{UNIT})?"
    rf"(?:\s*[(\[]\s*(?P<what>(?:[^\d()]{{0,24}}?){WHAT}{LINK})?{LIMITS}"
    rf"|[^\d().;。]{{0,60}}?[(\[,;、]?\s*(?P<what2>{WHAT}{LINK}){LIMITS_AGAIN})"
)
SPREAD_ABOUT = compiled(rf"(?P<value>{NUMBER})\s*±\s*(?P<sd>{NUMBER})")
TIMES_TEN = compiled(r"\s*[×x]\s*10")
LIMITS_ALONE = compiled(rf"(?P<what>{WHAT}{LINK}){LIMITS}")
KEYWORDS: tuple[tuple[str, str], ...] = (
    (r"\bmedian|中央値", "median"),
    (r"\bmean\b|平均", "mean"),
    (r"\bhazard\s+ratios?\b|(?-i:\b[as]?HRs?\b)|ハザード比", "hr"),
    (r"\bodds\s+ratios?\b|(?-i:\ba?ORs?\b)|オッズ比", "ratio"),
    (r"\b(?:risk|rate)\s+ratios?\b|\brelative\s+risks?\b|(?-i:\ba?RRs?\b)|リスク比|相対リスク", "ratio"),
    (r"\bdifferences?\b|(?:リスク|率の|の)差", "difference"),
)
BETWEEN = (
    r"(?:[\s,:=はがを]|\b(?:of|was|were|is|time|age|survival|follow-?up|to progression)\b|(?-i:\b(?:PFS|OS|TTP|DFS)\b)"
    r"|期間|年齢|生存|観察|時間|時点)"
)
KEYWORD = compiled(
    rf"(?P<word>{'|'.join(f'(?:{pattern})' for pattern, _ in KEYWORDS)})"
    rf"(?P<between>(?:\s*\([A-Za-z ]{{1,12}}\))?{BETWEEN}{{0,8}})(?P<value>{NUMBER})\s*(?P<unit>{UNIT})?"
)
BARE_PERCENT = compiled(PERCENT)
N_EQUALS = compiled(rf"(?<![A-Za-z0-9])n\s*=\s*(?P<count>{WHOLE})")
PATIENTS = compiled(
    rf"(?P<count>{WHOLE})\s+(?:[a-z][a-z-]*\s+){{0,2}}?(?:patients|women|men)\b|(?P<count2>{WHOLE})\s*(?:症例|例|名)(?![0-9目]|の(?:医師|病理医|放射線|評価者))"
)
OF_MANY = compiled(r"attainable|completions?\b|smallest|到達可能|補完|最小")
YEAR = range(1900, 2101)

# A percentage that these words follow or precede is a level, a cut-off or a part of a recipe.
NOT_RESULT_AFTER = compiled(
    rf"\s*(?:%\s*)?(?:{CI}|CI\b|confidence|credible|信頼|power\b|検出力|の検出力|(?:[a-z-]+\s+)?level|有意水準|以上|以下|以内|未満|超|を超え"
    r"|or\s+(?:more|less|greater|higher|lower|fewer)|(?:as\s+(?:the\s+|a\s+)?)?(?:cut-?\s*off|threshold)|カットオフ|閾値"
    r"|(?:decrease|increase|reduction|shrinkage)\s+(?:in|from|of)\s+(?:the\s+)?(?:sum|target|tumou?r|baseline|LVEF|ejection)"
    r"|[wv]/[wv]|ethanol|(?:neutral\s+|buffered\s+)*formalin|paraformaldehyde|PFA\b|agarose|humidity|saline|CO2|CO₂|O2\b|oxygen"
    r"|FBS\b|(?:fetal|foetal|bovine)\s|serum|Triton|Tween|BSA\b|DMSO|SDS\b|glycerol|NaCl|hypochlorite)"
)
NOT_RESULT_BEFORE = compiled(
    r"(?:≥|≤|<|>|\b(?:at\s+least|more\s+than|less\s+than|over|under|exceed(?:s|ed|ing)?|above|below|within)(?:\s+an?)?"
    r"|\bpower(?:\s+(?:of|was))?|\balpha(?:\s*=|\s+(?:of|was))|\blevel\s+(?:of|was)"
    r"|\b(?:cut-?\s*off|threshold)\s+(?:of|was)?|検出力(?:は)?|有意水準(?:は)?|両側|カットオフ(?:値)?(?:は)?)\s*$"
)
RANGE_BEFORE = compiled(r"\d\s*%?\s*(?:–|-|~|\bto)\s*$")
SIGNIFICANCE = compiled(r"considered|regarded|significance|有意水準|を有意|defined|threshold")
NOT_FRACTION = compiled(
    r"(?:grades?|グレード|stages?|types?|versions?|ratio|exons?|weeks?|days?|score|table|tables|表|図|figure)\s*$"
)


# Cells: the whole text of one.

BOUNDED = rf"[<>≤≥]?\s*(?:{NUMBER})"
CELL_SEPARATOR = r"\s*(?:–|-|~|\bto\b|から)\s*"
CELL_MARK = r"\s*(?:\*{1,3}|[†‡§¶]|[a-z])?\s*"
CELL_FRACTION = compiled(
    rf"(?P<n>{WHOLE})\s*/\s*(?P<total>{WHOLE})(?:\s*[(\[]\s*(?P<value>{NUMBER})\s*%?\s*[)\]])?{CELL_MARK}"
)
CELL_PAIR = compiled(
    rf"(?P<first>{NUMBER})\s*(?P<share>%)?\s*[(\[]\s*(?P<second>{NUMBER})\s*(?P<share2>%)?\s*[)\]]{CELL_MARK}"
)
CELL_SPREAD = compiled(rf"(?P<value>{NUMBER})\s*±\s*(?P<sd>{NUMBER})\s*{UNIT}?{CELL_MARK}")
CELL_INTERVAL = compiled(
    rf"(?P<value>{NUMBER})\s*{UNIT}?\s*[,;]?\s*[(\[]?\s*(?:{WHAT}{LINK})?(?<=[(\[\s])(?P<low>{LIMIT})\s*%?{CELL_SEPARATOR}(?P<high>{LIMIT})\s*{UNIT}?\s*[)\]]?{CELL_MARK}"
)
CELL_LIMITS = compiled(rf"[(\[]?(?P<low>{LIMIT})\s*%?{CELL_SEPARATOR}(?P<high>{LIMIT})\s*%?\s*[)\]]?{CELL_MARK}")
CELL_LONE = compiled(rf"(?P<value>{BOUNDED})\s*(?P<share>%)?{CELL_MARK}")
P_HEAD = compiled(r"(?<![A-Za-z])(?-i:[Pp])(?![A-Za-z])(?:\s*-?\s*(?:values?|値))?")
