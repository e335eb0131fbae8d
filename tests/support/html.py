"""What every page must keep to, whoever fetched it: valid HTML, the basics of access, nothing that the CSP stops."""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element

import html5lib

_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_LABELLED = {"input", "select", "textarea", "progress", "meter"}
_UNLABELLED_INPUTS = {"hidden", "submit", "button", "reset"}
_ADDRESSES = ("src", "href", "action", "formaction", "poster", "data")
_REFERENCES = ("for", "form", "aria-labelledby", "aria-describedby", "aria-controls", "aria-owns", "headers")
# What is drawn anew for every page.
DRAWN = re.compile(r'(?<=name="csrf_token" value=")[^"]*|(?<=name="form_nonce" value=")[^"]*|(?<=<code>)[^<]*')
_UNSAFE_BLANKS = re.compile(r"[\u202a-\u202e\u2066-\u2069\x00]")


_good: set[bytes] = set()


def check_page(html: str) -> Element:
    """The parsed page; raises AssertionError with everything that is wrong with it."""
    problems = problems_of(html)
    assert not problems, "\n".join([*problems, "", html])
    return parse_page(html)


def check_page_once(html: str) -> None:
    """The same, for whoever sees many pages: none that differs from a good one in nothing but what is drawn anew is
    checked again."""
    digest = hashlib.sha256(DRAWN.sub("", html).encode()).digest()
    if digest not in _good:
        check_page(html)
        _good.add(digest)


def parse_page(html: str) -> Element:
    """The page as an element tree without namespaces; raises html5lib's ParseError for invalid HTML."""
    tree: Element = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(html)
    return tree


def text_of(element: Element) -> str:
    """What a reader sees of an element, blanks folded, scripts and styles left out."""
    return " ".join("".join(_texts(element)).split())


def problems_of(html: str) -> list[str]:
    """A sentence for each rule that the page breaks; empty for a good page."""
    try:
        page = parse_page(html)
    except html5lib.html5parser.ParseError as error:
        return [f"invalid HTML: {error}"]
    return [problem for rule in _RULES for problem in rule(page)]


def _document(page: Element) -> Iterator[str]:
    root = page if page.tag == "html" else page.find(".//html")
    if root is None or root.get("lang") != "es":
        yield 'the document is not in lang="es"'
    title = page.find(".//head/title")
    if title is None or not text_of(title):
        yield "no title"
    if page.find(".//head/meta[@name='viewport']") is None:
        yield "no viewport"
    if len(page.findall(".//main")) != 1:
        yield "not exactly one main"


def _headings(page: Element) -> Iterator[str]:
    headings = [element for element in _elements(page) if element.tag in _HEADINGS]
    if sum(heading.tag == "h1" for heading in headings) != 1:
        yield "not exactly one h1"
    levels = [int(heading.tag[1]) for heading in headings]
    for before, after in zip([0, *levels], levels, strict=False):
        if after > before + 1:
            yield f"h{after} follows h{before}" if before else f"the first heading is h{after}"
    yield from (f"empty {heading.tag}" for heading in headings if not text_of(heading))


def _ids(page: Element) -> Iterator[str]:
    counts = Counter(element.get("id") for element in _elements(page) if "id" in element.attrib)
    yield from (f"id {name!r} is used {count} times" for name, count in counts.items() if count > 1)
    yield from (f"id {name!r} is empty or has blanks" for name in counts if not name or len(name.split()) != 1)
    for element in _elements(page):
        for attribute in _REFERENCES:
            yield from (
                f"{attribute}={name!r} of {element.tag} leads nowhere"
                for name in element.get(attribute, "").split()
                if name not in counts
            )
        target = element.get("href", "")
        if element.tag == "a" and target.startswith("#") and target[1:] not in counts:
            yield f"the link to {target!r} leads nowhere"


def _labels(page: Element) -> Iterator[str]:
    labels = [element for element in _elements(page) if element.tag == "label" and text_of(element)]
    labelled = {label.get("for") for label in labels}
    wrapped = {id(inner) for label in labels for inner in label.iter()}
    for field in _elements(page):
        if field.tag not in _LABELLED or field.get("type") in _UNLABELLED_INPUTS:
            continue
        if field.get("id") not in labelled and id(field) not in wrapped and not _has_aria_name(field):
            yield f"{field.tag} {field.get('name', field.get('id'))!r} has no label"


