"""How the SDKs connect: over aiohttp, which takes half the processor time of their own HTTP client.

No connection is kept: an answer takes seconds, a connection does not, and one that the server has closed meanwhile
would fail a call that nobody repeats. Nor do fifty idle ones have to be held for the next moment of haste.
"""

import aiohttp
import httpx2

UNLIMITED = 0
LIMITS = httpx2.Limits(max_connections=UNLIMITED, keepalive_expiry=0)
"""Of the OpenAI SDK's client, which then uses no connection twice, but leaves it open until the next call."""
HEADERS = {"Connection": "close"}
"""So the server is asked to close it at once."""
READ_AHEAD = 2**22
"""Bytes; as the Gemini SDK does in a session of its own. Pictures come in answers of tens of megabytes."""


def session() -> aiohttp.ClientSession:
    """For the Gemini SDK, whose own one keeps its connections. Of the running loop; to be closed."""
    connector = aiohttp.TCPConnector(limit=UNLIMITED, force_close=True)
    return aiohttp.ClientSession(connector=connector, trust_env=True, read_bufsize=READ_AHEAD)
