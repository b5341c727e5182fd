"""How many connections the clients of the SDKs keep."""

import httpx2

LIMITS = httpx2.Limits(max_connections=None, max_keepalive_connections=1)
"""The pool looks at every idle connection before and after each request, which is dear with fifty of them; beside an
answer that takes seconds, a new connection costs little."""
