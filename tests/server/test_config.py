"""Configuration: what is wrong is named, and the documented table is the real one."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.config import read_config, table, unknown_variables
from server.failure import CannotStart

CONFIGURATION_PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"


@pytest.fixture(autouse=True)
def _only_the_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPRECHZEIT_DEMO", "on")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SPRECHZEIT_PORT", "eighty"),
        ("SPRECHZEIT_PORT", "65536"),
        ("SPRECHZEIT_RELAY_PORT", "-1"),
        ("SPRECHZEIT_RELAY_TCP_PORT", "off"),
        ("SPRECHZEIT_TURN_URLS", "stun:turn.example.org"),
        ("SPRECHZEIT_TURN_URLS", "turns:turn.example.org:443?transport=sctp"),
        ("SPRECHZEIT_TURN_URLS", "turn:turn.example.org"),
        ("SPRECHZEIT_TURN_SECRET", "short"),
        ("SPRECHZEIT_TURN_SECRET", "long enough but without a server"),
        ("SPRECHZEIT_TURN_ONLY", "on"),
        ("SPRECHZEIT_PUBLIC_URL", "termine.example.org"),
        ("SPRECHZEIT_PUBLIC_URL", "https://example.org/termine"),
        ("SPRECHZEIT_DATABASE_URL", "mysql://localhost/plan"),
        ("SPRECHZEIT_DATABASE_URL", "plan.db"),
        ("SPRECHZEIT_ORGANIZER_EMAIL", "termine"),
        ("SPRECHZEIT_SECRET", "short"),
        ("SPRECHZEIT_RELAY_ADVERTISED", "192.0.2.1,relay.example.org"),
        ("SPRECHZEIT_RELAY_HOST_V4", "none"),
        ("SPRECHZEIT_SMTP_SECURITY", "ssl"),
        ("SPRECHZEIT_SMTP_USER", "office"),
        ("SPRECHZEIT_DEMO", "perhaps"),
        ("SPRECHZEIT_LOG_LEVEL", "loud"),
    ],
)
def test_a_wrong_value_is_refused_by_the_name_of_its_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)

    with pytest.raises(CannotStart) as refused:
        read_config()

    assert variable in str(refused.value)
    assert "\n" not in str(refused.value)


def test_everything_that_is_wrong_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPRECHZEIT_PORT", "x")
    monkeypatch.setenv("SPRECHZEIT_HOLD_MINUTES", "0")

    with pytest.raises(CannotStart, match=r"SPRECHZEIT_PORT.*SPRECHZEIT_HOLD_MINUTES"):
        read_config()


def test_a_refusal_never_quotes_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPRECHZEIT_SECRET", "letmein")

    with pytest.raises(CannotStart) as refused:
        read_config()

    assert "letmein" not in str(refused.value)


def test_without_the_demo_letters_need_a_sender(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPRECHZEIT_DEMO", "off")

    with pytest.raises(CannotStart, match="SPRECHZEIT_ORGANIZER_EMAIL"):
        read_config()


def test_the_public_address_follows_the_port_unless_it_is_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert read_config(port=9000).origin == "http://localhost:9000"

    monkeypatch.setenv("SPRECHZEIT_PUBLIC_URL", "https://termine.example.org/")

    assert read_config().origin == "https://termine.example.org"


@pytest.mark.parametrize(("value", "port"), [("", 3478), ("443", 443), ("0", 0), ("none", None)])
def test_the_tcp_port_has_the_number_of_the_udp_port_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch, value: str, port: int | None
) -> None:
    monkeypatch.setenv("SPRECHZEIT_RELAY_PORT", "3478")
    monkeypatch.setenv("SPRECHZEIT_RELAY_TCP_PORT", value)

    assert read_config().tcp_port == port


def test_turn_servers_are_a_list_and_their_secret_is_never_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(
        "SPRECHZEIT_TURN_URLS", "turns:turn.example.org:443?transport=tcp, turn:[2001:db8::1]:3478"
    )
    monkeypatch.setenv("SPRECHZEIT_TURN_SECRET", "shared-with-the-turn-server")

    config = read_config()

    assert config.turn_urls == (
        "turns:turn.example.org:443?transport=tcp",
        "turn:[2001:db8::1]:3478",
    )
    assert "shared-with" not in repr(config)


def test_advertised_addresses_are_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPRECHZEIT_RELAY_ADVERTISED", "192.0.2.1, 2001:DB8::1")

    assert read_config().relay_advertised == ("192.0.2.1", "2001:db8::1")


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPRECHZEIT_PORT", "")

    assert read_config().port == 8080


def test_a_plain_postgresql_url_gets_the_driver_that_is_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SPRECHZEIT_DATABASE_URL", "postgresql://plan@db/plan")

    assert read_config().store_url == "postgresql+asyncpg://plan@db/plan"


def test_a_mistyped_variable_is_noticed() -> None:
    environment = {"SPRECHZEIT_PROT": "80", "SPRECHZEIT_PORT": "80", "HOME": "/"}

    assert unknown_variables(environment) == ["SPRECHZEIT_PROT"]


def test_the_documented_table_is_the_one_the_program_prints() -> None:
    assert table() in CONFIGURATION_PAGE.read_text()
