"""What the blamed revision logs, on the message of an incident."""

from datetime import timedelta

from lumen.model.error_lines import ErrorLines
from lumen.model.messages import Message, Param, message
from lumen.wording.catalogue import Catalogue, escape, iso


def error_lines(words: Catalogue, found: ErrorLines | None) -> list[str]:
    """The commonest lines with their counts, and the way to all of them; or in one sentence why there are none.

    Nothing before anybody has looked.
    """
    if found is None:
        return []
    if found.trouble is not None:
        return [words.say(found.trouble)]
    params: dict[str, Param] = {
        "revision": found.revision,
        "minutes": (found.read_at - found.since) / timedelta(minutes=1),
        "read_at": iso(found.read_at),
        "entries": found.entries,
    }
    if not found.lines:
        return [words.say(Message("evidence.none", params))]
    title = words.say(Message("evidence.title" if found.is_whole else "evidence.title_part", params))
    lines = (message("evidence.line", count=one.count, line=one.text.replace("`", "'")) for one in found.lines)
    link = f"<{escape(found.link)}|{words.say(message('evidence.all'))}>"
    return [f"{title} {link}", *map(words.say, lines)]
