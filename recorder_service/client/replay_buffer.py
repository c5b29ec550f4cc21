"""Pure: audio that the gateway does not have for certain yet. Knows no socket."""

from wire.audio import SAMPLE_BYTES


class Unacknowledged:
    """A bounded stretch of the session's audio, counted in samples since the session's start.

    It grows at its end with what is recorded and shrinks at its start with what is acknowledged; what lies between can
    be read, and so sent, as often as connections break.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        """Samples."""
        self._pcm = bytearray()
        self.start = 0
        """First sample that is kept; what came before is safe, or was dropped."""

    @property
    def end(self) -> int:
        """The sample after the last one."""
        return self.start + len(self._pcm) // SAMPLE_BYTES

    def has_room_for(self, pcm: bytes) -> bool:
        """Whether ``pcm`` fits. An empty buffer takes anything, so that nobody waits forever."""
        return not self._pcm or len(self._pcm) + len(pcm) <= self._capacity * SAMPLE_BYTES

    def append(self, pcm: bytes) -> None:
        """
        Raises:
            ValueError: these are not whole Int16 samples.
        """
        if len(pcm) % SAMPLE_BYTES:
            raise ValueError(f"{len(pcm)} bytes are not whole Int16 samples")
        self._pcm += pcm

    def drop_oldest(self) -> int:
        """Forget what exceeds the capacity; returns how many samples that were."""
        excess = max(0, self.end - self.start - self._capacity)
        self.trim(self.start + excess)
        return excess

    def trim(self, position: int) -> None:
        """Everything before ``position`` is safe."""
        position = min(position, self.end)
        if position > self.start:
            del self._pcm[: (position - self.start) * SAMPLE_BYTES]
            self.start = position

    def resume(self, position: int) -> int:
        """Where to go on sending when the gateway has everything before ``position``.

        It lies before ``start`` when what the gateway lacks was dropped, and never beyond ``end``, except that an empty
        buffer, which has no position of its own yet, takes over the gateway's.
        """
        if not self._pcm:
            self.start = max(self.start, position)
        self.trim(position)
        return min(position, self.end)

    def read(self, position: int, most: int) -> bytes:
        """At most ``most`` samples from ``position``, which is not before ``start``."""
        begin = (position - self.start) * SAMPLE_BYTES
        return bytes(self._pcm[begin : begin + most * SAMPLE_BYTES])
