"""OpenAI, and servers that speak its protocol. The SDK is imported when the provider is opened."""
