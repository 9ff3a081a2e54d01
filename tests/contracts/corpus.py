"""Owns the test texts of each kind of value, with the value that is stored for each, or the refusal."""

from __future__ import annotations

from dataclasses import dataclass

NBSP, ZWSP, ZWNJ, ZWJ, LRM, RLO, FILLER, SHY = "\u00a0", "\u200b", "\u200c", "\u200d", "\u200e", "\u202e", "\u3164", "\u00ad"


@dataclass(frozen=True)
class Kept:
    """The text is accepted, and this value is stored."""

    value: str


@dataclass(frozen=True)
class Says:
    """The text is refused with this sentence."""

    sentence: str


Outcome = Kept | Says
Row = tuple[str, Outcome]


def hides(what: str, character: str) -> Says:
    return Says(f"The {what} holds a character that does not show ({character}). Type it again.")


def kept(texts: list[str], value: str) -> list[Row]:
    return [(text, Kept(value)) for text in texts]


def said(texts: list[str], sentence: str) -> list[Row]:
    return [(text, Says(sentence)) for text in texts]


# White space that is removed from the ends of any text.
ENDS = [" ", "   ", "\t", "\n", "\r\n", "\v", "\f", "\x85", NBSP, "\u1680", "\u2003", "\u2009", "\u2028", "\u2029", "\u202f", "\u205f", "\u3000"]


def around(text: str) -> list[str]:
    return [f" {text}", f"{text} ", f"\t{text}", f"{text}\n", f"{NBSP}{text}", f"\u3000\t {text} \r\n"]


BLANK = ["", " ", NBSP, " \t\r\n \u3000"]

HANDLE_RULE = "A username has 3 to 32 of the letters a-z, digits, _ and -, and starts with a letter. Choose another."
# Usernames for bob, who exists.
HANDLES: list[Row] = [
    *kept(["bob", "BOB", "Bob", "@bob", "@BOB", " @bob ", *around("bob"), *(end + "bob" + end for end in ENDS)], "bob"),
    *said([
        "bo", "1bob", "-bob", "_bob", "b ob", "@ bob", "@@bob", "bob@", "b\nob", "bob.", "bob's", "b/ob", "bob\x00", "\x00bob", "bob\x1f", "b\x00ob",
        f"bob{ZWSP}", f"b{ZWNJ}ob", f"bob{RLO}", f"bob{LRM}", "\ufeffbob", "bób", "bo\u0301b", "ｂｏｂ", "＠bob", "bоb", "𝐛𝐨𝐛", "ʙob", "\u212aob", "боб",
        "b\u0131b", "🦊🦊🦊", "٣bob", "bob" + "x" * 30, "x" * 10_000, "<b>bob</b>", "bob';--", "%62ob", "\\u0062ob",
    ], HANDLE_RULE),
]

