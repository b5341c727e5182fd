"""How the clients of the SDKs connect."""

import httpx2

LIMITS = httpx2.Limits(max_connections=None, max_keepalive_connections=0)
"""No connection is kept: an answer takes seconds, a connection does not, and one that the server has closed meanwhile
would fail a call that nobody repeats. Nor has the pool to look at fifty idle ones before and after every request."""
