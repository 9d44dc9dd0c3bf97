"""Hold-backs: told with the proposal, set with the change, ended with its verdict."""

from contextlib import suppress
from dataclasses import replace

from lumen.model.messages import SourceUnavailable
from lumen.model.proposal import Draft
from lumen.policies.holding_back import held_permille
from lumen.use_cases.knobs import Knobs


async def with_hold_back(knobs: Knobs, draft: Draft) -> Draft:
    """The draft with what it holds back, where the service can. Who decides on it reads that on its card."""
    turnable = knobs.get(draft.change.knob)
    permille, place = held_permille(draft), turnable.holding_back if turnable else None
    if permille and place is not None:
        with suppress(SourceUnavailable):
            if await place.holds_back(draft.service):
                return replace(draft, change=replace(draft.change, held_permille=permille))
    return draft
