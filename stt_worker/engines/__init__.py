"""One file per speech-to-text engine, all behind ``stt_worker.engines.base.Transcriber``."""
