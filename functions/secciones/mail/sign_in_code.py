"""The code on a slip: a phone's camera opens the sign-in page with it, the account's address filled in."""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

_DARK = re.compile(rb"\x00+")


@dataclass(frozen=True)
class Code:
    """A QR code of so many modules a side; `path` is a filled path of PDF over them, from the lower left corner."""

    side: int
    path: str


def sign_in_address(sign_in_url: str, address: str) -> str:
    """Where a browser signs an account in, also beside another one, with the address filled in and nothing else.

    Chromium opens the same page ("it will pass email as hint to the page so that it will be autofilled by Gaia":
    GetAddAccountURLForDice, chrome/browser/signin/signin_promo.h).
    """
    return f"{sign_in_url}/AddSession?{urlencode({'Email': address}, safe='@')}"


def code_of(text: str) -> Code:
    """Correction level M: a crease or a spot on the paper does no harm."""
    from zxingcpp import BarcodeFormat, create_barcode

    # A byte a module, 0 for a dark one.
    picture: Any = create_barcode(text, BarcodeFormat.QRCode, ec_level="M").to_image(add_quiet_zones=False)
    side = picture.shape[0]
    modules = bytes(memoryview(picture))
    runs = (
        f"{run.start()} {side - 1 - number} {run.end() - run.start()} 1 re"
        for number in range(side)
        for run in _DARK.finditer(modules[number * side : (number + 1) * side])
    )
    return Code(side, "\n".join((*runs, "f")))
