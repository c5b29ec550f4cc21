"""Audio that the gateway has not acknowledged yet. Pure: no socket."""

from wire.audio import SAMPLE_BYTES


class ReplayBuffer:
    """A bounded stretch of the session's audio, counted in samples since the session's start.

    Recorded audio is appended at the end, acknowledged audio is removed at the start. The rest can be
    read, and so sent, as often as connections break.
    """

    def __init__(self, capacity: int, channels: int = 1) -> None:
        """Hold ``capacity`` samples of each channel; those of one moment follow each other."""
        self._capacity = capacity
        """Samples."""
        self._size = SAMPLE_BYTES * channels
        """Bytes of all channels at one moment."""
        self._pcm = bytearray()
        self.start = 0
        """First sample that is kept; earlier ones were acknowledged or dropped."""

    @property
    def end(self) -> int:
        """The sample after the last one."""
        return self.start + len(self._pcm) // self._size

    def has_room_for(self, pcm: bytes) -> bool:
        """True if ``pcm`` fits. An empty buffer takes any size, so that a caller never waits forever."""
        return not self._pcm or len(self._pcm) + len(pcm) <= self._capacity * self._size

    def append(self, pcm: bytes) -> None:
        """Append Int16 samples.

        Raises:
            ValueError: these are not whole Int16 samples.
        """
        if len(pcm) % self._size:
            raise ValueError(f"{len(pcm)} bytes are not whole Int16 samples")
        self._pcm += pcm

    def drop_oldest(self) -> int:
        """Drop the samples beyond the capacity, oldest first; return how many."""
        excess = max(0, self.end - self.start - self._capacity)
        self.trim(self.start + excess)
        return excess

    def trim(self, position: int) -> None:
        """Remove everything before ``position``, which was acknowledged."""
        position = min(position, self.end)
        if position > self.start:
            del self._pcm[: (position - self.start) * self._size]
            self.start = position

    def resume(self, position: int) -> int:
        """Return the sample to continue from when the gateway has everything before ``position``.

        The result lies before ``start`` when missing audio was dropped, and never beyond ``end``; an empty buffer,
        which has no position of its own yet, takes the gateway's.
        """
        if not self._pcm:
            self.start = max(self.start, position)
        self.trim(position)
        return min(position, self.end)

    def read(self, position: int, most: int) -> bytes:
        """Return at most ``most`` samples as Int16 PCM from ``position``, which is not before ``start``."""
        begin = (position - self.start) * self._size
        return bytes(self._pcm[begin : begin + most * self._size])
