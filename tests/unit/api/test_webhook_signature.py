"""Signatures that receivers of Standard Webhooks verify."""

import base64
import hmac

from hypothesis import given
from hypothesis import strategies as st

from api.application.webhook_signature import new_secret, signed_headers


def test_a_signature_is_that_of_the_specification() -> None:
    headers = signed_headers(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1_614_265_330,
        '{"test": 2432232314}',
    )
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


@given(st.text(), st.integers(0, 2**40))
def test_a_receiver_that_has_the_secret_computes_the_same_signature(body: str, seconds: int) -> None:
    secret = new_secret()
    body = body.encode(errors="ignore").decode()
    version, signature = signed_headers(secret, "m", seconds, body)["webhook-signature"].split(",")
    key = base64.b64decode(secret.removeprefix("whsec_"))
    expected = hmac.new(key, f"m.{seconds}.".encode() + body.encode(), "sha256").digest()
    assert (version, base64.b64decode(signature)) == ("v1", expected)


def test_secrets_differ() -> None:
    assert new_secret() != new_secret()
