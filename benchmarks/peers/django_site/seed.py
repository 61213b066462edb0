"""Make the tables, one service, its staff and signed-in clients; print what a client needs."""

from __future__ import annotations

import datetime as dt
import json
import sys
from importlib import import_module

import django  # type: ignore[import-not-found]


def main(staff: int, clients: int) -> None:
    """Fill the database of the settings; print a JSON object on standard output."""
    django.setup()
    from django.contrib.auth import get_user_model  # type: ignore[import-not-found] # noqa: PLC0415
    from django.core.management import call_command  # type: ignore[import-not-found] # noqa: PLC0415

    call_command("migrate", verbosity=0)
    # The package brings no migrations of its own: its tables are made from its models, after
    # those that they refer to.
    call_command("migrate", run_syncdb=True, verbosity=0)
    models = import_module("appointment.models")
    users = get_user_model().objects
    service = models.Service.objects.create(
        name="Advice", duration=dt.timedelta(minutes=30), price=0
    )
    members = []
    for number in range(staff):
        user = users.create(username=f"staff{number}", email=f"staff{number}@example.org")
        member = models.StaffMember.objects.create(user=user)
        member.services_offered.add(service)
        members.append(member.pk)
    sessions = [
        _signed_in(users.create(username=f"client{number}", email=f"client{number}@example.org"))
        for number in range(clients)
    ]
    json.dump({"service": service.pk, "staff": members, "sessions": sessions}, sys.stdout)


def _signed_in(user: django.contrib.auth.models.User) -> str:
    auth = import_module("django.contrib.auth")
    store = import_module("django.contrib.sessions.backends.db").SessionStore()
    store[auth.SESSION_KEY] = str(user.pk)
    store[auth.BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    store[auth.HASH_SESSION_KEY] = user.get_session_auth_hash()
    store.create()
    return str(store.session_key)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