def _names(page: Element) -> Iterator[str]:
    for element in _elements(page):
        if element.tag in {"a", "button", "summary"} and not (_name_of(element) or _has_aria_name(element)):
            yield f"{element.tag} without a name"
        if element.tag == "a" and not element.get("href"):
            yield f"the link {text_of(element)!r} leads nowhere"
        if element.tag == "img" and "alt" not in element.attrib:
            yield f"image {element.get('src')!r} has no alt"


def _tables(page: Element) -> Iterator[str]:
    for table in (element for element in _elements(page) if element.tag == "table"):
        if table.get("role") == "presentation":
            continue
        heads = [cell for cell in table.iter() if cell.tag == "th"]
        if not heads:
            yield "a table without header cells"
        yield from (f"header cell {text_of(cell)!r} has no scope" for cell in heads if "scope" not in cell.attrib)


def _forms(page: Element) -> Iterator[str]:
    forms = [element for element in _elements(page) if element.tag == "form"]
    for form in forms:
        address = form.get("action", "")
        if any(inner.tag == "form" for inner in form.iter() if inner is not form):
            yield f"the form to {address!r} holds another form"
        method = form.get("method", "get").lower()
        tokens = [field for field in form.iter() if field.tag == "input" and field.get("name") == "csrf_token"]
        if method == "post" and [field.get("type") for field in tokens] != ["hidden"]:
            yield f"the form to {address!r} does not have exactly one hidden csrf_token"
        if method == "get" and tokens:
            yield f"the form to {address!r} would put its csrf_token into the address"
        if not any(button.tag in {"button", "input"} and button.get("type") == "submit" for button in form.iter()):
            yield f"the form to {address!r} has no submit button"


def _strict_csp(page: Element) -> Iterator[str]:
    for element in _elements(page):
        if element.tag == "style":
            yield "an inline style sheet"
        if element.tag == "script" and (not element.get("src") or (element.text or "").strip()):
            yield "an inline script"
        if element.tag in {"base", "iframe", "object", "embed", "frame"}:
            yield f"a {element.tag}"
        for name in element.attrib:
            if name == "style" or name.startswith("on"):
                yield f"{element.tag} has the inline attribute {name}"


def _own_origin(page: Element) -> Iterator[str]:
    for element in _elements(page):
        for name in _ADDRESSES:
            address = element.get(name)
            if address is None:
                continue
            parts = urlsplit(address.strip())
            if parts.scheme not in {"", "http", "https", "mailto"}:
                yield f"{element.tag} {name} uses {parts.scheme}:"
            elif (parts.netloc or parts.scheme) and element.tag != "a":
                yield f"{element.tag} {name} leaves the own origin: {address!r}"
        if "srcset" in element.attrib:
            yield f"{element.tag} has a srcset, which nothing checks"


def _characters(page: Element) -> Iterator[str]:
    if _UNSAFE_BLANKS.search("".join(_texts(page))):
        yield "a control character that turns the direction of the text"


_RULES: tuple[Callable[[Element], Iterable[str]], ...] = (
    _document,
    _headings,
    _ids,
    _labels,
    _names,
    _tables,
    _forms,
    _strict_csp,
    _own_origin,
    _characters,
)


def _elements(page: Element) -> Iterator[Element]:
    return (element for element in page.iter() if isinstance(element.tag, str))


def _texts(element: Element) -> Iterator[str]:
    if element.tag not in {"script", "style"} and isinstance(element.tag, str):
        yield element.text or ""
        for child in element:
            yield from _texts(child)
            yield child.tail or ""


def _name_of(element: Element) -> str:
    images = [inner.get("alt", "") for inner in element.iter() if inner.tag == "img"]
    return " ".join([text_of(element), *images]).strip()


def _has_aria_name(element: Element) -> bool:
    return bool(element.get("aria-label", "").strip() or element.get("aria-labelledby", "").strip())
