"""Languages of the multilingual model by ISO 639-1, as Whisper names them."""

# fmt: off
ENCODER = frozenset(
    [
        "af", "am", "ar", "as", "az", "be", "bg", "bn", "br", "bs", "ca", "cs", "cy", "da", "de", "el", "en",
        "es", "et", "eu", "fa", "fi", "fr", "gl", "gu", "ha", "he", "hi", "hr", "hu", "hy", "id", "is", "it",
        "ja", "jw", "ka", "kk", "km", "kn", "ko", "la", "lo", "lt", "lv", "mg", "mk", "ml", "mn", "mr", "ms",
        "my", "ne", "nl", "no", "nn", "pa", "pl", "ps", "pt", "ro", "ru", "sa", "sd", "si", "sk", "sl", "so",
        "sq", "sr", "su", "sv", "sw", "ta", "te", "th", "tl", "tr", "uk", "ur", "uz", "vi", "yi", "zh",
    ]
)
"""Languages of the text that XLM-RoBERTa, and so multilingual-e5-small, was trained on (CC-100; arXiv:1911.02116, table
6). In others, such as Maori or Haitian, sentences are letters without a meaning to the encoder."""
