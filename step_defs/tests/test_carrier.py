"""The carrier's signature."""

from __future__ import annotations

from step_defs.dsl.carrier import signature


def test_signature_of_the_published_example() -> None:
    """The worked example in the specification of Standard Webhooks."""
    signed = signature(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "1614265330",
        '{"test": 2432232314}',
    )
    assert signed == "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_secret_without_prefix_is_used_as_it_is() -> None:
    assert signature("plain", "m", "1", "{}") != signature("other", "m", "1", "{}")
