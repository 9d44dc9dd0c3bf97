"""Parts of a fleet: even, whole, the same for whoever asks, and mostly the same after one has gone."""

from hypothesis import given
from hypothesis import strategies as st

from lumen.model.service import ServiceId
from lumen.policies.parts import part_of

FLEET = [ServiceId("p", "us-central1", f"svc-{n:03d}") for n in range(60)]
NAMES = st.sets(st.text("0123456789abcdef", min_size=16, max_size=16), min_size=1, max_size=5)


@given(replicas=NAMES, size=st.integers(0, len(FLEET)), order=st.randoms(use_true_random=False))
def test_parts_are_even_and_each_service_is_in_one(replicas: set[str], size: int, order: object) -> None:
    fleet = FLEET[:size]
    mixed = list(fleet)
    order.shuffle(mixed)  # type: ignore[attr-defined]
    parts = [part_of(name, replicas, mixed) for name in sorted(replicas)]
    assert sorted(service for part in parts for service in part) == fleet
    assert all(len(part) <= -(-size // len(replicas)) for part in parts)
    assert parts == [part_of(name, sorted(replicas, reverse=True), fleet) for name in sorted(replicas)]


def test_most_services_stay_where_they_are_when_a_replica_goes() -> None:
    before = {name: part_of(name, ("a", "b", "c"), FLEET) for name in "ab"}
    after = {name: part_of(name, ("a", "b"), FLEET) for name in "ab"}
    stay = sum(len(before[name] & after[name]) for name in "ab")
    assert [len(part) for part in after.values()] == [30, 30]
    assert stay >= 35, "of 40 that the two had"
