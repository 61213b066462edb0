"""Systems that our figures are compared with, set up and driven in the same run."""
