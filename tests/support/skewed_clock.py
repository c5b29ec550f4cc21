"""Import it first: this process's clock is then as many seconds ahead as the file ``CLOCK_FILE`` says at each moment.

The monotonic clock stays, as on a host whose clock is set while it runs.
"""

import os
import time
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

from celery import Celery
from celery.worker import request

_true_time, _true_now = time.time, Celery.now
_file = Path(os.environ["CLOCK_FILE"])


def _skew_s() -> float:
    return float(_file.read_text() or 0)


class _Datetime(datetime):
    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Any:
        return datetime.now(tz) + timedelta(seconds=_skew_s())


setattr(time, "time", lambda: _true_time() + _skew_s())  # noqa: B010
setattr(request, "datetime", _Datetime)  # noqa: B010
setattr(Celery, "now", lambda app: _true_now(app) + timedelta(seconds=_skew_s()))  # noqa: B010