# Single lines: memos, display names and token names.
PLAIN_LINES: list[Row] = [
    ("Rent", Kept("Rent")), ("x", Kept("x")), ("0", Kept("0")), ("-", Kept("-")), ('Rent & more; "half" <b>1/2</b>', Kept('Rent & more; "half" <b>1/2</b>')),
    *kept(around("Rent"), "Rent"), *kept(["a  \t\r\n b", f"a{NBSP} {NBSP}b"], "a b"),
    ("Jose\u0301", Kept("José")), ("José", Kept("José")), ("ＡＢＣ", Kept("ＡＢＣ")), ("\u212b", Kept("\u00c5")), ("Zoë's café", Kept("Zoë's café")),
    ("Привет", Kept("Привет")), ("日本 太郎", Kept("日本 太郎")), ("葛\U000e0100城", Kept("葛\U000e0100城")), ("مرحبا", Kept("مرحبا")), ("שלום", Kept("שלום")),
    (f"می{ZWNJ}خواهم", Kept(f"می{ZWNJ}خواهم")), (f"دلار{ZWNJ}ها", Kept(f"دلار{ZWNJ}ها")), (f"ه{ZWJ}", Kept(f"ه{ZWJ}")),
    (f"क्{ZWJ}ष", Kept(f"क्{ZWJ}ष")), (f"ক্{ZWNJ}ষ", Kept(f"ক্{ZWNJ}ষ")), (f"র{ZWJ}্যাব", Kept(f"র{ZWJ}্যাব")),
    ("🦊", Kept("🦊")), (f"👩{ZWJ}🍳", Kept(f"👩{ZWJ}🍳")), (f"👩🏽{ZWJ}🚀", Kept(f"👩🏽{ZWJ}🚀")), (f"👨{ZWJ}👩{ZWJ}👧{ZWJ}👦", Kept(f"👨{ZWJ}👩{ZWJ}👧{ZWJ}👦")),
    (f"🏳\ufe0f{ZWJ}🌈", Kept(f"🏳\ufe0f{ZWJ}🌈")), (f"❤\ufe0f{ZWJ}🔥", Kept(f"❤\ufe0f{ZWJ}🔥")), ("❤\ufe0f", Kept("❤\ufe0f")), ("☎\ufe0e", Kept("☎\ufe0e")),
    ("1\ufe0f\u20e3", Kept("1\ufe0f\u20e3")), ("🇬🇧", Kept("🇬🇧")), ("🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
                                                    Kept("🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f")),
    ("\U0001fa77", Kept("\U0001fa77")), ("\U0001fae9", Kept("\U0001fae9")),  # emoji that are newer than the tables of Python 3.11
]
HIDDEN_LINES: list[tuple[str, str]] = [
    ("\x00", "U+0000"), ("Re\x00nt", "U+0000"), ("Rent\x00", "U+0000"), ("Re\x07nt", "U+0007"), ("Rent\x1f", "U+001F"), ("\x7f", "U+007F"), ("a\x9fb", "U+009F"),
    (f"Re{ZWSP}nt", "U+200B, ZERO WIDTH SPACE"), (ZWSP, "U+200B, ZERO WIDTH SPACE"), ("\ufeffRent", "U+FEFF, ZERO WIDTH NO-BREAK SPACE"),
    (f"Re{SHY}nt", "U+00AD, SOFT HYPHEN"), ("Re\u2060nt", "U+2060, WORD JOINER"), ("Re\u034fnt", "U+034F, COMBINING GRAPHEME JOINER"),
    (f"Re{ZWNJ}nt", "U+200C, ZERO WIDTH NON-JOINER"), (f"Re{ZWJ}nt", "U+200D, ZERO WIDTH JOINER"), (f"Rent{ZWJ}", "U+200D, ZERO WIDTH JOINER"),
    (f"می{ZWNJ}", "U+200C, ZERO WIDTH NON-JOINER"), (f"می{ZWNJ}{ZWNJ}خواهم", "U+200C, ZERO WIDTH NON-JOINER"), (f"می{ZWNJ} خواهم", "U+200C, ZERO WIDTH NON-JOINER"),
    (f"👩{ZWJ}", "U+200D, ZERO WIDTH JOINER"), (f"{ZWJ}👩", "U+200D, ZERO WIDTH JOINER"), (f"👩{ZWJ}a", "U+200D, ZERO WIDTH JOINER"),
    (f"👩{ZWJ}{ZWJ}🍳", "U+200D, ZERO WIDTH JOINER"), ("Rent\ufe0f", "U+FE0F, VARIATION SELECTOR-16"), ("1\ufe0f", "U+FE0F, VARIATION SELECTOR-16"),
    ("a\U000e0100", "U+E0100, VARIATION SELECTOR-17"), ("🏴\U000e0067", "U+E0067, TAG LATIN SMALL LETTER G"), ("a\U000e0041", "U+E0041, TAG LATIN CAPITAL LETTER A"),
    (f"{RLO}00.5", "U+202E, RIGHT-TO-LEFT OVERRIDE"), ("\u202aRent", "U+202A, LEFT-TO-RIGHT EMBEDDING"), ("\u2066Rent\u2069", "U+2066, LEFT-TO-RIGHT ISOLATE"),
    (f"Rent{LRM}", "U+200E, LEFT-TO-RIGHT MARK"), ("\u061cRent", "U+061C, ARABIC LETTER MARK"), ("\u2800", "U+2800, BRAILLE PATTERN BLANK"),
    (FILLER, "U+3164, HANGUL FILLER"), (f"Bob{FILLER}", "U+3164, HANGUL FILLER"), ("\u115f", "U+115F, HANGUL CHOSEONG FILLER"), ("\uffa0", "U+FFA0, HALFWIDTH HANGUL FILLER"),
    ("\ue000", "U+E000"), ("\U0010fffd", "U+10FFFD"), ("\u0378", "U+0378"), ("\uffff", "U+FFFF"), ("\ufff9Rent", "U+FFF9, INTERLINEAR ANNOTATION ANCHOR"),
]


