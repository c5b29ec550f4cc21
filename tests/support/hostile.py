"""Files that are made to do harm, or are no sound at all."""

import gzip
import io
import random
import struct
import tarfile
import zipfile
from collections.abc import Iterator

import numpy as np
import soundfile

from tests.support.containers import packed
from tests.support.sounds import speech
from wire.audio import SAMPLE_RATE

PASSWORDS = "/etc/passwd"
"""A file of the machine that none of them must reach."""
_HEAD = b"\x00\x00\x00\x14ftypisom\x00\x00\x00\x00isom"
MAGICS = {
    "mp4": b"\x00\x00\x00\x18ftypisom",
    "matroska": b"\x1aE\xdf\xa3",
    "ogg": b"OggS\x00\x02",
    "flac": b"fLaC\x00\x00\x00\x22",
    "wav": b"RIFF\x24\x00\x00\x00WAVEfmt ",
    "amr": b"#!AMR\n",
    "asf": b"0&\xb2u\x8ef\xcf\x11\xa6\xd9\x00\xaa\x00b\xcel",
    "avi": b"RIFF\x24\x00\x00\x00AVI LIST",
    "caf": b"caff\x00\x01\x00\x00desc",
    "flv": b"FLV\x01\x05\x00\x00\x00\x09",
    "adts": b"\xff\xf1\x50\x80",
    "mp3": b"ID3\x04\x00\x00\x00\x00\x02\x01",
    "aiff": b"FORM\x00\x00\x00\x40AIFFCOMM",
    "ac3": b"\x0b\x77",
    "program stream": b"\x00\x00\x01\xba",
}


def files() -> Iterator[tuple[str, bytes]]:
    """Yield name and content of each."""
    yield from _no_files()
    noise = random.Random(1).randbytes(65_536)
    yield from ((f"noise after the first bytes of {name}", magic + noise) for name, magic in MAGICS.items())
    yield (
        "noise in packets of a transport stream",
        b"".join(b"G" + noise[at : at + 187] for at in range(0, 60_000, 187)),
    )
    yield from _playlists()
    yield from _archives()
    yield from _pictures()
    yield from _headers()
    yield from _boxes()
    yield from _broken_off()


def _no_files() -> Iterator[tuple[str, bytes]]:
    yield "no bytes", b""
    yield "one byte", b"R"
    yield "text", b"Hello, this is no sound.\n" * 100
    yield "page", b"<!DOCTYPE html><html><body>404</body></html>"
    yield "noise", random.Random(2).randbytes(65_536)
    yield "zeros", bytes(65_536)
    yield "program", b"\x7fELF\x02\x01\x01" + bytes(500)
    yield "document", b"%PDF-1.7\n" + bytes(500)


def _playlists() -> Iterator[tuple[str, bytes]]:
    yield "m3u8", f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://{PASSWORDS}\n#EXT-X-ENDLIST\n".encode()
    yield "m3u8 with an address", b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:1/secret.ts\n#EXT-X-ENDLIST\n"
    yield "ffconcat", f"ffconcat version 1.0\nfile {PASSWORDS}\n".encode()
    yield "concat", f"concat:{PASSWORDS}|{PASSWORDS}".encode()
    yield "subfile", f"subfile,,start,0,end,64,,:{PASSWORDS}".encode()
    yield "pls", f"[playlist]\nFile1=file://{PASSWORDS}\nNumberOfEntries=1\n".encode()
    yield "sdp", b"v=0\no=- 0 0 IN IP4 127.0.0.1\nm=audio 5004 RTP/AVP 0\nc=IN IP4 127.0.0.1\n"
    yield "dash", f'<?xml version="1.0"?><MPD><BaseURL>file://{PASSWORDS}</BaseURL></MPD>'.encode()


