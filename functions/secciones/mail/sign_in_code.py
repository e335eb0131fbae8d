"""The code on a slip: a phone's camera opens the sign-in page with it, the account's address filled in."""

from typing import Any
from urllib.parse import urlencode

_BITS = bytes.maketrans(b"\x00\xff", b"01")


def sign_in_address(sign_in_url: str, address: str) -> str:
    """Where a browser signs an account in, also beside another one, with the address filled in and nothing else.

    Chromium opens the same page ("it will pass email as hint to the page so that it will be autofilled by Gaia":
    GetAddAccountURLForDice, chrome/browser/signin/signin_promo.h).
    """
    return f"{sign_in_url}/AddSession?{urlencode({'Email': address}, safe='@')}"


def code_of(text: str) -> str:
    """The QR code, as PDF has a picture within a page; it fills the unit square. Correction level M: a crease or a spot
    on the paper does no harm."""
    from zxingcpp import BarcodeFormat, create_barcode

    # A byte a module, 0 for a dark one.
    picture: Any = create_barcode(text, BarcodeFormat.QRCode, ec_level="M").to_image(add_quiet_zones=False)
    side = picture.shape[0]
    bits = bytes(memoryview(picture)).translate(_BITS)
    rows = (_hexadecimal(bits[start : start + side]) for start in range(0, side * side, side))
    # A mask paints where a bit is 0. As a path of squares it would be ten times as long.
    return f"BI /IM true /W {side} /H {side} /F /AHx ID {''.join(rows)}> EI"


def _hexadecimal(bits: bytes) -> str:
    """In whole bytes."""
    digits = -(-len(bits) // 8) * 2
    return f"{int(bits.ljust(4 * digits, b'0'), 2):0{digits}x}"