def lines(what: str, maximum_characters: int, *, each_of_hidden: int = 1) -> list[Row]:
    """The stored values and the refusals of a single line.

    Args:
        each_of_hidden: 3 for every third of the hidden characters.
    """
    too_long = f"A {what} has at most {maximum_characters} characters. Shorten it."
    full = "x" * maximum_characters
    return [
        *PLAIN_LINES, *((text, hides(what, character)) for text, character in HIDDEN_LINES[::each_of_hidden]),
        *said(["\u0301", "\u0301\u0302", "\u20e3"], f"The {what} holds nothing that shows. Type it again."),
        *kept([full, f"  {full}\n"], full), ("é" * maximum_characters, Kept("é" * maximum_characters)),
        ("e\u0301" * maximum_characters, Kept("é" * maximum_characters)), ("🦊" * maximum_characters, Kept("🦊" * maximum_characters)),
        *said([full + "x", full + " x", "🦊" * (maximum_characters + 1), "e\u0301" * (maximum_characters + 1), "x" * 9_000, "\u0301\u0323" * 2_000], too_long),
    ]


MEMOS = lines("memo", 200) + kept([f"{end}a{end}b{end}" for end in ENDS], "a b")
DISPLAY_NAMES = lines("display name", 64, each_of_hidden=2)
# A person has at most 50 tokens.
TOKEN_NAMES = [row for row in lines("name of a token", 64, each_of_hidden=5) if row[1] != Kept("Rent")] + kept(["Rent", " Rent\n"], "Rent")

EXAMPLE = "for example 12.50."
NO_AMOUNT = f"That is not an amount. Write only the number, {EXAMPLE}"
FRACTION_RULE = "GBP has at most 2 digits after the point. Nothing is rounded: write the exact amount."
# For an amount to move and for the bound of a filter.
MALFORMED_AMOUNTS: list[Row] = [
    *said(["-1", "-0", "-0.01", "\N{MINUS SIGN}5", "-five", "--5", " -1 "], "An amount is never below zero. Leave out the minus sign."),
    *said(["+5", "+0.01"], "An amount needs no plus sign. Leave it out."),
    *said(["5,00", "1,000.00", "1,000", "1.000,00", ","], f"Write the amount with a point and without commas, {EXAMPLE}"),
    *said(["1e5", "1E5", "1.5e3", "1e-2"], f"Write the amount with all its digits, {EXAMPLE}"),
    *said(["٥", "５", "1२", "𝟓", "５.００"], f"Write the amount with the digits 0 to 9, {EXAMPLE}"),
    *said(["1 000", f"1{NBSP}000.00", "1\n2", "1\u20092"], f"Write the amount without spaces, {EXAMPLE}"),
    *said(["1.2.3", "1..2", "5.0."], f"An amount has one point at most, {EXAMPLE}"),
    *said(["five", "£5", "5 GBP", "NaN", "nan", "Infinity", "inf", "0x10", "0b1", "1_000", "½", "²", "1/2", ".", "5%", "(5)", "null", "true", "5-", "1'000", "V"],
          NO_AMOUNT),
    ("1.", Says("There is no digit after the point. Write 1.")), ("12.", Says("There is no digit after the point. Write 12.")),
    ("0.", Says("There is no digit after the point. Write 0.")), (".5", Says("There is no digit before the point. Write 0.5.")),
    (".50", Says("There is no digit before the point. Write 0.50.")), ("00.10", Says("There are too many zeros at the beginning. Write 0.10.")),
    ("01", Says("There are too many zeros at the beginning. Write 1.")), ("00", Says("There are too many zeros at the beginning. Write 0.")),
    ("007.5", Says("There are too many zeros at the beginning. Write 7.5.")),
    *said(["0.001", "12.500", "1.005", "00.001", ".123"], FRACTION_RULE),
    *said(["10000000000.01", "9" * 32], "The largest amount is £10,000,000,000.00. Write a smaller one."),
    *said(["9" * 33, "1" * 5_000, "x" * 40], f"That is too long for an amount. Write at most 32 characters, {EXAMPLE}"),
    (f"5{ZWSP}", hides("amount", "U+200B, ZERO WIDTH SPACE")), ("5\x00", hides("amount", "U+0000")), ("5\x1f", hides("amount", "U+001F")),
    (f"{RLO}5", hides("amount", "U+202E, RIGHT-TO-LEFT OVERRIDE")), ("\ufeff5", hides("amount", "U+FEFF, ZERO WIDTH NO-BREAK SPACE")),
]
AMOUNTS: list[Row] = [
    *kept(["12.50", "12.5", *around("12.50")], "12.50"), ("0.01", Kept("0.01")), ("1", Kept("1.00")), ("0.10", Kept("0.10")), ("10.0", Kept("10.00")),
    ("10000000000.00", Kept("10000000000.00")), *MALFORMED_AMOUNTS, *said(["0", "0.0", "0.00"], "The amount must be at least £0.01."),
]
BLANK_AMOUNT = Says(f"Enter an amount, {EXAMPLE}")
# As the minimum amount in a history of 1000.00, 12.50 and 0.01: the number of payments that are found.
BOUNDS: list[Row] = [
    *kept(["0", "0.0", "0.00", "0.01", " 0 "], "3"), *kept(["0.02", "12.50", "12.5", *around("12.50")], "2"), *kept(["12.51", "1000"], "1"),
    *kept(["1000.01", "10000000000.00"], "0"), *MALFORMED_AMOUNTS,
]