def _archives() -> Iterator[tuple[str, bytes]]:
    packed_zip, packed_tar = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(packed_zip, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../evil.wav", bytes(10_000_000))
    with tarfile.open(fileobj=packed_tar, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("../../evil.wav"))
    yield "zip", packed_zip.getvalue()
    yield "tar", packed_tar.getvalue()
    yield "gzip", gzip.compress(bytes(10_000_000))


def _pictures() -> Iterator[tuple[str, bytes]]:
    yield "png", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + struct.pack(">II", 60_000, 60_000) + bytes(100)
    yield "jpeg", b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(500)
    yield "gif", b"GIF89a" + b"\xff\xff\xff\xff" + bytes(100)
    yield "webp", b"RIFF\x40\x00\x00\x00WEBPVP8 " + bytes(64)
    yield "svg", f'<svg xmlns="http://www.w3.org/2000/svg"><image href="file://{PASSWORDS}"/></svg>'.encode()


def _headers() -> Iterator[tuple[str, bytes]]:
    yield "wav without samples", _wav(b"")
    yield "wav without channels", _wav(bytes(1_000), channels=0)
    yield "wav with 65,535 channels", _wav(bytes(200_000), channels=65_535)
    yield "wav with 0 Hz", _wav(bytes(1_000), rate=0)
    yield "wav with 4 GHz", _wav(bytes(1_000), rate=4_000_000_000)
    yield "wav with 3 bits", _wav(bytes(1_000), align=7, bits=3)
    yield "wav of an unknown codec", _wav(bytes(1_000), tag=0x7777)
    yield "flac that says it has 24 days", _flac_that_says(2**35)


def _boxes() -> Iterator[tuple[str, bytes]]:
    head = _HEAD
    nested = b""
    for _ in range(5_000):
        nested = box("moov", nested)
    yield "mp4 of 5,000 boxes in each other", head + nested
    yield "mp4 with a box that is longer than the file", head + struct.pack(">I4s", 0x7FFFFFFF, b"moov") + bytes(100)
    yield "mp4 with a box of 2⁶³ bytes", head + struct.pack(">I4sQ", 1, b"moov", 2**63 - 1) + bytes(100)
    yield "mp4 with a box shorter than its head", head + struct.pack(">I4s", 4, b"moov") + bytes(100)
    yield "mp4 with tables of 2³² entries", head + box("moov", _track(stts=(2**32 - 1, 1)))
    yield "mp4 whose 10 kB are hours", head + _repeated(chunks=2_000, size=2_000)
    yield "matroska with an element of 2⁵⁶ bytes", b"\x1aE\xdf\xa3\x01" + b"\xff" * 7 + bytes(100)


def _broken_off() -> Iterator[tuple[str, bytes]]:
    pcm = speech(20 * SAMPLE_RATE)
    for kind in ("mp4", "webm", "mkv"):
        whole = packed(pcm, kind)
        yield f"{kind} without its second half", whole[: len(whole) // 2]
    samples, flac = np.frombuffer(pcm, dtype="<i2"), io.BytesIO()
    soundfile.write(flac, samples, SAMPLE_RATE, format="FLAC")
    yield "flac without its second half", flac.getvalue()[: len(flac.getvalue()) // 2]
    yield "amr without frames", b"#!AMR\n"
    yield "adts with half a frame", packed(pcm, "aac")[:20]


def with_sound_elsewhere() -> bytes:
    """Return an MP4 that says that its sound is in a file of the machine."""
    return _HEAD + _repeated(chunks=1, size=64, url=f"file://{PASSWORDS}")


def box(kind: str, content: bytes) -> bytes:
    """Return a box of MP4."""
    return struct.pack(">I4s", len(content) + 8, kind.encode()) + content


def _wav(
    data: bytes, channels: int = 1, rate: int = 16_000, align: int | None = None, tag: int = 1, bits: int = 16
) -> bytes:
    align = min(channels * 2, 65_535) if align is None else align
    form = struct.pack("<HHIIHH", tag, channels, rate, rate * align % 2**32, align, bits)
    chunks = b"WAVE" + b"fmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(chunks)) + chunks


def _flac_that_says(samples: int) -> bytes:
    info = struct.pack(">HH", 4096, 4096) + bytes(6) + struct.pack(">Q", (16_000 << 44) | (15 << 36) | samples)
    return b"fLaC\x80\x00\x00\x22" + info + bytes(16) + b"\xff\xf8" + bytes(900)


def _repeated(chunks: int, size: int, url: str = "") -> bytes:
    """Return boxes of a track of G.711 at 1 kHz whose chunks are all the same bytes."""
    movie = _movie(chunks, size, 0, url)
    movie = _movie(chunks, size, 20 + len(movie) + 8, url)
    return movie + box("mdat", b"\x55" * size)


def _movie(chunks: int, size: int, at: int, url: str) -> bytes:
    chunk_table = struct.pack(">II", 0, chunks) + struct.pack(">I", at) * chunks
    return box("moov", _track((chunks * size, 1), box("stco", chunk_table), size, url))


def _track(stts: tuple[int, int], chunk_table: bytes = b"", size: int = 1, url: str = "") -> bytes:
    samples = stts[0]
    entry = bytes(6) + struct.pack(">H", 1) + bytes(8) + struct.pack(">HHHHI", 1, 16, 0, 0, 1_000 << 16)
    table = b"".join(
        (
            box("stsd", struct.pack(">II", 0, 1) + box("ulaw", entry)),
            box("stts", struct.pack(">IIII", 0, 1, *stts)),
            box("stsc", struct.pack(">IIIII", 0, 1, 1, size, 1)),
            box("stsz", struct.pack(">III", 0, 1, samples)),
            chunk_table,
        )
    )
    source = box("url ", struct.pack(">I", 0 if url else 1) + url.encode() + (b"\x00" if url else b""))
    info = box("smhd", bytes(8)) + box("dinf", box("dref", struct.pack(">II", 0, 1) + source)) + box("stbl", table)
    handler = box("hdlr", bytes(8) + b"soun" + bytes(13))
    media = box("mdhd", struct.pack(">IIIIII", 0, 0, 0, 1_000, samples % 2**32, 0)) + handler + box("minf", info)
    movie_head = box("mvhd", struct.pack(">IIIII", 0, 0, 0, 1_000, samples % 2**32) + bytes(80))
    track_head = box("tkhd", struct.pack(">IIIII", 7, 0, 0, 1, 0) + bytes(64))
    return movie_head + box("trak", track_head + box("mdia", media))
