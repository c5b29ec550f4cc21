"""Real speech through the whole system: words, sentiment, order, statistics, isolation."""

import asyncio
import json
from itertools import pairwise
from types import SimpleNamespace

import websockets

from local.testing import Stack
from tests.e2e.speech import SLOWLY, Clip, check_order, check_statistics, clip, say, wer
from wire.messages.base import HOPS
from wire.messages.client import Start
from wire.messages.results import Final
from wire.messages.server import AnyServerMessage, Interim
from wta.client.client import Client
from wta.client.options import Hooks


def socket_url(stack: Stack) -> str:
    return f"{stack.url.replace('http', 'ws', 1)}/ws"


async def talk(stack: Stack, spoken: Clip, start: Start | None = None, speed: float = 1.0) -> Client:
    """A whole session, so many times faster than it was spoken."""
    async with Client(socket_url(stack), start) as client:
        await say(client, spoken, speed)
        stopped = await client.stop()
        assert stopped.pending == 0
    return client


async def test_a_conversation_comes_back_as_text_with_sentiment_and_statistics(stack: Stack) -> None:
    """Four sentences in real time give four finals with the right words, a sentiment each, and true statistics."""
    spoken = clip("conversation.wav")
    client = await talk(stack, spoken)
    assert len(client.results) == len(spoken.texts)
    assert wer(spoken.text, client.results) <= 0.2
    check_order(client.results)
    check_statistics(client.statistics, client.results)
    for final in client.results:
        assert isinstance(final, Final)
        assert final.language == "en"
        assert final.sentiment is not None
        assert abs(sum(final.sentiment.probabilities.values()) - 1) < 1e-3
        assert final.sentiment.score == max(final.sentiment.probabilities.values())
        assert final.stt_model == "base"


async def test_every_hop_can_be_read_from_the_clock(stack: Stack) -> None:
    """The clock readings of a final are complete, and in the order of its ways: the text may be begun in the pause."""
    client = await talk(stack, clip("silly.wav"))
    clock = SimpleNamespace(**client.results[0].clock.model_dump())
    readings = list(vars(clock).values())
    assert None not in readings
    assert clock.speech_end <= clock.endpointed <= clock.queued <= clock.analysis_start
    assert clock.speech_end <= clock.stt_start <= clock.stt_end <= clock.analysis_start
    assert readings[-4:] == sorted(readings[-4:])
    assert client.statistics is not None
    assert set(client.statistics.latency) == set(HOPS) - {"delivery"}


async def test_clear_feelings_are_recognised(stack: Stack) -> None:
    """A sentence of joy is positive and one of spite negative, spoken by real people."""
    joy, spite = await asyncio.gather(talk(stack, clip("pleased.wav")), talk(stack, clip("spiteful.wav")))
    felt = [final.sentiment for final in (joy.results[0], spite.results[0]) if isinstance(final, Final)]
    assert [sentiment and sentiment.label for sentiment in felt] == ["positive", "negative"]


async def test_two_sessions_at_once_never_see_each_other(stack: Stack) -> None:
    """Each client gets its own words and statistics, and no message that names the other's session."""
    first, second = clip("jfk.wav"), clip("lobster.wav")
    one, two = await asyncio.gather(talk(stack, first), talk(stack, second))
    assert one.session_id != two.session_id
    for client, spoken in ((one, first), (two, second)):
        assert {result.session_id for result in client.results} == {client.session_id}
        assert wer(spoken.text, client.results) <= 0.2
        check_order(client.results)
        check_statistics(client.statistics, client.results)


async def test_people_in_one_room_see_each_other(stack: Stack) -> None:
    """Two talkers of one room get both texts in the same order; a third session outside gets neither."""
    room = Start(room="e2e-room")
    async with Client(socket_url(stack), Start()) as outsider:
        first, second = clip("silly.wav"), clip("surpassed.wav")
        async with Client(socket_url(stack), room) as one, Client(socket_url(stack), room) as two:
            await asyncio.gather(say(one, first), say(two, second))
            await one.stop()
            await two.stop()
            said = len(one.transcript.own_results) + len(two.transcript.own_results)  # a pause may divide a clip
            assert said >= 2
            await two.until(lambda: len(two.results) == said)
        assert [result.seq for result in two.results] == list(range(1, said + 1))
        assert {result.session_id for result in two.results} == {one.session_id, two.session_id}
        finals = [result for result in two.results if isinstance(result, Final)]  # sound behind a clip has no text
        assert two.transcript.statistics["room"].utterances == len(finals) >= 2
        assert outsider.results == []
    async with Client(socket_url(stack), room) as late:
        await late.until(lambda: len(late.results) == said)


