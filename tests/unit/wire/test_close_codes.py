"""One table of close codes for the gateway, the recorder, the page and the documentation."""

import re
from pathlib import Path

from wire.close_codes import FINAL, LEAVING, CloseCode

ROOT = Path(__file__).parents[3]


def test_the_page_gives_up_after_the_same_codes() -> None:
    """The page and the recorder are twins: a code that ends one of them ends the other."""
    source = (ROOT / "fastapi_service/static/session/reconnecting-socket.js").read_text(encoding="utf-8")
    found = re.search(r"const FINAL = new Set\(\[([\d, ]+)\]\)", source)
    assert found
    assert {int(code) for code in found[1].split(",")} == FINAL
    assert f"const BACK_SOON = {CloseCode.BACK_SOON};" in source
    assert f"const DONE = {CloseCode.NORMAL};" in source


def test_the_documentation_names_every_code() -> None:
    """docs/protocol.md has the whole table."""
    document = (ROOT / "docs/protocol.md").read_text(encoding="utf-8")
    rows = {int(code): row for code, row in re.findall(r"^\| (\d{4}) (\|.*)$", document, re.MULTILINE)}
    assert rows.keys() == set(CloseCode)
    for code, row in rows.items():
        reconnects, ends = (cell.strip() for cell in row.split("|")[2:4])
        assert reconnects == ("no" if code in FINAL else "yes"), code
        assert ends == ("yes" if code in LEAVING else "no"), code


def test_a_code_of_the_gateway_that_means_try_later_is_not_final() -> None:
    """A restart, an overload or a broken connection never ends a conversation."""
    assert not FINAL & {CloseCode.ABNORMAL, CloseCode.INTERNAL_ERROR, CloseCode.RESTART, CloseCode.TRY_LATER}