# Searches for bob, whose display name is "José Ávila": who is found.
SEARCHES: list[Row] = [
    *kept(["bob", "BOB", "bo", "José", "JOSÉ", "Jose\u0301", "sé Áv", "sé   Áv", f"José{NBSP}Ávila", *around("bob")], "bob"),
    *kept(["%", "_", "\\", "'", "José  Á x", "x" * 64, "🦊" * 64, f"👩{ZWJ}🍳", f"می{ZWNJ}خواهم", "bob\\", "@bob"], ""),
    *said(["x" * 65, "🦊" * 65, "x" * 5_000], "A search has at most 64 characters. Shorten it."),
    *((text, hides("search", character)) for text, character in HIDDEN_LINES[::5]), ("\u0301", Says("The search holds nothing that shows. Type it again.")),
]

TOO_SHORT = "A password has at least 12 characters. A few words in a row make a good one."
TOO_LONG = "A password has at most 1024 characters."
LONG_PASSWORD = "".join(chr(33 + number * 7 % 90) for number in range(1024))
PASSWORDS: list[Row] = [
    *kept([
        "uncommon heron lamp", "  uncommon heron lamp  ", "uncommon\theron lamp", "uncommon heron\x00lamp", f"uncommon heron{ZWSP}lamp", "пароль из редких слов",
        "🦊 fox 🐇 hare 🦔 hedgehog", "ｕｎｃｏｍｍｏｎ ｈｅｒｏｎ", "cafe\u0301 au lait de jument", f"می{ZWNJ}خواهم پرواز کنم", LONG_PASSWORD,
    ], ""),
    *said(["", " ", "short", "elevenchars", "\x00", "e\u0301" * 11], TOO_SHORT),
    *said([LONG_PASSWORD + "x", "x" * 4_000, "\u0301\u0323" * 2_000], TOO_LONG),
]

KEY = "b4c07f3d-5e1a-4d2f-8a96-71c3e0b9d258"
NO_ID = "That is not an id. Send a UUID as text, such as 2f6c3c1e-8a4b-4f57-9d3e-0b6a1c5d7e90."
IDS: list[Row] = [
    *kept([KEY, KEY.upper(), *around(KEY)], KEY),
    *said([
        "7", "x" * 36, KEY[:-1], KEY + "0", KEY.replace("-", ""), f"{{{KEY}}}", f"urn:uuid:{KEY}", KEY.replace("-", "", 1) + "-", KEY.replace("2", "２", 1),
        KEY.replace("f", "g", 1), KEY + "\x00", KEY + "\x1f", f"{KEY}{ZWSP}", f"{RLO}{KEY}", KEY.replace("-", "\N{EN DASH}"), f"{KEY}\n{KEY}", "null", "0",
    ], NO_ID),
]

