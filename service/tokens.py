"""Tokens for programs: make, list and withdraw them.

    python -m service.tokens create --role teacher --name ci --days 90
    python -m service.tokens list
    python -m service.tokens withdraw ci

docs/security.md says what the roles may do.
"""

import argparse
import sys

from service.access import tokens
from service.access.tokens import Role, TokenError

DEFAULT_DAYS = 90


def main(arguments: list[str] | None = None) -> int:
    """Run one command. Returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        match options.command:
            case "create":
                role = Role.of(options.role)
                sys.stdout.write(f"{tokens.create(options.name, role, options.days)}\n")
                sys.stderr.write("Keep it: it is not shown again.\n")
            case "list":
                for token in tokens.list_programs():
                    ends = "ended" if token.has_ended else "ends"
                    line = f"{token.name}  {token.role.word}  {ends} {token.ends_at:%Y-%m-%d}\n"
                    sys.stdout.write(line)
            case _:
                tokens.revoke(options.name)
                sys.stderr.write(f"{options.name} is withdrawn.\n")
    except (TokenError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="service.tokens", description="Tokens for programs.")
    commands = parser.add_subparsers(dest="command", required=True)
    create = commands.add_parser("create", help="make a token and print it, once")
    create.add_argument("--role", required=True, choices=[role.word for role in Role])
    create.add_argument("--name", required=True, help="who is recorded for what it changes")
    create.add_argument("--days", type=int, default=DEFAULT_DAYS, help="how long it is valid")
    commands.add_parser("list", help="list the tokens, without their secrets")
    revoke = commands.add_parser("withdraw", help="make a token invalid")
    revoke.add_argument("name")
    return parser


if __name__ == "__main__":
    sys.exit(main())
