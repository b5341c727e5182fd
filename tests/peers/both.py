"""The stubs of both real providers, and how a process finds them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from tests.peers.gemini import GeminiStub
from tests.peers.openai import OpenAIStub
from tests.peers.stub import Stub, serving


@dataclass(frozen=True)
class Peers:
    """`env`: their addresses, and keys that they accept."""

    stubs: Mapping[str, Stub]
    env: Mapping[str, str]


@contextmanager
def both_served() -> Iterator[Peers]:
    openai, gemini = OpenAIStub(), GeminiStub()
    with serving(openai) as openai_url, serving(gemini) as gemini_url:
        env = {
            "OPENAI_API_KEY": "openai-key",
            "OPENAI_BASE_URL": f"{openai_url}/v1",
            "GEMINI_API_KEY": "gemini-key",
            "GEMINI_BASE_URL": gemini_url,
        }
        yield Peers({"openai": openai, "gemini": gemini}, env)
