"""Users and the bill: a flash of traffic, nobody who gets through, cost that surges or no longer follows demand."""

from sandbox.incidents.stage import End, Kind, Parameter, Parameters, Stage


async def _flash(stage: Stage, parameters: Parameters) -> End:
    stage.world.demand.factor = float(parameters["factor"])

    async def end() -> None:
        stage.world.demand.factor = 1.0

    return end


async def _unreachable(stage: Stage, _parameters: Parameters) -> End:
    stage.world.unreachable = True

    async def end() -> None:
        stage.world.unreachable = False

    return end


async def _surge(stage: Stage, parameters: Parameters) -> End:
    world = stage.world
    world.cost_factor = float(parameters["factor"])

    async def end() -> None:
        world.cost_factor = 1.0

    return end


async def _flat(stage: Stage, parameters: Parameters) -> End:
    world = stage.world
    world.pinned_instances = round(float(parameters["instances"]))

    async def end() -> None:
        world.pinned_instances = None

    return end


KINDS = (
    Kind("traffic_flash", "many times the usual requests", "", _flash, (Parameter("factor", 5.0, "times as many"),)),
    Kind("unreachable", "nobody gets through: no requests, and uptime checks fail", "availability", _unreachable),
    Kind(
        "cost_surge",
        "every request takes many times the instance time, and Vertex calls cost more",
        "cost",
        _surge,
        (Parameter("factor", 4.0, "times as much"),),
    ),
    Kind(
        "flat_cost",
        "a fixed number of instances is busy whatever the demand: cost no longer follows it",
        "cost",
        _flat,
        (Parameter("instances", 6.0, "that many, always"),),
    ),
)
