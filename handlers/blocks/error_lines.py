"""What the blamed revision logs, on the message of an incident."""

from lumen.model.error_lines import ErrorLines
from lumen.model.messages import message
from lumen.wording.catalogue import Catalogue, escape
from lumen.wording.incidents import logged


def error_lines(words: Catalogue, found: ErrorLines | None) -> list[str]:
    """The commonest lines with their counts, and the way to all of them; or in one sentence why there are none.

    Nothing before anybody has looked.
    """
    told = [words.say(one) for one in logged(found)]
    if found is None or not found.lines:
        return told
    return [f"{told[0]} <{escape(found.link)}|{words.say(message('evidence.all'))}>", *told[1:]]
