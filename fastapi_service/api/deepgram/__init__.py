"""The door of Deepgram's clients: ``/v1/listen``; see docs/doors.md."""
