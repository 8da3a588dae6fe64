"""Model directories on images: our own, ONNX, Hugging Face, text detectors."""
