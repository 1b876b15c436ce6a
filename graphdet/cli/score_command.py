"""What a watch knows now of a user or an event: score."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from graphdet.cli.shared import AsJson, Lang, print_json


def score(
    state: Annotated[Path, typer.Argument(metavar="STATE", help="The folder with the watch's state.")],
    user: Annotated[str | None, typer.Argument(metavar="USER", help="A user's id, as the logs have it.", show_default=False)] = None,
    node: Annotated[str | None, typer.Option("--node", metavar="TYPE=ID", help="Another node: device=d7, ip=203.0.113.7 …")] = None,
    event: Annotated[
        str | None, typer.Option("--event", metavar="JSON", help='An event, as {"user_id": "u1", "device_id": "d7"}; - reads one a line.')
    ] = None,
    lang: Annotated[Lang, typer.Option("--lang", help="Words in English or Chinese.")] = Lang.EN,
    as_json: AsJson = False,
) -> None:
    """Tell a user's or an event's present score, rings and reasons, as of the watch's last look."""
    import sys

    from graphdet.answering.questions import Scores
    from graphdet.answering.score_file import NAME
    from graphdet.errors import AlertError

    if sum(one is not None for one in (user, node, event)) != 1:
        raise AlertError("name one: a USER, --node TYPE=ID, or --event JSON.")
    scores = Scores(state / NAME)
    if event == "-":
        for line in sys.stdin:
            print(json.dumps(scores.event(_event(line), lang.value), ensure_ascii=True))
        return
    if event is not None:
        told = scores.event(_event(event), lang.value)
    else:
        node_type, mark, node_id = ("user", "=", user) if user is not None else (node or "").partition("=")
        if not mark or not node_id:
            raise AlertError("--node is a type and an id, as device=d7.")
        told = scores.node(node_type, node_id, lang.value)
    if as_json:
        print_json(told)
        return
    from graphdet.terminal import console_for
    from graphdet.terminal.alert_screen import show_score

    show_score(console_for(), told, lang.value)


def _event(text: str) -> dict[str, object]:
    from graphdet.errors import AlertError

    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise AlertError('an event is a JSON object, such as {"user_id": "u1", "device_id": "d7"}.')
    return found
