"""Pages and HTTP API: routes, forms, templates and static files."""
