"""Reading of QR codes for browsers that cannot: the grey values of a picture in, texts out.

The browser decodes the picture file, so no parser of picture formats runs here, and the work is
bounded by the number of pixels.
"""

from __future__ import annotations

import re

import zxingcpp
from starlette.requests import Request
from starlette.responses import Response

from certledger.api.auth.api_keys import Caller, asker_of
from certledger.api.errors import RequestInvalidError
from certledger.api.request.body import receive_body
from certledger.api.request.body_budget import hold
from certledger.api.responses import json_response
from certledger.api.service import service_of

MEDIA = "application/octet-stream"
MAX_SIDE = 1_600
"""As `MAX_SIDE` of `code_reader.mjs`: a page sends no greater picture."""
MAX_CODES = 8
MAX_CODE_CHARACTERS = 8_192
_FORMATS = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
_NUMBER = re.compile(r"[1-9][0-9]{0,3}")


async def read_codes(request: Request, caller: Caller) -> Response:
    """Return the texts of the QR codes in grey values, one byte a pixel, row by row.

    Raises:
        RequestInvalidError: width or height are missing, too great, or not those of the body.
    """
    width, height = (_side(request, name) for name in ("width", "height"))
    service, asker = service_of(request), asker_of(request)
    share = service.memory.share(asker.name, public=asker.public)
    hold(request.scope, share)
    grey = bytearray()

    async def take(piece: bytes) -> None:
        share.grow(len(piece))
        grey.extend(piece)

    await receive_body(request, (MEDIA,), take)
    if len(grey) != width * height:
        raise RequestInvalidError(f"{width} by {height} pixels are not {len(grey)} bytes")
    codes = await service.pools.read_picture(request, decode, bytes(grey), width, height)
    return json_response({"codes": codes})


def _side(request: Request, name: str) -> int:
    text = request.query_params.get(name, "")
    if not _NUMBER.fullmatch(text) or int(text) > MAX_SIDE:
        raise RequestInvalidError(f"{name} is a number of pixels from 1 to {MAX_SIDE}")
    return int(text)


def decode(grey: bytes, width: int, height: int) -> list[str]:
    """Return the texts of the QR codes in grey values."""
    picture = memoryview(grey).cast("B", (height, width))
    found = zxingcpp.read_barcodes(picture, formats=_FORMATS)
    return [one.text[:MAX_CODE_CHARACTERS] for one in found[:MAX_CODES]]
