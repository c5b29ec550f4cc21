"""Pure: the frames in which audio is judged."""

from wire.audio import SAMPLE_RATE, ms_to_samples

assert SAMPLE_RATE % 1000 == 0  # so that milliseconds are whole samples

FRAME_MS = 30
FRAME = ms_to_samples(FRAME_MS)  # 480 samples


def ceil_to_frames(samples: int) -> int:
    """Round a number of samples up to whole frames."""
    return -(-samples // FRAME) * FRAME
