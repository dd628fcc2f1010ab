"""The command line as `python -m bytepiece`, for when no `bytepiece` is on the PATH."""

from bytepiece_cli.main import main

if __name__ == "__main__":
    main()