async def test_sentiment_in_a_language_without_training_is_marked(stack: Stack) -> None:
    """German speech is recognised as German, transcribed, and its sentiment is zero-shot; that of English is not."""
    german, english = await asyncio.gather(talk(stack, clip("de-klima.wav")), talk(stack, clip("pleased.wav")))
    for client, language, zero_shot in ((german, "de", True), (english, "en", False)):
        final = client.results[0]
        assert isinstance(final, Final)
        assert final.language == language
        assert final.sentiment is not None
        assert (final.sentiment.language, final.sentiment.zero_shot) == (language, zero_shot)
        assert final.sentiment_reason is None
        assert client.statistics is not None
        assert (client.statistics.zero_shot, client.statistics.unanalysed) == (int(zero_shot), 0)


async def test_the_simplest_client_sends_nothing_but_audio(stack: Stack) -> None:
    """Binary PCM alone opens a session with defaults, and its results come back."""
    spoken = clip("surpassed.wav")
    async with websockets.connect(socket_url(stack)) as socket:
        for offset in range(0, len(spoken.pcm), 3200):
            await socket.send(spoken.pcm[offset : offset + 3200])
        await socket.send(bytes(32_000))
        async for text in socket:
            message = json.loads(text)
            if message["type"] == "final":
                break
    assert wer(spoken.text, [Final.model_validate(message)]) <= 0.34


async def test_other_sample_rates_are_resampled(stack: Stack) -> None:
    """Speech at 48 kHz gives the same words, and its times are those of the recording."""
    spoken = clip("lobster.wav")
    upsampled = Clip(_three_times(spoken.pcm), 48_000, spoken.texts)
    client = await talk(stack, upsampled, Start(sample_rate=48_000))
    assert wer(spoken.text, client.results) <= 0.2
    assert client.results[-1].end_ms <= len(spoken.pcm) // 32 + 30


async def test_silence_gives_no_text(stack: Stack) -> None:
    """Three seconds of silence end in nothing; three seconds of noise end as no speech, counted as such."""
    import numpy as np

    noise = np.random.default_rng(5).normal(0, 0.05, 48_000)
    pcm = (np.clip(noise, -1, 1) * 32767).astype("<i2").tobytes()
    quiet = await talk(stack, Clip(bytes(96_000), 16_000, [""]))
    loud = await talk(stack, Clip(pcm, 16_000, [""]), Start(language="en"))
    assert quiet.results == []
    assert [result.type for result in loud.results] == ["no_speech"] * len(loud.results)
    assert loud.statistics is not None
    assert loud.statistics.no_speech == len(loud.results) >= 1


def _three_times(pcm: bytes) -> bytes:
    import numpy as np
    import soxr

    return bytes(soxr.resample(np.frombuffer(pcm, "<i2"), 16_000, 48_000).astype("<i2").tobytes())


async def test_the_text_grows_while_somebody_speaks(stack: Stack) -> None:
    """Interim texts come before the final one, settle word by word, and end with the utterance."""
    spoken = clip("fr-cristaux.wav")
    heard: list[AnyServerMessage] = []
    hooks = Hooks(heard.append, lambda _: None)
    async with Client(socket_url(stack), Start(language="fr"), hooks=hooks) as client:
        await say(client, spoken, SLOWLY)
        await client.stop()
    finals = {message.segment: number for number, message in enumerate(heard) if isinstance(message, Final)}
    interims = [(number, message) for number, message in enumerate(heard) if isinstance(message, Interim)]
    assert interims
    assert all(number < finals[message.segment] for number, message in interims)
    for (_, before), (_, after) in pairwise(interims):
        assert after.segment > before.segment or after.stable.startswith(before.stable)
    assert any(message.stable for _, message in interims)


async def test_a_final_text_stands_when_its_sentence_is_over(stack: Stack) -> None:
    """It was begun in the pause, and has the time of each word."""
    client = await talk(stack, clip("conversation.wav"), speed=SLOWLY)
    finals = [result for result in client.results if isinstance(result, Final)]
    for final in finals:
        assert "".join(word.text for word in final.words).strip() == final.text
        times = [time for word in final.words for time in (word.start_ms, word.end_ms)]
        assert times == sorted(times)
        assert final.start_ms <= times[0] < times[-1] <= final.end_ms
        assert all(0 < word.probability <= 1 for word in final.words)
        assert final.clock.speech_end <= (final.clock.stt_start or 0)
    begun = [final for final in finals if (final.clock.stt_start or 0) < final.clock.endpointed]
    assert len(begun) >= len(finals) - 1, "the recording ends with its last sentence"
