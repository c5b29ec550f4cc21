"""Pure: calls a frame voiced or unvoiced, in a quiet room by its energy alone, in a loud one by its voice too."""

from fastapi_service.endpointing.energy_vad import DIGITAL_SILENCE, EnergyVad
from fastapi_service.endpointing.loud_room import LoudRoom
from fastapi_service.endpointing.voice import VoiceModel
from wire.audio import Pcm


class Vad:
    """Voice activity along one stream, in frames of 30 ms."""

    def __init__(self, energy: EnergyVad, model: VoiceModel | None) -> None:
        """Begin in a quiet room.

        Args:
            energy: the rule of quiet rooms; it also finds that a room is loud.
            model: for loud rooms; None: the rule of quiet ones decides there too, and calls all frames voiced.
        """
        self._energy = energy
        self._loud_room = LoudRoom(model) if model is not None else None
        self._is_reset = True
        """The rule of loud rooms has taken in no frame since its last reset."""

    def tune(self, ceiling: float, factor: float) -> None:
        """Change the rule of quiet rooms; see :class:`EnergyVad`."""
        self._energy.tune(ceiling, factor)

    @property
    def needs_voice(self) -> bool:
        """True while the rule of loud rooms decides."""
        return self._loud_room is not None and self._energy.is_deaf

    def update(self, frame: Pcm, energy: float) -> bool:
        """Take in a frame with its mean square, and return True if it is voiced."""
        is_loud = self._energy.update(energy)
        if self._loud_room is None:
            return is_loud
        if energy <= DIGITAL_SILENCE or not self._energy.is_deaf:
            self.skip()
            return is_loud
        self._is_reset = False
        return self._loud_room.update(frame, energy, self._energy.floor, self._energy.loud)

    def skip(self) -> None:
        """Leave out frames of digital silence."""
        if self._loud_room is not None and not self._is_reset:
            self._loud_room.reset()
            self._is_reset = True
