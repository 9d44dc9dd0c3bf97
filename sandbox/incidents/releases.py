"""Releases that go wrong: errors, slowness, recovery, and a container that does not start."""

from sandbox.google.run.messages import Service
from sandbox.incidents.stage import End, Kind, Parameter, Parameters, Stage
from sandbox.ion.behaviour import GOOD, NO_START, Behaviour
from sandbox.ion.place import image_of

_SERVICE = Parameter("service", "ion-api", "the Cloud Run service that is released")


def _image(stage: Stage, word: str) -> str:
    return image_of(stage.world.config, f"ion-{word}-{stage.world.behaviours.next_number()}")


def _name(stage: Stage, parameters: Parameters) -> str:
    return f"{stage.world.config.location}/services/{parameters['service']}"


def _serves(stage: Stage, name: str, image: str) -> bool:
    resource = stage.cloud.cloud_run.services[name]
    return any(resource.revisions[r].containers[0].image == image for r in resource.shares())


async def _bad_release(stage: Stage, parameters: Parameters, behaviour: Behaviour) -> End:
    """Release; at the end the team releases a fix, unless somebody has taken the traffic away by then."""
    name, image = _name(stage, parameters), _image(stage, "release")
    stage.world.behaviours.set(image, behaviour)
    stage.cloud.cloud_run.deploy(name, image)

    async def end() -> None:
        if _serves(stage, name, image):
            stage.cloud.cloud_run.deploy(name, _image(stage, "fix"))

    return end


async def _errors(stage: Stage, parameters: Parameters) -> End:
    return await _bad_release(stage, parameters, Behaviour(error_share=float(parameters["error_share"])))


async def _slow(stage: Stage, parameters: Parameters) -> End:
    return await _bad_release(stage, parameters, Behaviour(slow_factor=float(parameters["slow_factor"])))


async def _recovers(stage: Stage, parameters: Parameters) -> End:
    """The same revision gets well by itself at the end (it warmed up, a dependency came back)."""
    name, image = _name(stage, parameters), _image(stage, "release")
    stage.world.behaviours.set(image, Behaviour(error_share=float(parameters["error_share"])))
    stage.cloud.cloud_run.deploy(name, image)

    async def end() -> None:
        stage.world.behaviours.set(image, GOOD)

    return end


async def _fails_to_start(stage: Stage, parameters: Parameters) -> End:
    """Traffic never moves. At the end the team puts the image of the revision that serves back into the template."""
    name, image = _name(stage, parameters), _image(stage, "broken")
    stage.world.behaviours.set(image, Behaviour(start_failure=NO_START))
    stage.cloud.cloud_run.deploy(name, image)

    async def end() -> None:
        message: Service = stage.cloud.cloud_run.services[name].message
        if message.template.containers[0].image == image:
            stage.cloud.cloud_run.deploy(name, _image(stage, "fix"))

    return end


KINDS = (
    Kind(
        "bad_release_errors",
        "a release that answers a share of the requests with 500",
        "availability",
        _errors,
        (_SERVICE, Parameter("error_share", 0.08, "share of its requests, 0-1")),
    ),
    Kind(
        "bad_release_slow",
        "a release that takes longer for every answer",
        "latency",
        _slow,
        (_SERVICE, Parameter("slow_factor", 4.0, "times as long")),
    ),
    Kind(
        "bad_release_recovers",
        "a release that fails at first and then gets well by itself",
        "availability",
        _recovers,
        (_SERVICE, Parameter("error_share", 0.08, "share of its requests, 0-1")),
    ),
    Kind("start_fails", "a release whose container does not start: traffic stays where it is", "", _fails_to_start,
         (_SERVICE,)),
)  # fmt: skip
