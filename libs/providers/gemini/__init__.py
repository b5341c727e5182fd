"""Google's Gemini models. The SDK is imported when the provider is opened."""
