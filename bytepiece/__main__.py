"""`python -m bytepiece`: the command line, where no `bytepiece` is on the path."""

from bytepiece_cli.main import main

if __name__ == "__main__":
    main()
