"""Frames between the gateway and a decoder: a letter for their kind, their length, their content."""

import struct

READ = b"R"
"""Decoder → gateway: ``PART``, a part of the file."""
PCM = b"P"
"""Decoder → gateway: samples, as on ``/ws``."""
ERROR = b"E"
"""Decoder → gateway: code, message, remedy, and the cause for the log, or null, as a JSON list."""
END = b"X"
"""Decoder → gateway: nothing follows."""
HEAD = struct.Struct("<cI")
"""Kind and length of what the decoder writes; the gateway writes nothing but the bytes of each part."""
PART = struct.Struct("<QI")
"""Offset and length in bytes."""
