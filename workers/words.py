"""The words rule: what a customer's text asks of us, before any agent reads it. Pure.

Three answers are certain (opt-out, help, opt-in) and are given only when the whole text says
nothing else but a listed word and courtesies. Whatever merely looks like an opt-out goes to the
agent with a flag: a person decides. The law counts any wording that a reasonable person would take
for a revocation (47 CFR 64.1200(a)(10)), so the flag errs on the side of too many.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from enum import StrEnum
from functools import lru_cache
from string import whitespace
from typing import Final

from workers.brands import StartRule, Words

UNMISTAKABLE_OPT_OUT: Final = frozenset(
    {"stop", "stopall", "stop all", "unsubscribe", "revoke", "opt out", "optout"}
)
"""Always an opt-out, alone or with filler. End User Messaging's own list lacks three of them."""
REQUIRED_OPT_OUT: Final = UNMISTAKABLE_OPT_OUT | {"arret", "cancel", "end", "quit", "remove", "td"}
"""Always an opt-out when the text says nothing else, whatever the brand lists."""
REQUIRED_HELP: Final = frozenset({"help"})
REQUIRED_OPT_IN: Final = frozenset({"start", "unstop"})

LONGEST_READ: Final = 2_000
"""Characters. A text over this is no bare word; its beginning alone is searched for wording."""


class Meaning(StrEnum):
    """What a text asks for."""

    OPT_OUT = "opt_out"
    """Stop texting: certain, acted on without a person."""
    HELP = "help"
    """Who are you, how do I stop: answered even to those who opted out."""
    OPT_IN = "opt_in"
    """Text me again. Only of meaning to a number that opted out."""
    DOUBTFUL = "doubtful"
    """May be an opt-out: goes to the agent, flagged."""
    PLAIN = "plain"
    """Conversation."""


# --- folding ----------------------------------------------------------------------------------

_APOSTROPHES: Final = frozenset("'‘’‚‛ʼʹ`´′＇")
_INVISIBLE_LETTERS: Final = frozenset("\u115f\u1160\u3164\uffa0")


def fold(text: str) -> str:
    """The form in which texts and listed words are compared.

    Compatibility forms (fullwidth, ligatures) become plain, case and Latin accents go, apostrophes
    and invisible characters vanish, punctuation, symbols and emoji become one space. Folding a
    folded text changes nothing.
    """
    kept = "".join(char for char in text if char not in _APOSTROPHES)
    plain = unicodedata.normalize("NFKC", kept).casefold()
    marks_apart = unicodedata.normalize("NFKD", plain).casefold()
    letters = "".join(map(_folded_char, unicodedata.normalize("NFKD", marks_apart)))
    return " ".join(unicodedata.normalize("NFKC", letters).split())


def _folded_char(char: str) -> str:
    if char in _APOSTROPHES or char in _INVISIBLE_LETTERS or _is_dropped_mark(char):
        return ""
    category = unicodedata.category(char)
    if category == "Cf":
        return ""
    return " " if category[0] in "PSZC" else char


def _is_dropped_mark(char: str) -> bool:
    """Accents over Latin letters, keycaps, variation selectors; not the vowels of other scripts."""
    return (
        "\u0300" <= char <= "\u036f"
        or "\u180b" <= char <= "\u180d"
        or "\u20d0" <= char <= "\u20f0"
        or "\ufe00" <= char <= "\ufe0f"
        or "\U000e0100" <= char <= "\U000e01ef"
    )


# --- the rule ---------------------------------------------------------------------------------


def read_words(words: Words, text: str) -> Meaning:
    """What `text` means under the brand's `words`, to which the law's own are added.

    Opt-out wins over help, help over opt-in.
    """
    if len(text) > LONGEST_READ:
        is_doubtful = _sounds_like_opt_out(fold(text[:LONGEST_READ]), _listed(words))
        return Meaning.DOUBTFUL if is_doubtful else Meaning.PLAIN
    listed = _listed(words)
    folded = _emphasis_undone(fold(text))
    for meaning, alone, with_filler in listed.certain:
        if folded in alone or _is_said(folded.split(), with_filler, listed.filler):
            return meaning
    if _sounds_like_opt_out(folded, listed) or _is_sign(text):
        return Meaning.DOUBTFUL
    return Meaning.PLAIN


def matches_keyword(rule: StartRule, text: str) -> bool:
    """Whether `text` may open a chat: any may, or one that begins with a keyword's whole words."""
    if rule.on == "any_text":
        return True
    folded = f"{fold(text[:LONGEST_READ])} "
    return any(folded.startswith(f"{key} ") for key in map(fold, rule.keywords) if key)


Phrase = tuple[str, ...]


