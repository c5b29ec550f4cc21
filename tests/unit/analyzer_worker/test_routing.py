"""The model of each language, and the settings that name them."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from analyzer_worker.engines.instant import InstantAnalyzer
from analyzer_worker.engines.load import Loading, load_routing
from analyzer_worker.engines.routing import Routing
from analyzer_worker.settings import Settings, parse_models
from wire.errors import ModelError

ENGLISH, ANY = InstantAnalyzer(frozenset({"en"})), InstantAnalyzer()


def test_a_language_with_a_model_of_its_own_gets_that_one() -> None:
    """All others get the model of ``*``."""
    routing = Routing({"en": ENGLISH, "*": ANY})
    assert routing.model_for("en") is ENGLISH
    assert routing.model_for("ko") is ANY


def test_a_language_that_no_model_supports_gets_none() -> None:
    assert Routing({"*": ENGLISH}).model_for("ko") is None
    assert Routing({"en": ENGLISH}).model_for("ko") is None


def test_a_language_cannot_be_routed_to_a_model_that_lacks_it() -> None:
    with pytest.raises(ModelError, match="instant does not support ko, which ANALYZER_MODELS routes to it"):
        Routing({"ko": ENGLISH})


def test_routing_describes_all_its_models() -> None:
    """Names and revisions appear once each; the languages are those of any model."""
    routing = Routing({"en": ENGLISH, "ko": InstantAnalyzer(frozenset({"ko", "ja"}))})
    assert (routing.name, routing.revision) == ("instant", "1")
    assert routing.languages == frozenset({"en", "ko", "ja"})
    assert Routing({"en": ENGLISH, "*": ANY}).languages is None


def test_a_model_is_loaded_once_for_several_languages(tmp_path: Path) -> None:
    models = {"en": "instant", "ko": "instant", "*": "instant"}
    routing = load_routing(models, None, Loading(tmp_path, threads=1))
    assert routing.model_for("en") is routing.model_for("ko") is routing.model_for("de")


def test_given_languages_are_those_of_the_model_for_any(tmp_path: Path) -> None:
    """``ANALYZER_LANGUAGES`` and a route of its own do not exclude each other."""
    models = {"de": "instant", "*": "instant"}
    routing = load_routing(models, frozenset({"ko"}), Loading(tmp_path, threads=1))
    assert routing.languages == frozenset({"de", "ko"})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("*=owner/name", {"*": "owner/name"}),
        (" en = minilm-sentiment-en , *=/models/mine", {"en": "minilm-sentiment-en", "*": "/models/mine"}),
        ("yue=a,zh=b", {"yue": "a", "zh": "b"}),
    ],
)
def test_models_are_parsed(text: str, expected: dict[str, str]) -> None:
    assert parse_models(text) == expected


@pytest.mark.parametrize("text", ["en", "en=", "=x", "english=x", "en=a,en=b", "en=a,,*=b", "en=a b"])
def test_models_of_another_form_are_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="each language once"):
        Settings(models=text)


def test_models_replace_the_model() -> None:
    assert Settings(model="instant").model_by_language == {"*": "instant"}
    assert Settings(model="instant", models="en=minilm-sentiment-en").model_by_language == {"en": "minilm-sentiment-en"}
