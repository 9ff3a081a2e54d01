"""Owns reading a payout from a file: each line becomes a payment, or says what is wrong with it. Pure.

A file is read in steps, each with a module: its bytes are text (`text`), the text is rows and columns (`table`, by the words of
`headings`), a cell is an amount (`amounts`, and `split` where a comma may have parted one), and a row is a line (`lines`).
`carried` takes the lines through a form.
"""

from app.payments.payout_file.carried import read_carried_lines, write_carried_lines
from app.payments.payout_file.lines import PayoutLine, items_of, payments_of, repeated_lines
from app.payments.payout_file.reading import read_payout_file
from app.payments.payout_file.text import MAXIMUM_FILE_BYTES
