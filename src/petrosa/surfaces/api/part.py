"""A part of the HTTP surface: routes and their description, kept together so that neither is without the other."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec
from starlette.responses import Response
from starlette.routing import Route

JSON: Final = "application/json"
REF: Final = "#/components/schemas/{name}"

SECURITY: Final[Mapping[str, Any]] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A key of `petrosa keys create`."},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The same key."},
}
"""How a key is presented."""
KEYED: Final[Sequence[Mapping[str, Any]]] = [{}, {"bearer": []}, {"header": []}]
"""The `security` of an operation that asks who it is: a key, or none where none is needed."""


class Part(NamedTuple):
    """`paths` are OpenAPI path items by path, `schemas` the structs that they refer to; `tag` names the part."""

    tag: str
    about: str
    routes: Sequence[Route]
    paths: Mapping[str, Any]
    schemas: Sequence[type[msgspec.Struct]]


class ErrorBody(msgspec.Struct, frozen=True):
    """What went wrong: a stable word, a complete sentence, and what the sentence was made of."""

    code: str
    message: str
    details: dict[str, Any] = msgspec.field(default_factory=dict)


class Failure(msgspec.Struct, frozen=True):
    """How every route below `/api` says no; the HTTP status says which kind of no."""

    error: ErrorBody
    success: bool = False
    data: None = None
    metadata: dict[str, Any] | None = None


def json_response(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A value as a JSON answer."""
    return Response(msgspec.json.encode(value), status, headers=headers, media_type=JSON)


def failure(status: int, code: str, message: str, headers: Mapping[str, str] | None = None, **details: Any) -> Response:
    """A no of a route below `/api`."""
    return json_response(Failure(ErrorBody(code, message, details)), status, headers)


def answer(struct: type[msgspec.Struct], example: Any, text: str) -> dict[str, Any]:
    """An OpenAPI response with its schema and an example that is one."""
    schema = {"$ref": REF.format(name=struct.__name__)}
    content = {"schema": schema, "example": msgspec.to_builtins(example)}
    return {"description": text, "content": {JSON: content}}


class Failed(NamedTuple):
    """A no of a route below `/api`: its code, its sentence, what the status means, and the details."""

    code: str
    message: str
    text: str
    details: Mapping[str, Any] = {}


NO_KEY: Final = Failed(
    "UNAUTHENTICATED",
    "this needs a key: send Authorization: Bearer KEY, or X-API-Key: KEY; make one with petrosa keys create",
    "No key, or none that is valid.",
)
"""What every operation with the `security` of `KEYED` may answer with 401."""


def no(failed: Failed) -> dict[str, Any]:
    """The OpenAPI response for a no."""
    body = ErrorBody(failed.code, failed.message, dict(failed.details))
    return answer(Failure, Failure(body), failed.text)
