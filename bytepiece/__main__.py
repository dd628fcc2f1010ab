"""Runs the command line as `python -m bytepiece`, where the PATH has no `bytepiece` command."""

from bytepiece_cli.main import main

if __name__ == "__main__":
    main()
