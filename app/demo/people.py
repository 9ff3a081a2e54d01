"""Owns the data of the demo people: names, jobs, flats, habits. Nothing here moves money.

All amounts are hundredths of the currency's main unit: 1_250 is 12.50.
"""

from __future__ import annotations

from typing import Final

LOGIN_USERNAME: Final = "amara"
# Passes the rules for passwords and is quick to type on a phone.
PASSWORD: Final = "seven green umbrellas"  # noqa: S105 - printed at the start; it protects invented money

SHOP: Final = "corner-shop"
CAFE: Final = "cafe-lumen"
STUDIO: Final = "harbour-studio"
LANDLADY: Final = "june"

DISPLAY_NAMES: Final = {
    "amara": "Amara Okafor",
    "bilal": "Bilal Haddad",
    "chloe": "Chloé Martin",
    "daniel": "Daniel Kim",
    "elif": "Elif Yıldız",  # noqa: RUF001 - her name is written so
    "femi": "Femi Adeyemi",
    "grace": "Grace Thompson",
    "hiro": "Hiro Tanaka",
    "ines": "Inês Carvalho",
    "jonas": "Jonas Lindqvist",
    "kavya": "Kavya Nair",
    "leila": "Leila Farahani",
    "marek": "Marek Kowalski",
    "noor": "Noor Rahman",
    LANDLADY: "June Whitaker",
    SHOP: "Rosa's Corner Shop",
    CAFE: "Café Lumen",
    STUDIO: "Harbour Studio",
}
NEIGHBOURS: Final = tuple(name for name in DISPLAY_NAMES if name not in (SHOP, CAFE, STUDIO))

OPENING_BALANCE: Final = 100_000
SALARIES: Final = {"amara": 148_000, "daniel": 139_000, "grace": 161_000, "hiro": 132_500, "kavya": 154_000}
FREELANCERS: Final = {"ines": (38_000, "Translation, {month}"), "jonas": (45_000, "Photographs, {month}")}
WEEKLY_WAGES: Final = ((SHOP, "marek", 14_000, "Wages, week {week}"), (CAFE, "femi", 6_000, "Weekend shifts, week {week}"))
TOP_UPS: Final = {
    "bilal": 90_000, "chloe": 34_000, "elif": 87_500, "femi": 52_000, "leila": 42_000, "marek": 15_000, "noor": 36_000,
}
STUDIO_TOP_UP: Final = 825_000
RENTS: Final = {"amara": 64_000, "bilal": 56_000, "elif": 59_000, "daniel": 72_000, "kavya": 72_000, "femi": 45_000}
# Who pays a bill of a flat, and who pays a share back: (bill, day of the month, least, most, payer, the others).
SHARED_BILLS: Final = (
    ("Electricity, {month}", 12, 1_900, 3_400, "amara", ("bilal", "elif")),
    ("Broadband, my third", 18, 1_100, 1_100, "bilal", ("amara", "elif")),
    ("Gas and water, {month}", 14, 2_200, 4_100, "kavya", ("daniel",)),
)
# At the end of the month everything above `keep` goes to a bank: (who, keep, memo).
PAY_OUTS: Final = (
    (LANDLADY, 120_000, "Paid out to the bank"),
    (SHOP, 60_000, "Takings to the bank"),
    (CAFE, 45_000, "Takings to the bank"),
    (STUDIO, 150_000, "Paid out to the bank"),
    # This leaves enough for the next rent and a month of living.
    *(
        (name, 85_000 + 4_000 * place + RENTS.get(name, 0), "Into savings")
        for place, name in enumerate(NEIGHBOURS) if name != LANDLADY
    ),
)
# (weekday, hour, payer, payee, amount, memo, how often it happens); Monday is 0.
WEEKLY_HABITS: Final = (
    (2, 17, "noor", "jonas", 2_500, "Guitar lesson", 0.9),
    (3, 19, "grace", "ines", 1_800, "Portuguese lesson", 0.8),
    (0, 19, "hiro", "ines", 1_800, "Portuguese, Monday group", 0.7),
    (5, 23, "leila", "chloe", 3_200, "Babysitting, thank you!", 0.6),
    (6, 11, "june", "marek", 2_000, "Garden, two hours", 0.5),
    *((1, 21, name, "hiro", 450, "Five-a-side", 0.8) for name in ("daniel", "bilal", "femi", "marek", "noor")),
)
BIRTHDAYS: Final = {
    (1, 19): "hiro", (2, 8): "leila", (3, 3): "jonas", (3, 27): "noor", (4, 14): "elif", (5, 22): "bilal", (6, 11): "grace",
    (7, 6): "kavya", (8, 17): "amara", (9, 2): "femi", (10, 9): "ines", (10, 30): "daniel", (11, 21): "chloe", (12, 12): "marek",
}
BIRTHDAY_WISHES: Final = (
    "Happy birthday, {name}! 🎂", "Many happy returns, {name}", "For the birthday cake", "Joyeux anniversaire !",
    "Your present, from us both",
)
GROCERIES: Final = (
    "Milk and bread", "Oat milk, bananas", "Groceries", "Eggs, rice, onions", "Newspaper", "Washing powder", "Tomatoes and basil",
    "Cat food", "Stamps", "Lemons, ginger, honey", "Light bulbs", "Two bags of shopping", "Ice cream", "Pasta and olive oil",
    "Batteries", "Bread, cheese, apples", "Tea and biscuits", "Flowers", "Bin bags", "Coriander, chillies, limes",
)
DRINKS: Final = (
    ("Flat white", 360), ("Espresso", 240), ("Cappuccino and a croissant", 640), ("Two coffees", 710), ("Pot of tea", 310),
    ("Iced latte", 420), ("Cinnamon bun", 380), ("Soup of the day", 780), ("Cortado", 330), ("Hot chocolate", 395),
)
DINNERS: Final = (
    "Dinner at Bella Napoli", "Ramen on {weekday}", "Curry night", "Pizza, my share", "Tapas, thanks for booking", "Sunday roast",
    "Falafel and drinks", "Cinema and popcorn", "Taxi home, my share", "Concert tickets", "Barbecue things",
    "Merci pour hier soir !",
)
REFUND_MEMOS: Final = ("The milk was off, sorry", "Charged twice by mistake", "Returned, unopened", "Wrong price on the shelf")
# The last minutes before the demo was made: (minutes ago, payer, payee, amount, memo).
JUST_NOW: Final = (
    (184, "bilal", "amara", 850, "My half of the taxi"),
    (97, "amara", CAFE, 360, "Flat white"),
    (58, "kavya", "grace", 1_420, "Museum tickets"),
    (41, "grace", "amara", 1_240, "Ramen last night"),
    (12, "amara", SHOP, 865, "Oat milk, bread, lemons"),
)
