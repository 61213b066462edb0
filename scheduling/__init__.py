"""The plan: sites, topics, resources, slots, claims, appointments and invitations."""
