"""A gateway in a process of its own, with its voice model, and a client in a loud room."""

import websockets

from tests.support.eventually import eventually
from tests.support.gateways import START_S, Gateway, Person
from tests.support.loud_rooms import in_room
from tests.support.machines import Processes
from wire.audio import SAMPLE_RATE, encode_pcm, to_int16


async def test_sentences_in_a_loud_room_end_with_the_voice(processes: Processes) -> None:
    """Both are over before 1.5 s of noise have followed; without the model they would be one of 20 s."""
    gateway = Gateway(processes, GATEWAY_VOICE_DETECTION="true")
    eventually(gateway.answers, START_S)
    audio, spans = in_room("fan", ("silly.wav", "known-her.wav"))
    async with websockets.connect(gateway.ws) as line:
        person = await Person.enter(line)
        for begin in range(0, len(audio), SAMPLE_RATE // 10):
            await person.talk(encode_pcm(to_int16(audio[begin : begin + SAMPLE_RATE // 10])))
        await person.ping()
    ended = [message for message in person.received if message["type"] == "speech_ended"]
    for begin, end in spans:
        parts = [each for each in ended if 16 * each["start_ms"] < end and 16 * each["end_ms"] > begin]
        assert {each["reason"] for each in parts} == {"silence"}
        assert 16 * parts[0]["start_ms"] <= begin
        assert end <= 16 * parts[-1]["end_ms"] <= end + 1.5 * SAMPLE_RATE
