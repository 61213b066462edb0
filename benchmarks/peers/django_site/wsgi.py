"""The site as gunicorn serves it."""

from __future__ import annotations

from django.core.wsgi import get_wsgi_application  # type: ignore[import-not-found]

application = get_wsgi_application()
