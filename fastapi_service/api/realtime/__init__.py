"""The protocol of OpenAI Realtime, for transcription; see docs/doors.md."""
