#!/usr/bin/env python3
"""The PowerShell that `calendar-relay setup` writes, read by a parser of PowerShell.

usage: setup_files.py BINARY      every kind of answers, hostile ones too
       setup_files.py --file SCRIPT
"""

import itertools
import pathlib
import re
import subprocess
import sys
import tempfile

import tree_sitter_powershell
from tree_sitter import Language, Node, Parser

PARSER = Parser(Language(tree_sitter_powershell.language()))

# All that a script may call. Anything else is what somebody smuggled in.
COMMANDS = {
    "Connect-ExchangeOnline",
    "Format-Table",
    "Get-Group",
    "Get-ManagementRoleAssignment",
    "Get-ManagementScope",
    "Get-ServicePrincipal",
    "New-ManagementRoleAssignment",
    "New-ManagementScope",
    "New-ServicePrincipal",
    "Out-Null",
    "Read-Host",
    "Set-ManagementRoleAssignment",
    "Set-ManagementScope",
    "Test-ServicePrincipalAuthorization",
    "Where-Object",
    "Write-Warning",
}
# What every script must do.
NEEDED = {
    "Connect-ExchangeOnline",
    "New-ManagementRoleAssignment",
    "New-ManagementScope",
    "New-ServicePrincipal",
    "Test-ServicePrincipalAuthorization",
}
GROUPS = [
    "Rooms",
    "rooms@contoso.example",
    "Board's rooms",
    "'; Remove-Mailbox -Identity boss; '",
    "’; Remove-Mailbox -Identity boss; ‘",
    "Räume $(Get-Mailbox) `\" #>",
]


def nodes(node: Node):
    yield node
    for child in node.children:
        yield from nodes(child)


def parsed(script: bytes) -> Node:
    """The script's tree; raises where it is no PowerShell."""
    root = PARSER.parse(script.removeprefix(b"\xef\xbb\xbf")).root_node
    for node in nodes(root):
        if node.is_error or node.is_missing:
            raise SyntaxError(f"line {node.start_point.row + 1}: {node.text.decode()[:80]!r}")
    return root


def check(script: bytes) -> list[str]:
    """Refuses what is no PowerShell, and what calls something else; gives the values of plain strings."""
    root = parsed(script)
    if not script.isascii():
        assert script.startswith(b"\xef\xbb\xbf"), "Windows PowerShell would read it in another encoding"
    called = {node.text.decode() for node in nodes(root) if node.type == "command_name"}
    assert called <= COMMANDS, f"calls {called - COMMANDS}"
    assert NEEDED <= called, f"does not call {NEEDED - called}"
    return [value(node) for node in nodes(root) if node.type == "verbatim_string_characters"]


def value(node: Node) -> str:
    text = node.text.decode()[1:-1]
    # PowerShell takes these for quotes, too; this parser does not.
    for run in re.findall("[‘’‚‛]+", text):
        assert len(run) % 2 == 0, f"{text!r} ends before its end"
    for quote in "'‘’‚‛":
        text = text.replace(quote * 2, quote)
    return text


def setup(binary: str, folder: pathlib.Path, *more: str) -> None:
    tenant = "0f0f0f0f-0000-0000-0000-000000000001"
    subprocess.run(
        [binary, "setup", "--yes", "--output", str(folder), "--plain", "--public-url", "https://x.contoso.example"]
        + ["--tenant-id", tenant, "--domain", "contoso.example", "--rooms", "room-*@contoso.example"]
        + ["--other-capability", "out_of_office_write", *more],
        check=True,
        capture_output=True,
    )


def main(binary: str) -> None:
    for broken in (b"New-ManagementScope -Name 'it's'", b"foreach ($a in $b) {", b"@( @{ A = 'x' )"):
        try:
            parsed(broken)
        except SyntaxError:
            continue
        raise AssertionError(f"the parser takes {broken}")

    scopes = [["--rbac", "rooms"]] + [["--rbac", "group", "--rbac-group", group] for group in GROUPS]
    purposes = ["google", "rooms", "out-of-office", "other", "google,rooms,out-of-office,other"]
    kinds = ["secret", "federated-token", "managed-identity"]
    clouds = ["global", "us_government_l4", "us_government_dod", "china"]
    ids = ["--client-id", "gateway=0f0f0f0f-0000-0000-0000-000000000002", "--single-application"]
    trials = ["--allowed-mailbox", "o'neil@contoso.example", "--forbidden-mailbox", "boss@contoso.example"]
    count = 0
    with tempfile.TemporaryDirectory() as work:
        for number, (scope, purpose) in enumerate(itertools.product(scopes, purposes)):
            more = [*scope, "--purpose", purpose, "--credential", kinds[number % 3], "--cloud", clouds[number % 4]]
            more += [*(ids if number % 2 else []), *(trials if number % 3 else [])]
            folder = pathlib.Path(work, str(number))
            setup(binary, folder, *more)
            strings = check((folder / "exchange-rbac.ps1").read_bytes())
            for answer in (scope[3:], ids[1:2] if number % 2 else [], trials[1::2] if number % 3 else []):
                for text in answer:
                    assert text.removeprefix("gateway=") in strings, f"{text!r} is not in {strings}"
            count += 1
    print(f"setup: {count} PowerShell scripts are PowerShell, and call what they should")


if __name__ == "__main__":
    if sys.argv[1] == "--file":
        check(pathlib.Path(sys.argv[2]).read_bytes())
    else:
        main(sys.argv[1])
