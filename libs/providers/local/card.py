"""The local provider as the registry lists it."""

from libs.providers.card import Card, Model
from libs.providers.local.provider import CAPABILITIES, LIMITS, MODEL, NAME, LocalProvider

CARD = Card(NAME, (Model(MODEL, CAPABILITIES, limits=LIMITS),), LocalProvider, deterministic=True)
