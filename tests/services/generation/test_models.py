from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient


async def test_the_models_are_told_without_a_login(app: FastAPI) -> None:
    async with AsyncClient(transport=ASGITransport(app), base_url="http://test/api/v1") as anybody:
        answer = await anybody.get("/models")
    assert answer.status_code == 200
    local = next(model for model in answer.json()["models"] if model["provider"] == "local")
    assert (local["model"], local["available"], local["deterministic"]) == ("classical/1", True, True)
    assert local["unit_cost"] == {"amount": "0", "currency": "USD"}
    assert "21:9" in local["limits"]["aspect_ratios"]
    assert answer.json()["capabilities"]["image.generate"] == ["local"]