NO_MOMENT = "That is not a date and time with its offset. Write it as 2026-11-22T18:30:00Z, from 1970 on."
MOMENTS: list[Row] = [
    *kept(["2026-11-22T18:30:00Z", "2026-11-22t18:30:00z", "2026-11-22T18:30:00+00:00", "2026-11-22T18:30:00-00:00", "2026-11-22T19:30:00+01:00",
           "2026-11-22T00:00:00-18:30", "2026-11-22T18:30:00.0Z", "2026-11-22T18:30:00.000000000Z", "2026-11-22T18:30:00.000000999Z",
           *around("2026-11-22T18:30:00Z")], "2026-11-22T18:30:00.000000Z"),
    ("2026-11-22T18:30:00.5Z", Kept("2026-11-22T18:30:00.500000Z")), ("2026-11-22T18:30:00.123456Z", Kept("2026-11-22T18:30:00.123456Z")),
    ("2026-11-22T18:30:00.1234567Z", Kept("2026-11-22T18:30:00.123456Z")), ("2026-11-22T18:30:59.999999999z", Kept("2026-11-22T18:30:59.999999Z")),
    ("1970-01-01T00:00:00Z", Kept("1970-01-01T00:00:00.000000Z")), ("2024-02-29T12:00:00Z", Kept("2024-02-29T12:00:00.000000Z")),
    ("9999-12-31T23:59:59.999999999Z", Kept("9999-12-31T23:59:59.999999Z")),
    *said([
        "2026-11-22", "2026-11-22T18:30:00", "2026-11-22T18:30Z", "2026-11-22 18:30:00Z", "2026-11-22T18:30:00.Z", "2026-11-22T18:30:00.1234567890Z",
        "2026-11-22T18:30:00,5Z", "2026-11-22T24:00:00Z", "2026-11-22T18:60:00Z", "2016-12-31T23:59:60Z", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z",
        "2026-11-22T18:30:00+24:00", "2026-11-22T18:30:00+01:60", "2026-11-22T18:30:00+0100", "2026-11-22T18:30:00+01", "2026-11-22T18:30:00 Z",
        "1969-12-31T23:59:59Z", "1970-01-01T00:00:00+00:01", "0000-01-01T00:00:00Z", "0001-01-01T00:00:00+10:00", "9999-12-31T23:59:59-00:01",
        "10000-01-01T00:00:00Z", "-2026-11-22T18:30:00Z", "+2026-11-22T18:30:00Z", "2026-W47-7T18:30:00Z", "2026-326T18:30:00Z", "20261122T183000Z",
        "٢٠٢٦-11-22T18:30:00Z", "２０２６-11-22T18:30:00Z", "2026-11-22T18:30:00Z\x00", f"2026-11-22T18:30:00Z{ZWSP}", "22.11.2026", "11/22/2026", "now", "today",
        "1700000000", "Sun, 22 Nov 2026 18:30:00 GMT",
    ], NO_MOMENT),
]
NO_DAY = "That is not a date. Write year, month and day, for example 2026-11-22, from 1970 on."
DAYS: list[Row] = [
    *kept(["2026-11-22", *around("2026-11-22")], "2026-11-22"), ("1970-01-01", Kept("1970-01-01")), ("2024-02-29", Kept("2024-02-29")), ("9999-12-31", Kept("9999-12-31")),
    *said(["2026-1-5", "2026-02-29", "2026-13-01", "2026-00-01", "2026-01-00", "1969-12-31", "0000-01-01", "0001-01-01", "10000-01-01", "22.11.2026", "11/22/2026",
           "2026/11/22", "20261122", "2026-11-22T00:00:00Z", "2026-W47-7", "٢٠٢٦-11-22", "２０２６-１１-２２", "2026-11-22\x00", f"2026-11-22{ZWSP}", "today", "-1"], NO_DAY),
]
