"""Every speed figure we state, each as a command that prints JSON."""
