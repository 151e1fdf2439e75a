from __future__ import annotations

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from workers.brands import StartRule, Words
from workers.words import (
    LONGEST_READ,
    REQUIRED_OPT_OUT,
    Meaning,
    fold,
    matches_keyword,
    read_words,
)

SHIPPED = Words()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("STOP", "stop"),
        ("ＳＴＯＰ", "stop"),
        ("𝐒𝐓𝐎𝐏", "stop"),
        ("s\u200bt\u200do\ufeffp", "stop"),
        ("\u200f\u202bstop\u202c", "stop"),
        ("st\u00adop", "stop"),
        ("«Stop»…!?", "stop"),
        ("stop 🙏🏽❤️", "stop"),
        ("Don’t, don't, don`t, donʼt", "dont dont dont dont"),
        ("OPT-OUT / opt_out", "opt out opt out"),
        ("  a \n\t b\u00a0\u2003c ", "a b c"),
        ("ARRÊT Straße ÇA", "arret strasse ca"),
        ("arre\u0302t", "arret"),
        ("1️⃣", "1"),
        ("👍", ""),
        ("हिन्दी में", "हिन्दी में"),  # vowel signs are letters there
        ("가나다", "가나다"),
        ("\u3164", ""),
        ("\ud83d", ""),
    ],
)
def test_folding(text: str, expected: str) -> None:
    assert fold(text) == expected


@given(st.text())
@example("ŉ")
@example("İ")
@example("\u0345Ια")
@example("´a")
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.sampled_from(sorted(REQUIRED_OPT_OUT)), st.sampled_from(["", "!", " . ", "\u200b", "🛑"]))
def test_folding_ignores_case_and_decoration(word: str, decoration: str) -> None:
    assert fold(decoration + word.upper() + decoration) == fold(word)


@pytest.mark.parametrize("word", sorted(REQUIRED_OPT_OUT))
@pytest.mark.parametrize("words", [SHIPPED, Words(opt_out=(), help=(), opt_in=(), filler=())])
def test_words_of_the_law_count_whatever_the_brand_lists(word: str, words: Words) -> None:
    assert read_words(words, word) is Meaning.OPT_OUT
    assert read_words(words, f"“{word.upper()}”!!") is Meaning.OPT_OUT


@pytest.mark.parametrize(
    "text",
    [
        "Stop.",
        "stop please",
        "Please stop",
        "pls STOP, thank you",
        "stop stop",
        "Stop. Stop. STOP!",
        "stop texting me",
        "please stop texting me now",
        "STOP ALL",
        "Stop-All",
        "StopAll",
        "opt out please",
        "OPT-OUT",
        "revoke",
        "S T O P",
        "S.T.O.P.",
        "s-t-o-p please",
        "stooooop",
        "stop 🙏🏽",
        "‘stop’",
        "ｓｔｏｐ",
        "\u200estop",
        "unsubscribe, thanks",
        "stop unsubscribe",
        "cancel please",
        "Arrêt",
        "TD",
        "end",
    ],
)
def test_certain_opt_outs(text: str) -> None:
    assert read_words(SHIPPED, text) is Meaning.OPT_OUT


@pytest.mark.parametrize(
    "text",
    [
        # Begins with an opt-out word: managed opt-out would have silenced the customer.
        "stop by at 2",
        "Cancel my 2pm visit",
        "End of month works",
        "remove the second one",
        "STOP I never signed up for this",
        "stop2end",
        # Terse
        "ok stop",
        "I said stop",
        "no, stop!",
        "just unsubscribe me",
        # Slips
        "st0p",
        "stpo",
        "stopp",
        "unsuscribe",
        "sstop",
        "st op",
        "STOP2",
        # Wording
        "no more texts",
        "Don’t text me again",
        "do not contact me",
        "take me off your list",
        "please remove me from this",
        "remove my number",
        "opt me out",
        "I told you to stop",
        "I want to unsubscribe from these",
        "I no longer want to receive messages",
        "i don't want your messages",
        "I revoke my consent",
        "leave me alone",
        "lose my number",
        "please stop sending me these",
        "how do I opt out",
        "no more!",
        "Cease",
        "Wrong number",
        "wrong number, thanks",
        "Spam",
        "fuck off",
        "I did not sign up for this",
        "never signed up for this",
        # Other languages
        "no me envíen más mensajes",
        "No más mensajes por favor",
        "ya no quiero esto",
        "quiero darme de baja",
        "dejen de escribirme",
        "baja",
        "ALTO",
        "arrêtez de m'envoyer des SMS",
        "Ne m’envoyez plus rien",
        "plus de messages svp",
        "désabonnez-moi",
        "keine SMS mehr",
        "bitte abmelden",
        "não me mande mensagens",
        "non mi scrivere più",
        "стоп",
        "не пишите мне",
        "退订",
        "请退订",
        "수신거부",
        "توقف",
        "बंद करो",
        "alto por favor",
        "Cancelar, por favor.",
        "arrêtez svp",
        "Bitte stoppen",
        "hör auf",
        "FIN",
        "parar de enviar",
        "não quero mais",
        "停止してください",
        "🛑",
        "🛑🛑🛑",
        "🚫 ⛔️",
        "⛔️",
    ],
)
def test_what_may_be_an_opt_out_goes_to_a_person(text: str) -> None:
    assert read_words(SHIPPED, text) is Meaning.DOUBTFUL


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "👍",
        "can you stop by at 2",
        "I'll be at the bus stop on Pine",
        "the weekend works",
        "that was the end of it",
        "please call me back",
        "text me when you're here",
        "I can't text right now",
        "could you send more details",
        "sorry, I need to cancel",
        "please cancel my 2pm",
        "I want no more than two",
        "is this the wrong number for the office",
        "bitte",
        "por favor, gracias",
        "no, stp is the product code",
        "I signed up on Monday",
        "🚫👍",
        "do I have to cancel the old one",
        "it should be removed by Friday",
        "endless",
        "yes 2pm works",
        "start at noon",
        "help me",
        "info about the invoice please",
        "please",
        "thank you",
        "thanks, now please",
        "quiero más información",
        "no, gracias",
        "quién me llamó",
        "je ne sais pas",
        "ich habe keine SMS bekommen",
        "Wann kommen Sie?",
        "明日は大丈夫です",
        "I subscribed yesterday",
        "step",
        "stp by",
    ],
)
def test_conversation_is_left_alone(text: str) -> None:
    assert read_words(SHIPPED, text) is Meaning.PLAIN


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("HELP", Meaning.HELP),
        ("help please!", Meaning.HELP),
        ("Info", Meaning.HELP),
        ("aide", Meaning.HELP),
        ("START", Meaning.OPT_IN),
        ("unstop please", Meaning.OPT_IN),
        ("Yes.", Meaning.OPT_IN),
        ("yes please", Meaning.OPT_IN),
        ("help stop", Meaning.DOUBTFUL),
        ("start stop", Meaning.DOUBTFUL),
    ],
)
def test_help_and_return(text: str, expected: Meaning) -> None:
    assert read_words(SHIPPED, text) is expected


