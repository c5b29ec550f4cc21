"""The door for programs that send files: OpenAI's ``/v1/audio``, ``/v1/models``, and jobs; see docs/doors.md."""
