"""The model of each language, and the settings that name them."""

from pathlib import Path

import pytest
from pydantic import ValidationError
from structlog.testing import capture_logs

from analyzer_worker.engines.instant import InstantAnalyzer
from analyzer_worker.engines.load import Loading, base_of, load_routing, unused_labels
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
    """Names and revisions appear once each."""
    routing = Routing({"en": ENGLISH, "ko": InstantAnalyzer(frozenset({"ko", "ja"}))})
    assert (routing.name, routing.revision) == ("instant", "1")


def test_the_reason_for_no_model_names_the_model_or_the_setting() -> None:
    assert Routing({"*": ENGLISH}).refusal("ko") == "The sentiment model instant does not read this language (ko)."
    assert "(ko) is missing in ANALYZER_MODELS" in Routing({"en": ENGLISH}).refusal("ko")


def test_a_model_is_loaded_once_for_several_languages(tmp_path: Path) -> None:
    models = {"en": "instant", "ko": "instant", "*": "instant"}
    routing = load_routing(models, None, Loading(tmp_path, threads=1))
    assert routing.model_for("en") is routing.model_for("ko") is routing.model_for("de")


def test_given_languages_are_those_of_the_model_for_any(tmp_path: Path) -> None:
    """``ANALYZER_LANGUAGES`` and a route of its own do not exclude each other."""
    models = {"de": "instant", "*": "instant"}
    routing = load_routing(models, frozenset({"ko"}), Loading(tmp_path, threads=1))
    assert [routing.model_for(code) is not None for code in ("de", "ko", "fr")] == [True, True, False]


@pytest.mark.parametrize("languages", ["*", "*,ko", "ko, *"])
def test_any_language_is_any_language(languages: str, tmp_path: Path) -> None:
    """Also beside others, and where one of them has a route of its own."""
    settings = Settings(languages=languages)
    for models in ({"*": "instant"}, {"de": "instant", "*": "instant"}):
        routing = load_routing(models, settings.language_codes, Loading(tmp_path, threads=1))
        assert routing.model_for("fr") is not None


@pytest.mark.parametrize("languages", ["ko-KR", "EN", "korean", "en;ko", "한국어"])
def test_what_is_no_language_code_is_refused(languages: str) -> None:
    with pytest.raises(ValidationError, match="ISO 639-1 codes"):
        Settings(languages=languages)


@pytest.mark.parametrize(
    ("models", "base", "owner"),
    [
        ({"e5-sentiment-multilingual"}, "e5-small-q4.bin", "e5-sentiment-multilingual"),
        ({"minilm-sentiment-en"}, "e5-small-q4.bin", "minilm-sentiment-en"),
        ({"e5-sentiment-multilingual", "minilm-sentiment-en"}, "e5-small-q4.bin", "e5-sentiment-multilingual"),
        ({"e5-sentiment-multilingual", "minilm-sentiment-en"}, "", "e5-sentiment-multilingual"),
        ({"e5-sentiment-multilingual", "minilm-sentiment-en"}, "minilm", "minilm-sentiment-en"),
    ],
)
def test_base_weights_go_to_the_model_that_they_are_of(models: set[str], base: str, owner: str, tmp_path: Path) -> None:
    """With one built-in model in use they are its own, and are checked as such; with both, the files tell."""
    (tmp_path / "e5-small-q4.bin").touch()
    (tmp_path / "minilm").mkdir()
    found = {model: base_of(model, models, tmp_path / base) for model in models}
    assert found == {model: tmp_path / base if model == owner else None for model in models}


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


@pytest.mark.parametrize(
    ("models", "labels", "named"),
    [
        ({"*": "instant"}, "neutral,positive,negative", ["neutral,positive,negative"]),
        ({"en": "instant", "ko": "instant"}, "positive,negative", ["positive,negative"]),
        ({"*": "instant"}, "instant=negative,positive", ["instant=negative,positive"]),
        ({"*": "instant"}, "instant=negative,positive;a/b=positive,negative", None),
    ],
)
def test_labels_without_a_model_of_ones_own_are_named_at_the_start(
    tmp_path: Path, models: dict[str, str], labels: str, named: list[str] | None
) -> None:
    """The models that are built in name their classes themselves: what was written has no effect."""
    loading = Loading(tmp_path, threads=1, download=False, labels=parse_labels(labels))
    with capture_logs() as lines:
        load_routing(models, None, loading)
    (line,) = lines
    assert (line["event"], line["log_level"], line["setting"]) == ("labels unused", "warning", "ANALYZER_LABELS")
    assert line["labels"] == (named or labels.split(";"))
    assert "instant" in line["models"]


@pytest.mark.parametrize(
    ("labels", "own", "unused"),
    [
        ("negative,positive", ["a/b"], []),
        ("negative,positive", [], ["negative,positive"]),
        ("a/b=negative,positive", ["a/b"], []),
        (
            "a/b=negative,positive;minilm-sentiment-en=positive,negative",
            ["a/b"],
            ["minilm-sentiment-en=positive,negative"],
        ),
        ("", [], []),
    ],
)
def test_labels_of_a_model_of_ones_own_are_used(labels: str, own: list[str], unused: list[str]) -> None:
    assert unused_labels(parse_labels(labels), own) == unused


def test_no_labels_are_no_warning(tmp_path: Path) -> None:
    with capture_logs() as lines:
        load_routing({"*": "instant"}, None, Loading(tmp_path, threads=1))
    assert lines == []
