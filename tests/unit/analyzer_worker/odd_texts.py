"""Texts that no engine may fail on: empty, very long, odd."""

ODD_TEXTS = ["", "   ", "\x00", "I love\x00 it", "😀", "👨‍👩‍👧 🇰🇷", "\ud800", "좋아요", "a" * 100_000, "no " * 100_000]
