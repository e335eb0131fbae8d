"""What a phone's camera reads on the slips of a mail."""

import pypdfium2
import zxingcpp


def codes_of(file: bytes) -> list[str]:
    """The text of every code, page by page."""
    pictures = (page.render(scale=3, grayscale=True).to_pil() for page in pypdfium2.PdfDocument(file))
    return [code.text for picture in pictures for code in zxingcpp.read_barcodes(picture)]
