"""Starts pymap, an IMAP server, with a mailbox in memory and without the extensions that are named.

Arguments: port, user, password, then extensions. What an extension adds is not only left out of what is
announced: the commands are unknown, and the responses are not sent. Each command is written to the log, one
that is unknown with `?` before it.
"""

import sys

from pymap.config import IMAPConfig
from pymap.main import main
from pymap.parsing import commands
from pymap.parsing.command.select import (
    IdleCommand,
    MoveCommand,
    UidExpungeCommand,
    UidMoveCommand,
)
from pymap.parsing.response.code import AppendUid, CopyUid

port, user, password, *without = sys.argv[1:]
hidden = {name.encode() for name in without}

COMMANDS = {
    "IDLE": [IdleCommand],
    "MOVE": [MoveCommand, UidMoveCommand],
    "UIDPLUS": [UidExpungeCommand],
}
gone = {command for name in without for command in COMMANDS.get(name, [])}
commands.builtin_commands = [command for command in commands.builtin_commands if command not in gone]

parse = commands.Commands.parse


def logged(self, buf, params):
    command, rest = parse(self, buf, params)
    known = "" if not isinstance(command, commands.InvalidCommand) else "? "
    name = (command.command if not known else command.command_name or b"").decode(errors="replace")
    print(known + name, flush=True)
    return command, rest


commands.Commands.parse = logged


def filtered(name):
    announced = getattr(IMAPConfig, name).fget

    def get(config):
        return [word for word in announced(config) if word not in hidden]

    setattr(IMAPConfig, name, property(get))


filtered("login_capability")
filtered("initial_capability")

if "UIDPLUS" in without:
    for code in (AppendUid, CopyUid):
        code.__bytes__ = lambda self: b""

sys.argv = [
    "pymap", "--host", "127.0.0.1", "--port", port, "--no-tls",
    "dict", "--demo-user", user, "--demo-password", password,
]
main()
