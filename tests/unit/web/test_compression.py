"""Which answers are compressed, and for whom."""

import gzip

import flask
import pytest

from secciones.web.compression import compressed


def answered(accepts: str | None, response: flask.Response) -> flask.Response:
    headers = {} if accepts is None else {"Accept-Encoding": accepts}
    with flask.Flask("page").test_request_context("/", headers=headers) as context:
        return compressed(context.request, response)


def page(status: int = 200) -> flask.Response:
    return flask.Response("<p>ñandú</p>" * 100, status, mimetype="text/html")


@pytest.mark.parametrize("accepts", ["gzip", "gzip, deflate, br, zstd", "br;q=1.0, gzip;q=0.8, *;q=0.1", "*"])
def test_a_page_is_compressed_for_a_browser_that_takes_it(accepts: str) -> None:
    response = answered(accepts, page())
    assert gzip.decompress(response.get_data()).decode() == "<p>ñandú</p>" * 100
    assert response.headers["Content-Encoding"] == "gzip"
    assert response.headers["Vary"] == "Accept-Encoding"
    assert int(response.headers["Content-Length"]) == len(response.get_data()) < 100


@pytest.mark.parametrize("accepts", [None, "", "br", "identity", "gzip;q=0", "gzip;q=0, *"])
def test_whoever_does_not_take_it_gets_it_as_it_is(accepts: str | None) -> None:
    response = answered(accepts, page())
    assert response.get_data(as_text=True) == "<p>ñandú</p>" * 100
    assert "Content-Encoding" not in response.headers
    assert response.headers["Vary"] == "Accept-Encoding"


def test_nothing_but_a_good_page_is_compressed() -> None:
    for response in (page(503), flask.Response(status=303), flask.Response("{}", mimetype="application/json")):
        assert "Content-Encoding" not in answered("gzip", response).headers
