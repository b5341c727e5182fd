"""Pages: `page`+`page_size`, `limit`+`offset`, or `cursor`+`limit`; `sort=-created_at`."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, Literal, TypeVar
from urllib.parse import parse_qsl, urlencode

import orjson
from fastapi import Query, Request
from pydantic import BaseModel

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
        kept = [(name, value) for name, value in parse_qsl(self.query) if name not in to]
        return f'<{self.url}?{urlencode([*kept, *to.items()])}>; rel="{rel}"'


def paging(sorts: Collection[str], default: str = "-created_at") -> Callable[..., Any]:
    """The dependency of a list route: `page: Annotated[Paging, Depends(paging(["created_at", "title"]))]`."""

    async def read(
        request: Request,
        page: Annotated[int | None, Query(ge=1, le=_FARTHEST // MAX_SIZE)] = None,
        page_size: Annotated[int | None, Query(ge=1, le=MAX_SIZE)] = None,
        limit: Annotated[int | None, Query(ge=1, le=MAX_SIZE)] = None,
        offset: Annotated[int | None, Query(ge=0, le=_FARTHEST)] = None,
        cursor: Annotated[str | None, Query(max_length=1000)] = None,
        sort: Annotated[
            str | None, Query(description=f"one of {', '.join(sorted(sorts))}; - for descending")
        ] = None,
    ) -> Paging:
        size = page_size or limit or DEFAULT_SIZE
        name = sort or default
        if name.removeprefix("-") not in sorts:
            allowed = ", ".join(sorted(sorts))
            raise _invalid("sort", f"sort by one of {allowed}, with - in front for descending order")
        form: Form = "cursor" if cursor is not None else "offset" if offset is not None else "page"
        return Paging(
            form,
            size,
            offset if offset is not None else ((page or 1) - 1) * size,
            _decode(cursor) if cursor else None,
            name.removeprefix("-"),
            name.startswith("-"),
            request.scope["path"],
            request.scope["query_string"].decode("latin-1"),
        )

    return read


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
