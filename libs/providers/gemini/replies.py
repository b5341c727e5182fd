"""What an answer of the API holds: the text or the picture, the tokens; or why it holds neither."""

from collections.abc import Sequence

from google.genai import types

from libs.providers.errors import LONGEST_TEXT, ErrorCode, ProviderError, cut, named
from libs.providers.gemini.card import NAME
from libs.providers.gemini.failures import REFUSALS, refusal
from libs.providers.record import Usage, counted, counts


def finish_reason(reply: types.GenerateContentResponse) -> str | None:
    """Raises ProviderError for a refusal, of the prompt or of what came of it."""
    spent = usage(reply) if reply.usage_metadata else None
    feedback = reply.prompt_feedback
    if feedback and feedback.block_reason:
        raise refusal(feedback.block_reason.value, reply.response_id, spent)
    if not reply.candidates or not (reason := reply.candidates[0].finish_reason):
        return None
    if reason.value in REFUSALS:
        raise refusal(reason.value, reply.response_id, spent)
    return named(reason.value)


def text(reply: types.GenerateContentResponse) -> str:
    """Without the model's thoughts. Raises ProviderError (truncated, bad response)."""
    finish = finish_reason(reply)
    told = _said(reply)
    if finish == "MAX_TOKENS":
        raise _lacking(ErrorCode.TRUNCATED, "the answer was cut off at its longest", reply)
    if not told:
        raise _lacking(ErrorCode.BAD_RESPONSE, f"an empty answer ({finish})", reply)
    return told


def picture(reply: types.GenerateContentResponse) -> bytes:
    """The last one that is not a thought's draft. Raises ProviderError (no image, truncated)."""
    finish = finish_reason(reply)
    drawn = [part for part in _parts(reply) if _is_picture(part)]
    final = [part for part in drawn if not part.thought] or drawn
    if final and (blob := final[-1].inline_data) and blob.data:
        return blob.data
    if finish == "MAX_TOKENS":
        raise _lacking(ErrorCode.TRUNCATED, "the answer was cut off at its longest", reply)
    said = spoken(reply)
    raise _lacking(ErrorCode.NO_IMAGE, f"Gemini answered without a picture: {said or finish}", reply)


def spoken(reply: types.GenerateContentResponse) -> str | None:
    """Beside a picture, as far as it can be kept."""
    return cut(_said(reply), LONGEST_TEXT) or None


def usage(reply: types.GenerateContentResponse) -> Usage:
    told = reply.usage_metadata
    if told is None:
        return Usage()
    made, thought = counted(told.candidates_token_count), counted(told.thoughts_token_count)
    painted = made if any(map(_is_picture, _parts(reply))) else 0  # unless it says how much of it
    return Usage(
        input_tokens=counted(told.prompt_token_count),
        output_tokens=None if made is thought is None else (made or 0) + (thought or 0),
        total_tokens=counted(told.total_token_count),
        cached_input_tokens=counted(told.cached_content_token_count) or 0,
        image_input_tokens=_of_pictures(told.prompt_tokens_details or ()),
        image_output_tokens=_of_pictures(told.candidates_tokens_details or ()) or painted or 0,
        details=counts(told.model_dump(mode="json", exclude_none=True)),
    )


def _said(reply: types.GenerateContentResponse) -> str:
    return " ".join(part.text for part in _parts(reply) if part.text and not part.thought)


def _parts(reply: types.GenerateContentResponse) -> Sequence[types.Part]:
    content = reply.candidates[0].content if reply.candidates else None
    return (content.parts if content else None) or ()


def _is_picture(part: types.Part) -> bool:
    blob = part.inline_data
    return bool(blob and blob.data and (blob.mime_type or "").startswith("image/"))


def _of_pictures(details: Sequence[types.ModalityTokenCount]) -> int:
    return sum(counted(one.token_count) or 0 for one in details if one.modality == types.MediaModality.IMAGE)


def _lacking(code: ErrorCode, message: str, reply: types.GenerateContentResponse) -> ProviderError:
    return ProviderError(code, message, NAME, request_id=reply.response_id, usage=usage(reply))
