"""`python -m tiyin.cli`: the command line where its script is not on the path."""

from tiyin.cli import main

main()
