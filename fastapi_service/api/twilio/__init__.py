"""The door of telephone calls: Twilio's Media Streams, ``/twilio``; see docs/doors.md."""
