"""The pictures of themes over HTTP: public, and kept by browsers for as long as they like."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from jobs.catalogue.theme_pictures import CONTENT_TYPE, theme_pictures

# Their names change with their content.
_HEADERS = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}


async def theme_picture(request: Request) -> Response:
    """Serve the picture of the name in the path; 404 for any other name."""
    content = theme_pictures().get(request.path_params["name"])
    if content is None:
        return PlainTextResponse("There is no such picture: use the URL that `Theme.previewUrl` returned.", 404)
    return Response(content, media_type=CONTENT_TYPE, headers=_HEADERS)