class _Listed:
    """The brand's words and the law's, folded once."""

    def __init__(self, words: Words) -> None:
        opt_out = _folded(words.opt_out)
        self.filler = _phrases(words.filler)
        self.opt_out_starts = tuple(f"{word} " for word in opt_out | REQUIRED_OPT_OUT)
        self.certain = (
            (Meaning.OPT_OUT, REQUIRED_OPT_OUT, _phrases(opt_out | UNMISTAKABLE_OPT_OUT)),
            (Meaning.HELP, REQUIRED_HELP, _phrases(_folded(words.help) | REQUIRED_HELP)),
            (Meaning.OPT_IN, REQUIRED_OPT_IN, _phrases(_folded(words.opt_in) | REQUIRED_OPT_IN)),
        )


@lru_cache(maxsize=256)
def _listed(words: Words) -> _Listed:
    return _Listed(words)


def _folded(words: Iterable[str]) -> frozenset[str]:
    return frozenset(folded for word in words if (folded := fold(word)))


def _phrases(words: Iterable[str]) -> frozenset[Phrase]:
    return frozenset(tuple(folded.split()) for word in words if (folded := fold(word)))


def _is_said(tokens: Sequence[str], words: frozenset[Phrase], filler: frozenset[Phrase]) -> bool:
    """Whether `tokens` are made of `words` and `filler` alone, with at least one of `words`.

    Walks forward and keeps which positions can be reached without and with a word, so that the
    time grows with the text and not with the ways to cut it.
    """
    reached: dict[int, set[bool]] = {0: {False}}
    for at in range(len(tokens)):
        for has_word in reached.get(at, set()):
            for phrase in words:
                if tuple(tokens[at : at + len(phrase)]) == phrase:
                    reached.setdefault(at + len(phrase), set()).add(True)
            for phrase in filler:
                if tuple(tokens[at : at + len(phrase)]) == phrase:
                    reached.setdefault(at + len(phrase), set()).add(has_word)
    return True in reached.get(len(tokens), set())


_SPELLED_OUT: Final = re.compile(r"(?<!\S)(?:\w ){2,}\w(?!\S)")
_STRETCHED: Final = re.compile(r"([^\W\d_])\1{2,}")


def _emphasis_undone(folded: str) -> str:
    """`s t o p` and `stooop` as they are meant."""
    joined = _SPELLED_OUT.sub(lambda found: found[0].replace(" ", ""), folded)
    return _STRETCHED.sub(r"\1", joined)


# --- wording that may be an opt-out -------------------------------------------------------------

_SIGNS: Final = frozenset("🛑⛔🚫")


def _is_sign(text: str) -> bool:
    """A stop sign, or a row of them, and nothing else."""
    signs = set(text) - {"\ufe0f"} - set(whitespace)
    return bool(signs) and signs <= _SIGNS


_DOUBTFUL_ALONE: Final = frozenset(
    fold(word)
    for word in (
        # Slips of the thumb
        *(
            "stpo",
            "sotp",
            "stp",
            "sto",
            "stopp",
            "st0p",
            "stip",
            "dtop",
            "stop1",
            "s top",
            "stop2end",
            "stop2",
            "sstop",
            "st op",
            "sto p",
        ),
        # Said in one word or two
        *("no more", "cease", "desist", "cease and desist", "wrong number", "spam"),
        *("unsubcribe", "unsubscibe", "unsuscribe", "unsub", "cancell", "opt-ut", "optou"),
        # Spanish, Portuguese
        *("alto", "parar", "pare", "baja", "basta", "cancelar", "detener", "salir", "sair"),
        *("fin", "termina", "terminar"),
        # French, German, Dutch, Italian, Polish, Turkish
        *(
            "arrête",
            "arrêter",
            "arrêtez",
            "désabonner",
            "stopper",
            "stopp",
            "abmelden",
            "abbestellen",
        ),
        *(
            "beenden",
            "aufhören",
            "hör auf",
            "afmelden",
            "stoppen",
            "annulla",
            "disiscrivi",
            "wypisz",
            "iptal",
        ),
        # Vietnamese, Tagalog, Haitian Creole
        *("dừng lại", "ngừng", "tigil", "itigil", "sispann"),
        # Russian, Ukrainian, Arabic, Hindi, Korean, Chinese, Japanese
        *("стоп", "отписаться", "зупинити", "توقف", "إيقاف", "إلغاء", "बंद करो", "중지"),
        *("수신거부", "停止", "退订", "退訂", "取消", "解除", "配信停止"),
    )
)

_COURTESIES: Final = frozenset(
    tuple(fold(phrase).split())
    for phrase in (
        *("please", "pls", "thanks", "thank you", "por favor", "gracias", "obrigado", "obrigada"),
        *("s'il vous plaît", "s’il te plaît", "svp", "stp", "merci", "bitte", "danke"),
        *("per favore", "grazie", "alstublieft", "proszę", "lütfen", "пожалуйста", "请", "請"),
    )
)
"""Stand beside any of the words above, whatever a brand lists as filler."""
_DOUBTFUL_PHRASES: Final = frozenset(tuple(word.split()) for word in _DOUBTFUL_ALONE)