def test_a_brand_may_drop_what_collides_with_its_answers() -> None:
    words = Words(opt_out=("stop",), opt_in=("start",))
    assert read_words(words, "yes") is Meaning.PLAIN
    # The law's word alone still counts; with more it is a person's to judge.
    assert read_words(words, "cancel") is Meaning.OPT_OUT
    assert read_words(words, "cancel please") is Meaning.DOUBTFUL
    assert read_words(words, "stop please") is Meaning.OPT_OUT


def test_a_brand_may_add_words_and_filler() -> None:
    words = Words(opt_out=("alto", "no más"), filler=("por favor", "merci"))
    assert read_words(words, "ALTO, por favor") is Meaning.OPT_OUT
    assert read_words(words, "¡No mas!") is Meaning.OPT_OUT
    assert read_words(words, "alto ahí") is Meaning.DOUBTFUL
    # Filler is the brand's list, not a guess.
    assert read_words(words, "stop please") is Meaning.DOUBTFUL


def test_a_word_that_folds_to_nothing_matches_nothing() -> None:
    words = Words(opt_out=("!!!",), help=("?",), opt_in=("-",), filler=("…",))
    assert read_words(words, "") is Meaning.PLAIN
    assert read_words(words, "?!") is Meaning.PLAIN


_OPT_OUT_WORDS = ["stop", "QUIT", "End!"]
_FILLER_WORDS = ["please", "Now,", "thank you"]
_OTHER_WORDS = ["noon", "invoice", "7"]


@given(st.lists(st.sampled_from([*_OPT_OUT_WORDS, *_FILLER_WORDS, *_OTHER_WORDS]), max_size=8))
def test_certain_means_nothing_but_listed_words(said: list[str]) -> None:
    is_certain = set(said).isdisjoint(_OTHER_WORDS) and not set(said).isdisjoint(_OPT_OUT_WORDS)
    assert (read_words(SHIPPED, " ".join(said)) is Meaning.OPT_OUT) is is_certain


@given(st.text(max_size=400))
def test_any_text_has_a_meaning(text: str) -> None:
    assert read_words(SHIPPED, text) in Meaning
    assert read_words(SHIPPED, f"{text} and then something else") is not Meaning.OPT_OUT


def test_a_long_text_is_never_a_bare_word() -> None:
    assert read_words(SHIPPED, "stop " * LONGEST_READ) is Meaning.DOUBTFUL
    assert read_words(SHIPPED, "hello " * LONGEST_READ) is Meaning.PLAIN


@pytest.mark.parametrize(
    "text",
    [
        "stop " * 400,
        "stop all " * 220 + "x",
        "please now " * 180,
        "a " * 1_000,
        "a" * 1_000_000,
        "stop aaaa " * 200,
        "dont want " * 200,
        "take me a " * 200,
        "\ufdfa" * 1_000,
        "🛑" * 1_000,
    ],
)
def test_no_text_takes_long_to_read(text: str) -> None:
    started_at = time.perf_counter()
    read_words(SHIPPED, text)
    assert time.perf_counter() - started_at < 0.5


@pytest.mark.parametrize(
    ("keywords", "text", "expected"),
    [
        (("chat",), "CHAT", True),
        (("chat",), "chat, I need a plumber", True),
        (("chat",), "“Chat”!", True),
        (("chat",), "chatter", False),
        (("chat",), "let us chat", False),
        (("talk to us",), "Talk to us now", True),
        (("talk to us",), "talk to", False),
        (("été",), "ETE", True),
        (("!",), "!", False),
        ((), "chat", False),
    ],
)
def test_keywords_open_a_chat_as_first_words(
    keywords: tuple[str, ...], text: str, expected: bool
) -> None:
    assert matches_keyword(StartRule(on="keyword", keywords=keywords), text) is expected


def test_any_text_opens_a_chat_even_one_without_words() -> None:
    assert matches_keyword(StartRule(), "👍")
