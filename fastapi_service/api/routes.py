"""The routes of an application, one by one."""

from collections.abc import Iterable, Iterator

from starlette.routing import BaseRoute


def flattened(routes: Iterable[BaseRoute]) -> Iterator[BaseRoute]:
    """Yield routes, also those of the routers in them: FastAPI keeps each router as one route."""
    for route in routes:
        router = getattr(route, "original_router", None)
        if router is None:
            yield route
        else:
            yield from flattened(router.routes)
