"""Pages: `page`+`page_size`, `limit`+`offset`, or `cursor`+`limit`; `sort=-created_at`."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

import orjson
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field, ValidationError

from libs.common.errors import Invalid
from libs.common.http.bodies import Json

T = TypeVar("T")
Form = Literal["page", "offset", "cursor"]
DEFAULT_SIZE, MAX_SIZE = 20, 100
_FARTHEST = 1_000_000_000


class Page(BaseModel, Generic[T]):
    """A list answer; how the page was asked for decides which members it has beside `items` and `total`."""

    items: list[T]
    total: int
    page: int | None = None
    page_size: int | None = None
    pages: int | None = None
    limit: int | None = None
    offset: int | None = None
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Paging:
    """The part of a list that is asked for. `after` is the last item's sort key, when paging by cursor."""

    form: Form
    limit: int
    offset: int
    after: list[Any] | None
    sort: str
    descending: bool
    url: str
    query: str

    def answer(self, items: Sequence[Any], total: int, next_after: Sequence[Any] | None = None) -> Json:
        """The page with its `Link` header; `next_after` is the sort key to go on from, if paged by cursor."""
        body: dict[str, Any] = {"items": items, "total": total}
        following: dict[str, Any] | None = None
        previous: dict[str, Any] | None = None
        if self.form == "cursor":
            body["next_cursor"] = _encode(next_after) if next_after else None
            following = {"cursor": body["next_cursor"]} if next_after else None
        elif self.form == "offset":
            body |= {"limit": self.limit, "offset": self.offset}
            following = {"offset": self.offset + self.limit} if self.offset + self.limit < total else None
            previous = {"offset": max(0, self.offset - self.limit)} if self.offset else None
        else:
            page, pages = self.offset // self.limit + 1, -(-total // self.limit)
            body |= {"page": page, "page_size": self.limit, "pages": pages}
            following = {"page": page + 1} if page < pages else None
            previous = {"page": page - 1} if page > 1 else None
        links = [self._link(rel, to) for rel, to in (("next", following), ("prev", previous)) if to]
        return Json(body, headers={"link": ", ".join(links)} if links else None)

    def _link(self, rel: str, to: dict[str, Any]) -> str:
        kept = [pair for pair in self.query.split("&") if pair and pair.partition("=")[0] not in to]
        moved = [f"{name}={value}" for name, value in to.items()]
        return f'<{self.url}?{"&".join([*kept, *moved])}>; rel="{rel}"'


class _Asked(BaseModel):
    """The query of a list; read in one go, for FastAPI is slow with many parameters."""

    page: int = Field(1, ge=1, le=_FARTHEST // MAX_SIZE)
    page_size: int | None = Field(None, ge=1, le=MAX_SIZE)
    limit: int = Field(
        DEFAULT_SIZE, ge=1, le=MAX_SIZE, description="page_size, when paging by offset or cursor"
    )
    offset: int | None = Field(None, ge=0, le=_FARTHEST)
    cursor: str | None = Field(
        None, max_length=1000, description="empty, then `next_cursor` of the page before"
    )
    sort: str | None = None


class PagingOf:
    """Reads the paging of one list route; `parameters` document it."""

    def __init__(self, sorts: Collection[str], default: str) -> None:
        self._sorts = sorts
        self._default = default
        self._rule = f"one of {', '.join(sorted(sorts))}; with - in front for descending order"
        properties = _Asked.model_json_schema()["properties"]
        properties["sort"] |= {"description": self._rule, "default": default}
        self.parameters = [
            {"name": name, "in": "query", "required": False, "schema": schema}
            for name, schema in properties.items()
        ]

    async def __call__(self, request: Request) -> Paging:
        try:
            asked = _Asked.model_validate(dict(request.query_params))
        except ValidationError as error:
            raise RequestValidationError(
                [e | {"loc": ("query", *e["loc"])} for e in error.errors()]
            ) from None
        name = asked.sort or self._default
        if name.removeprefix("-") not in self._sorts:
            raise _invalid("sort", self._rule)
        size = asked.page_size or asked.limit
        return Paging(
            "cursor" if asked.cursor is not None else "page" if asked.offset is None else "offset",
            size,
            (asked.page - 1) * size if asked.offset is None else asked.offset,
            _decode(asked.cursor) if asked.cursor else None,
            name.removeprefix("-"),
            name.startswith("-"),
            request.scope["path"],
            request.scope["query_string"].decode("latin-1"),
        )


def paging(sorts: Collection[str], default: str = "-created_at") -> PagingOf:
    """The dependency of a list route: `page: Annotated[Paging, Depends(paging(["created_at", "title"]))]`."""
    return PagingOf(sorts, default)


def _encode(after: Sequence[Any]) -> str:
    return urlsafe_b64encode(orjson.dumps(list(after))).rstrip(b"=").decode()


def _decode(cursor: str) -> list[Any]:
    try:
        after = orjson.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except ValueError:
        after = None
    if not isinstance(after, list):
        raise _invalid("cursor", "not a cursor of this list: begin with an empty one")
    return after


def _invalid(name: str, detail: str) -> Invalid:
    return Invalid(
        detail,
        code=f"invalid_{name}",
        errors=[{"loc": ["query", name], "msg": detail, "type": "value_error"}],
    )
