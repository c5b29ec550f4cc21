"""The model of each language, and the settings that name them."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from analyzer_worker.engines.instant import InstantAnalyzer
from analyzer_worker.engines.load import Loading, load_routing
from analyzer_worker.engines.routing import Routing
from analyzer_worker.settings import Settings, parse_labels, parse_models
from wire.errors import ModelError
from wire.messages.results import Label

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


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("neutral,positive,negative", {"*": ("neutral", "positive", "negative")}),
        (" Negative , POSITIVE ", {"*": ("negative", "positive")}),
        (
            "owner/name=negative,positive; /models/a=b =neutral,negative,positive",
            {"owner/name": ("negative", "positive"), "/models/a=b": ("neutral", "negative", "positive")},
        ),
    ],
)
def test_labels_are_parsed(text: str, expected: dict[str, tuple[Label, ...]]) -> None:
    assert parse_labels(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "negative",
        "negative,neutral",
        "LABEL_0,LABEL_1",
        "negative,,positive",
        "a=negative,positive;a=positive,negative",
        "a=negative,positive;",
        "negative,positive;a=negative,positive",
        "en=negative,b=positive",
    ],
)
def test_labels_of_another_form_are_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="neutral,positive,negative"):
        Settings(labels=text)


def test_labels_of_a_model_that_is_not_in_use_are_refused() -> None:
    """A mistyped name would leave the right one to the names that its file has."""
    labels = "owner/name=negative,positive"
    with pytest.raises(ValidationError, match="ANALYZER_LABELS names owner/name"):
        Settings(model="owner/names", labels=labels)
    assert Settings(models="en=owner/name,*=instant", labels=labels).labels_by_model.keys() == {"owner/name"}


def test_labels_for_no_model_in_particular_are_refused_where_several_could_be_meant(tmp_path: Path) -> None:
    loading = Loading(tmp_path, threads=1, download=False, labels=parse_labels("neutral,positive,negative"))
    with pytest.raises(ModelError, match=r"ANALYZER_LABELS does not say .* owner/a or owner/b"):
        load_routing({"en": "owner/a", "ko": "owner/b", "*": "instant"}, None, loading)
    load_routing({"*": "instant"}, None, loading)


def test_each_model_gets_its_own_labels(tmp_path: Path) -> None:
    """Those without a name are for the only model that is not built in."""
    loading = Loading(tmp_path, 1, labels=parse_labels("owner/a=negative,positive;owner/b=positive,negative"))
    assert loading.labels_of("owner/a") == ("negative", "positive")
    assert loading.labels_of("owner/b") == ("positive", "negative")
    assert loading.labels_of("owner/c") is None
    assert Loading(tmp_path, 1, labels=parse_labels("positive,negative")).labels_of("owner/c") == (
        "positive",
        "negative",
    )