_SEND_EN: Final = r"(?:text|messag|contact|call|spam|bother|send|sms)"
_WORDING: Final = re.compile(
    "|".join(
        (
            # English
            rf"\b(?:stop|quit|cease) (?:\w+ ){{0,3}}{_SEND_EN}",
            r"\bno (?:more|further) (?:\w+ )?(?:text|message|sms|spam|call)",
            rf"\b(?:dont|do not|never) (?:ever |you |please )?{_SEND_EN}",
            r"\b(?:dont|do not|didnt|did not|no longer|never) (?:\w+ )?"
            r"(?:want|wish|need|consent|ask|sign)\b(?: \w+){0,5} (?:text|message|sms|spam)",
            r"\b(?:take|get|remove|delete|drop) (?:me|us|my|this|mine)\b"
            r"(?: \w+){0,2} (?:off|from|number)\b",
            r"\b(?:remove|delete) (?:me|my number|this number)\b",
            r"\b(?:opt|opting|opted) (?:me |us )?out\b",
            r"\bun ?su[bs]?scri",
            r"\b(?:revok|withdraw)\w* (?:my |all )?(?:consent|permission)",
            r"\b(?:leave|let) me alone\b",
            r"\blose (?:my|this) number\b",
            r"\bgo away$",
            r"\b(?:fuck|piss|bugger) off\b",
            r"\b(?:didnt|did not|never) sign(?:ed)? up\b",
            r"\b(?:said|told you(?: to)?|asked you(?: to)?) (?:\w+ )?stop\b",
            # Spanish
            r"\bno mas (?:mensaje|texto|sms|llamada)",
            r"\b(?:ya )?no (?:me |nos )?(?:envi|mand|escrib|contact|llam|molest|textee)",
            r"\bya no quiero\b",
            r"\bno quiero (?:\w+ ){0,3}(?:mensaje|texto|sms)",
            r"\bdej\w* de (?:envi|mand|escrib|contact|llam|molest)",
            r"\b(?:dar|dame|darme|denme|deme) de baja\b",
            r"\b(?:elimin|borr|quit)\w* mi numero\b|\bquit[ea]\w*me de\b",
            # French
            r"\b(?:arret|cess)\w* (?:de |d)?(?:me |m|nous )?"
            r"(?:contact|envo|ecri|appel|text|sms|messag|vos|les)",
            r"\bplus de (?:message|texto|sms)",
            r"\bne (?:me |m|nous )?(?:contact|envo|ecri|appel|text)",
            r"\bdes(?:abonn|inscri)",
            r"\b(?:retir|enlev|supprim)\w* (?:moi|mon numero)\b",
            # German, Portuguese, Italian
            r"\bkeine? (?:\w+ )?(?:sms|nachricht|textnachricht)\w* mehr\b",
            r"\b(?:abmelden|abbestellen)\b",
            r"\bpar(?:ar?|em?|e[mn]?) de (?:me )?(?:envi|mand|escrev|contat|lig)",
            r"\bnao quero mais\b",
            r"\bnao (?:me )?(?:envi|mand|escrev|contat|lig)|\bdescadastr|\bremov\w* meu numero\b",
            r"\bnon (?:mi )?(?:scriv|mand|invi|contatt)\w*|\bdisiscriv|\bcancell?a(?:temi|mi)\b",
            # Scripts that write no spaces, and Russian and Arabic stems
            r"退订|退訂|取消订阅|取消訂閱|不要再?发|不要再?發",
            r"配信停止|停止して|送らないで|やめて|수신거부|그만 ?보내",
            r"отпи(?:сат|шит)|не (?:пиш|присыл|отправл|звон)",
            r"لا ترسل|الغاء الاشتراك|إلغاء الاشتراك",
            r"मत भेज|बंद कर",
        )
    )
)

_LONGEST_TERSE: Final = 3
_LONGEST_POLITE: Final = 8


def _sounds_like_opt_out(folded: str, listed: _Listed) -> bool:
    """Begins with an opt-out word, is a slip or a translation of one, or speaks of stopping.

    The beginning counts because End User Messaging itself opts out whoever begins so, when it
    manages opt-outs: "stop by at 2" would have silenced the customer there.
    """
    tokens = folded.split()
    return (
        f"{folded} ".startswith(listed.opt_out_starts)
        or (len(tokens) <= _LONGEST_POLITE and _is_said(tokens, _DOUBTFUL_PHRASES, _COURTESIES))
        or (len(tokens) <= _LONGEST_TERSE and not UNMISTAKABLE_OPT_OUT.isdisjoint(tokens))
        or _WORDING.search(folded) is not None
    )
