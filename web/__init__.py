"""The pages: routes, forms, templates and what they look like."""
