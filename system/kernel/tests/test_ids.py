from uuid import uuid4

from system.kernel.ids import BUCKET_COUNT, bucket_of, derived_id, new_id


def test_new_ids_sort_by_time() -> None:
    made = [new_id() for _ in range(100)]
    assert made == sorted(made)
    assert {identifier.version for identifier in made} == {7}


def test_bucket_never_changes() -> None:
    # Leases of running processes depend on these numbers: a change strands every message in flight.
    assert [bucket_of(str(number)) for number in range(5)] == EXPECTED


def test_buckets_are_even_enough() -> None:
    counts = [0] * BUCKET_COUNT
    for _ in range(BUCKET_COUNT * 200):
        counts[bucket_of(str(uuid4()))] += 1
    assert max(counts) < 2 * min(counts)


def test_derived_id_repeats() -> None:
    order = new_id()
    assert derived_id(order, "line 1") == derived_id(order, "line 1")
    assert derived_id(order, "line 1") != derived_id(order, "line 2")


EXPECTED = [36, 7, 19, 40, 59]
