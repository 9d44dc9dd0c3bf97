"""The roles of Lumen's own account: in the home project those that `lumen setup` makes, in every other one Google's."""

from collections.abc import Iterator, Sequence

from lumen.model.messages import Message, message
from lumen.model.setup import Action, Body, Kind, Step, Wanted
from lumen.use_cases.setup.scope import Scope

METRICS, WRITER = "roles/monitoring.viewer", "roles/monitoring.metricWriter"
RUN, DEVELOPER = "roles/run.viewer", "roles/run.developer"
LOGS, MEMORYSTORE = "roles/logging.viewer", "roles/redis.editor"
#: The reason for which an owner must do it.
DENIED = "source.permission_denied"
#: All that Lumen gives in a project that is not home.
ELSEWHERE = (METRICS, RUN, WRITER, DEVELOPER, LOGS, MEMORYSTORE)


def access(scope: Scope, made: Sequence[str]) -> Iterator[Wanted]:
    """Nothing where no account is named. `made`: the custom roles of the home project."""
    if not scope.account:
        return
    if scope.is_home:
        for role in made:
            yield _given(scope, f"projects/{scope.project}/roles/{role}", f"{Kind.ROLE}.{role}")
        return
    asked = {
        RUN: scope.watches,
        WRITER: scope.watches and scope.publishes,
        DEVELOPER: scope.watches,
        LOGS: scope.watches and scope.reads_logs,
        MEMORYSTORE: scope.memorystore,
    }
    for role in ELSEWHERE:
        if asked.get(role, True):
            yield _given(scope, role)


def _given(scope: Scope, role: str, *needs: str) -> Wanted:
    short = role.rpartition("/")[2]
    body = {"project": scope.project, "role": role, "account": scope.account}
    return Wanted(
        Kind.ACCESS, key_of(body), f"{short} · {scope.project}", body, f"projects/{scope.project}#{role}", needs
    )


def key_of(body: Body) -> str:
    """By the project and the role: many projects have the same ones."""
    return f"{body['project']}/{str(body['role']).rpartition('/')[2]}"


def by_its_owner(steps: Sequence[Step]) -> Message:
    """The commands with which somebody who may does these, for whom may not."""
    commands = (_command(step) for step in steps)
    return message("setup.by_its_owner", commands=" ".join(f"`{command}`" for command in commands))


def _command(step: Step) -> str:
    body = step.found.body if step.action is Action.DELETE and step.found else step.wanted.body if step.wanted else {}
    does = "remove" if step.action is Action.DELETE else "add"
    member = f"serviceAccount:{body['account']}"
    return f"gcloud projects {does}-iam-policy-binding {body['project']} --member={member} --role={body['role']}"
