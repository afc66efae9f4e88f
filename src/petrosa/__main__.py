"""`python -m petrosa`: the same as the command `petrosa`."""

from petrosa.apps.main import main

if __name__ == "__main__":
    main()
