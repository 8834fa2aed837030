"""The settings of `serve`, each a flag and an environment variable of the same name."""
