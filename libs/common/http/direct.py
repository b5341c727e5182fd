"""Dependencies that ask for the request alone, called by ourselves.

`user: CurrentUser` means the same as ever, but FastAPI takes tens of microseconds to resolve any dependency,
which for a handful of them is as much as the rest of a request.
"""

import inspect
from collections.abc import Awaitable, Callable, Sequence
from functools import wraps
from typing import Annotated, Any, get_origin

from fastapi import Request, params
from starlette.requests import HTTPConnection

Endpoint = Callable[..., Any]
Provider = Callable[[Request], Awaitable[Any]]


def direct(endpoint: Endpoint) -> tuple[Endpoint, Sequence[Provider]]:
    """The endpoint as FastAPI is to see it, without those parameters, and what provides them."""
    signature = inspect.signature(endpoint, eval_str=True)
    found = {name: _provider(parameter.annotation) for name, parameter in signature.parameters.items()}
    providers = {name: provider for name, provider in found.items() if provider}
    if not providers or not inspect.iscoroutinefunction(endpoint):
        return endpoint, ()
    seen = [parameter for name, parameter in signature.parameters.items() if name not in providers]
    own = [parameter.name for parameter in seen if parameter.annotation is Request]
    name = own[0] if own else "request_"
    if not own:
        seen.append(inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=Request))

    @wraps(endpoint)
    async def provided(**values: Any) -> Any:
        request = values[name] if own else values.pop(name)
        for parameter, provider in providers.items():
            values[parameter] = await provider(request)
        return await endpoint(**values)

    provided.__dict__["__signature__"] = signature.replace(parameters=seen)
    return provided, tuple(providers.values())


def _provider(annotation: Any) -> Provider | None:
    if get_origin(annotation) is not Annotated:
        return None
    for mark in annotation.__metadata__:
        if isinstance(mark, params.Depends) and mark.dependency and _takes_the_request(mark.dependency):
            return mark.dependency
    return None


def _takes_the_request(dependency: Callable[..., Any]) -> bool:
    called = dependency if inspect.isfunction(dependency) else getattr(dependency, "__call__", None)  # noqa: B004
    if not inspect.iscoroutinefunction(called):
        return False
    parameters = list(inspect.signature(dependency, eval_str=True).parameters.values())
    return len(parameters) == 1 and parameters[0].annotation in (Request, HTTPConnection)
