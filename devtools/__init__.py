"""What `dev.py` is made of; standard library only, no part of the service."""
