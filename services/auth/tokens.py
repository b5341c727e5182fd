"""Secrets that are handed out once and stored as hashes: refresh tokens, tickets, invitations."""

import hashlib
import secrets


def new_token() -> str:
    return secrets.token_urlsafe(32)


def digest(token: str) -> bytes:
    """What is stored. A plain hash will do: 256 random bits cannot be guessed, unlike a password."""
    return hashlib.sha256(token.encode()).digest()
