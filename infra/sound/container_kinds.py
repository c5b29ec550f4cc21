"""Kinds of containers that are read with FFmpeg: their first bytes, demuxers and decoders."""

from typing import BinaryIO

_MAGICS = (
    (4, b"ftyp", "mov"),
    (4, b"moov", "mov"),
    (4, b"mdat", "mov"),
    (4, b"wide", "mov"),
    (0, b"\x1aE\xdf\xa3", "matroska"),
    (0, b"OggS", "ogg"),
    (0, b"#!AMR", "amr"),
    (0, b"0&\xb2u\x8ef\xcf\x11", "asf"),
    (8, b"AVI ", "avi"),
    (0, b"caff", "caf"),
    (0, b"FLV\x01", "flv"),
    (0, b"ADIF", "aac"),
    (0, b"\xff\xf1", "aac"),
    (0, b"\xff\xf9", "aac"),
    (0, b"\x0b\x77", "ac3"),
    (0, b"\x00\x00\x01\xba", "mpeg"),
    (0, b"G", "mpegts"),
)
"""Offset, bytes there, and the demuxer for them."""
NAMES = {
    "mov": "an MP4 or M4A file",
    "matroska": "a WebM or Matroska file",
    "ogg": "an Ogg file",
    "amr": "an AMR file",
    "asf": "a WMA or WMV file",
    "avi": "an AVI file",
    "aac": "an AAC file",
}
"""Demuxer → what people call its files."""
_TS_PACKET = 188
"""Bytes; each begins with a ``G``."""
CODECS = (
    "aac", "aac_latm", "ac3", "adpcm_ima_qt", "adpcm_ima_wav", "adpcm_ms", "adpcm_swf", "adpcm_yamaha", "alac",
    "amrnb", "amrwb", "libopencore_amrnb", "libopencore_amrwb", "eac3", "flac", "g722", "g729", "gsm", "gsm_ms",
    "ilbc", "mp1float", "mp2", "mp2float", "mp3", "mp3float", "nellymoser", "opus", "libopus", "pcm_alaw",
    "pcm_f32be", "pcm_f32le", "pcm_f64be", "pcm_f64le", "pcm_mulaw", "pcm_s16be", "pcm_s16le", "pcm_s24be",
    "pcm_s24le", "pcm_s32be", "pcm_s32le", "pcm_s8", "pcm_u8", "qdm2", "speex", "libspeex", "truespeech", "tta",
    "vorbis", "libvorbis", "wavpack", "wmalossless", "wmapro", "wmav1", "wmav2", "wmavoice",
)  # fmt: skip
"""Decoders of sound."""


def demuxer(file: BinaryIO) -> str | None:
    """Return FFmpeg's name for the kind of a file; None for one that is not read here."""
    file.seek(0)
    head = file.read(2 * _TS_PACKET)
    for at, magic, name in _MAGICS:
        if head[at : at + len(magic)] == magic:
            is_stream = name != "mpegts" or head[_TS_PACKET : _TS_PACKET + 1] == b"G"
            return name if is_stream else None
    return None


def family(kind: str) -> str:
    """Return all names of a demuxer: FFmpeg compares with each of them."""
    return {"mov": "mov,mp4,m4a,3gp,3g2,mj2", "matroska": "matroska,webm"}.get(kind, kind)
