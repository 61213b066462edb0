"""A Django site around django-appointment; it runs in an environment of its own."""
